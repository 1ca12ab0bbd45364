from odoo import http
from odoo.http import request

from ..engine import ansi
from .text_download import text_download

BLOCK = 1024 * 1024


class LogOutput(http.Controller):
    """Download of a run's output as text."""

    @http.route("/cetmix_tower/log/<int:log_id>/output.txt", type="http", auth="user", methods=["GET"])
    def download(self, log_id, raw=""):
        """Return the kept output of a run, both streams in the order they arrived.

        :param raw: "1": as the host printed it, with the escape sequences of colours and progress bars; otherwise the
            text that a terminal would show
        :raise AccessError: answered with 403 when the person may not read the log
        """
        log = request.env["cx.tower.command.log"].browse(log_id).exists()
        if not log:
            raise request.not_found()
        log.check_access("read")
        text = self._text(log)
        names = (log.server_name, log.title, "raw" if raw == "1" else "")
        return text_download(text if raw == "1" else ansi.to_text(text), *names)

    @staticmethod
    def _text(log):
        parts, offset = [], 0
        while True:
            output = log.read_output(offset, BLOCK)
            for chunk in output["chunks"]:
                if chunk["offset"] > offset:
                    parts.append(f"\n[... {chunk['offset'] - offset} characters left out ...]\n")
                parts += [text for _stream, text in chunk["segments"]]
                offset = chunk["end"]
            if not output["more"]:
                return "".join(parts)
