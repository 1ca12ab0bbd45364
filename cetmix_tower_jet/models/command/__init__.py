from . import cx_tower_command
from . import moving_jets
from . import creating_waypoints
from . import scheduled_waypoints
