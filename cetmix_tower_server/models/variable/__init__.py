from . import cx_tower_variable_text_mixin
from . import cx_tower_template_mixin
from . import cx_tower_variable_resolver
from . import cx_tower_variable_mixin
from . import cx_tower_custom_variable_value_mixin
from . import cx_tower_variable
from . import cx_tower_variable_option
from . import cx_tower_variable_value
