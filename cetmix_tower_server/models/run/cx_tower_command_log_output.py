from odoo import fields, models

from ..base.fields import BigInteger


class CxTowerCommandLogOutput(models.Model):
    """A block of a run's live output, already masked: what was printed between two flushes.

    Offsets count characters of the whole run, both streams together in the order they arrived. A gap between
    the end of a block and the start of the next one is output that was left out (see the output limit).
    Written with SQL by ``worker/recorder.py``; readable where the log is.
    """

    _name = "cx.tower.command.log.output"
    _description = "Tower Command Log Output"
    _order = "log_id, start_offset"
    _log_access = False

    log_id = fields.Many2one("cx.tower.command.log", required=True, ondelete="cascade")
    start_offset = BigInteger(required=True)
    end_offset = BigInteger(required=True)
    segments = fields.Json(help='List of [stream, text]; stream is "o" or "e".')

    _block = models.UniqueIndex("(log_id, start_offset)")
