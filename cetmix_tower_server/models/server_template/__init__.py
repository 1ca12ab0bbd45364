from . import cx_tower_server_template_part_mixin
from . import cx_tower_server_template
from . import create
from . import server
