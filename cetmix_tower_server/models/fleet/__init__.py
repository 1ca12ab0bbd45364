from . import cx_tower_fleet_run
from . import turns
from . import stop
from . import progress
from . import retry
