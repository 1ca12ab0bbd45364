from . import cx_tower_jet_create_wizard
from . import cx_tower_jet_template_install_wiz
from . import cx_tower_run_wizard
