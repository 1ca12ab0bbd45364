from . import runs
from . import variables
from . import cx_tower_jet
from . import files
from . import server_logs
from . import tasks
from . import fleets
from . import belongings
