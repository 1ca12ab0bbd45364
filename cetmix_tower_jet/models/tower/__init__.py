from . import waiting
from . import server
from . import health
from . import uninstalling
