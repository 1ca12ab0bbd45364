from . import cx_tower_vault_mixin
from . import cx_tower_key_mixin
from . import cx_tower_vault
from . import cx_tower_key
from . import cx_tower_key_value
