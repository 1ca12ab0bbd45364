from . import cx_tower_jet
from . import rights
from . import offers
from . import seats
from . import new_jets
from . import creation
from . import deletion
from . import launch_plan
