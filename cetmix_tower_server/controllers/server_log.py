from odoo import http
from odoo.http import content_disposition, request

from ..engine import ansi


class ServerLog(http.Controller):
    """Download of a server log as text."""

    @http.route("/cetmix_tower/server_log/<int:log_id>/log.txt", type="http", auth="user", methods=["GET"])
    def download(self, log_id):
        """Return the text that is kept of a server log, without colours.

        :raise AccessError: answered with 403 when the person may not read the log
        """
        log = request.env["cx.tower.server.log"].browse(log_id).exists()
        if not log:
            raise request.not_found()
        log.check_access("read")
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Disposition", content_disposition(f"{log.reference}.txt")),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return request.make_response(ansi.to_text(log.log_text or ""), headers)
