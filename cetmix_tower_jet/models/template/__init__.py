from . import cx_tower_jet_template
from . import cx_tower_jet_action
from . import cx_tower_jet_template_dependency
from . import opening
from . import graph
from . import standard_lifecycle
from . import check
from . import jet_users
