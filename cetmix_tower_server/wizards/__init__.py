from . import cx_tower_server_host_key_wizard
from . import cx_tower_command_run_wizard
from . import cx_tower_command_run_wizard_preview
from . import cx_tower_command_run_wizard_variable_value
from . import cx_tower_plan_run_wizard
from . import cx_tower_plan_run_wizard_preview
from . import cx_tower_plan_run_wizard_variable_value
from . import cx_tower_plan_resume_wizard
