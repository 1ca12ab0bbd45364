from odoo import http
from odoo.http import content_disposition, request

BLOCK = 1024 * 1024


class LogOutput(http.Controller):
    """Download of a run's output as text."""

    @http.route("/cetmix_tower/log/<int:log_id>/output.txt", type="http", auth="user", methods=["GET"])
    def download(self, log_id):
        """Return the kept output of a run, both streams in the order they arrived, a block at a time.

        :raise AccessError: answered with 403 when the person may not read the log
        """
        log = request.env["cx.tower.command.log"].browse(log_id).exists()
        if not log:
            raise request.not_found()
        log.check_access("read")
        name = f"{log.reference}.txt"
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return request.make_response(self._text(log), headers)

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
