from . import cx_tower_site
from . import runs
from . import variables
from . import command
from . import cx_tower_fleet_run
from . import site_approval
