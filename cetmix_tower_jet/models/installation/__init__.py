from . import cx_tower_jet_template_install
from . import cx_tower_jet_template_install_line
from . import starting
from . import progress
from . import plan_log
from . import recovery
from . import opening
from . import deletion
