from . import cx_tower_jet_dependency
from . import cx_tower_jet_request
