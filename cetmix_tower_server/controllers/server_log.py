from odoo import http
from odoo.http import request

from ..engine import ansi
from .text_download import text_download


class ServerLog(http.Controller):
    """Download of a server log as text."""

    @http.route("/cetmix_tower/server_log/<int:log_id>/log.txt", type="http", auth="user", methods=["GET"])
    def download(self, log_id, raw=""):
        """Return the text that is kept of a server log.

        :param raw: "1": with the escape sequences of colours and progress bars; otherwise as a terminal would show it
        :raise AccessError: answered with 403 when the person may not read the log
        """
        log = request.env["cx.tower.server.log"].browse(log_id).exists()
        if not log:
            raise request.not_found()
        log.check_access("read")
        text = log.log_text or ""
        # sudo: a log that may be read names its server
        names = (log.sudo().server_id.name, log.name, "raw" if raw == "1" else "")
        return text_download(text if raw == "1" else ansi.to_text(text), *names)
