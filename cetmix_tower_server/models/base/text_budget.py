"""How long a text of an author may take: option ``tower_text_seconds`` of odoo.conf, one second without it."""

import logging

from odoo.tools import config

from ...engine.bounded import pool

OPTION = "tower_text_seconds"
LIMITS_S = (0.1, 60.0)
_logger = logging.getLogger(__name__)


def read_option():
    """Give the pool of this process the budget of odoo.conf."""
    text = str(config.get(OPTION) or "").strip()
    if not text:
        return
    try:
        seconds = float(text)
    except ValueError:
        _logger.warning("odoo.conf: %s is no number of seconds: %s", OPTION, text)
        return
    pool.configure(min(max(seconds, LIMITS_S[0]), LIMITS_S[1]))


read_option()
