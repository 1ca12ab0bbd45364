# In the order in which they build on each other: a package imports only from those above it.
from . import state
from . import template
from . import installation
from . import jet
from . import allocation
from . import transition
from . import dependency
from . import topology
from . import target
from . import waypoint
from . import clone
from . import command
from . import tower
