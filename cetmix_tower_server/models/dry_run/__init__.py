from . import run_target
from . import server
from . import plan
