from . import cx_tower_run_wizard_mixin
from . import cx_tower_server_host_key_wizard
from . import cx_tower_server_template_create_wizard
from . import cx_tower_command_run_wizard
from . import cx_tower_plan_run_wizard
from . import cx_tower_plan_resume_wizard
from . import cx_tower_settings_page
