from markupsafe import Markup
from odoo import api, fields, models

from ...engine import ansi

# As much as a page shows; the whole text is in the fields it is made of.
SHOWN_LIMIT = 200_000


class CxTowerCommandLog(models.Model):
    """The result of a run as HTML: what it printed with the colours of a terminal, then its errors."""

    _inherit = "cx.tower.command.log"

    command_result_html = fields.Html(
        string="Result",
        compute="_compute_command_result_html",
        sanitize=False,  # made of nothing but escaped text and spans, see engine/ansi.py
    )

    @api.depends("command_response", "command_error")
    def _compute_command_result_html(self):
        for log in self:
            parts = [text[-SHOWN_LIMIT:] for text in (log.command_response, log.command_error) if text]
            # the engine's promise, tested in tests/engine/test_ansi.py
            log.command_result_html = (
                Markup("<br/>").join(Markup(ansi.to_html(part)) for part in parts) or False
            )
