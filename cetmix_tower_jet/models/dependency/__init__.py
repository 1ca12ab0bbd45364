from . import cx_tower_jet_dependency
from . import cx_tower_jet_request
from . import settings
from . import needs
from . import resolving
from . import following
from . import recovery
