from . import cx_tower_server_log
from . import fetching
from . import server
from . import server_template
from . import command_log
