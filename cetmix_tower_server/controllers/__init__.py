from . import log_output
