import re

from odoo import http
from odoo.http import content_disposition, request

from ..engine import ansi

BLOCK = 1024 * 1024
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


class LogDownload(http.Controller):
    """Download of the output of runs, and of server logs, as text."""

    @http.route("/cetmix_tower/log/<int:log_id>/output.txt", type="http", auth="user", methods=["GET"])
    def download_output(self, log_id, raw=""):
        """Return the stored output of a run, both streams in the order of their arrival.

        :param raw: "1": as the host printed it, with escape sequences; otherwise the text that a terminal would show
        :raise AccessError: answered with 403 if the user may not read the log
        """
        log = self._readable("cx.tower.command.log", log_id)
        return self._answer(self._output(log), raw, log.server_name, log.title)

    @http.route("/cetmix_tower/server_log/<int:log_id>/log.txt", type="http", auth="user", methods=["GET"])
    def download_server_log(self, log_id, raw=""):
        """Return the stored text of a server log.

        :param raw: "1": with escape sequences; otherwise as a terminal would show it
        :raise AccessError: answered with 403 if the user may not read the log
        """
        log = self._readable("cx.tower.server.log", log_id)
        # sudo: the name of the server, for a user who may read a log of it
        return self._answer(log.log_text or "", raw, log.sudo().server_id.name, log.name)

    @staticmethod
    def _readable(model, log_id):
        log = request.env[model].browse(log_id).exists()
        if not log:
            raise request.not_found()
        log.check_access("read")
        return log

    @staticmethod
    def _output(log):
        parts, offset = [], 0
        while True:
            output = log.read_output(offset, BLOCK)
            for chunk in output["chunks"]:
                if chunk["offset"] > offset:
                    parts.append(f"\n[... {chunk['offset'] - offset} characters omitted ...]\n")
                parts += [text for _stream, text in chunk["segments"]]
                offset = chunk["end"]
            if not output["more"]:
                return "".join(parts)

    @staticmethod
    def _answer(text, raw, *names):
        """Return the response with a text as a file, named after ``names``."""
        is_raw = raw == "1"
        words = (_NOT_IN_NAMES.sub("_", word or "").strip("._") for word in (*names, "raw" if is_raw else ""))
        name = "_".join(filter(None, words))
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Disposition", content_disposition(f"{name[:150]}.txt")),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return request.make_response(text if is_raw else ansi.to_text(text), headers)
