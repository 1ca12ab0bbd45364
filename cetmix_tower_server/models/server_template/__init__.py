from . import cx_tower_server_template
from . import server_creation
from . import server
