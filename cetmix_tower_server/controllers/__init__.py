from . import log_output
from . import server_log
