from . import cx_tower_jet
from . import rights
