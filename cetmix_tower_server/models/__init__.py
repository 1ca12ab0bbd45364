# In the order in which they build on each other: a package imports only from those above it.
from . import base
from . import vault
from . import variable
from . import run
from . import server
from . import command
from . import plan
from . import dry_run
from . import server_template
from . import file
from . import server_log
from . import automation
from . import fleet
from . import tower
