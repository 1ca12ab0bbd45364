"""The time limit for evaluating an author's text: option ``tower_text_seconds`` of odoo.conf, one second by default."""

import logging

from odoo.tools import config

from ...engine.bounded import pool

OPTION = "tower_text_seconds"
LIMITS_S = (0.1, 60.0)
_logger = logging.getLogger(__name__)


def read_option():
    """Apply the option to this process's pool of evaluators."""
    text = str(config.get(OPTION) or "").strip()
    if not text:
        return
    try:
        seconds = float(text)
    except ValueError:
        _logger.warning("odoo.conf: %s is not a number of seconds: %s", OPTION, text)
        return
    pool.configure(min(max(seconds, LIMITS_S[0]), LIMITS_S[1]))


read_option()
