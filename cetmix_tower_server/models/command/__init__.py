from . import runners
from . import cx_tower_command
from . import python
from . import python_run
from . import internal
