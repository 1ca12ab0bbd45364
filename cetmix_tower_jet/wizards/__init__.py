from . import cx_tower_jet_explanation_mixin
from . import cx_tower_jet_correct_wizard
from . import cx_tower_jet_create_wizard
from . import cx_tower_jet_clone_wizard
from . import cx_tower_jet_transfer_wizard
from . import cx_tower_jet_move_wizards
from . import cx_tower_jet_template_install_wiz
from . import cx_tower_run_wizard
