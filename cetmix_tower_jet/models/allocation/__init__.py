from . import cx_tower_variable
from . import cx_tower_variable_value
from . import cx_tower_jet
