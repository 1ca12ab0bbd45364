from . import runners
from . import cx_tower_command
from . import python
from . import internal
from . import command_log_python
