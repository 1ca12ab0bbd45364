from . import cx_tower_jet
from . import cx_tower_jet_dependency
from . import tower
