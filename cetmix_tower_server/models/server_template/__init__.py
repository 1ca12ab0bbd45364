from . import cx_tower_server_template
from . import create
from . import server
