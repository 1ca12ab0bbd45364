from . import log_download
