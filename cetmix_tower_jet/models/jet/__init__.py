from . import cx_tower_jet
from . import rights
from . import offers
