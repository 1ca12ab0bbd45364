from . import runs
from . import variables
from . import cx_tower_jet
