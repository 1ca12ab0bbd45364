import base64

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.http import request

from ...engine import host_path
from ...engine.file_operations import DELETE, PULL, PUSH
from ...engine.results import RenderingError
from .server_runs import NO_NONCE


class JsonBytes(bytes):
    """Bytes that Odoo is going to put into JSON, which it does by decoding them."""

    @classmethod
    def of(cls, content, advice):
        made = cls(content)
        made.advice = advice
        return made

    def decode(self, *args, **options):
        try:
            return super().decode(*args, **options)
        except UnicodeDecodeError:
            if args or options:
                raise
            raise UserError(self.advice) from None


class CxTowerServer(models.Model):
    """The part of a server that concerns its files."""

    _inherit = "cx.tower.server"

    file_ids = fields.One2many("cx.tower.file", "server_id", string="Files", copy=True)
    file_count = fields.Integer(string="Number of files", compute="_compute_file_count")

    def _compute_file_count(self):
        groups = self.env["cx.tower.file"]._read_group(
            [("server_id", "in", self.ids)], ["server_id"], ["__count"]
        )
        counts = {server.id: count for server, count in groups}
        for server in self:
            server.file_count = counts.get(server.id, 0)

    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "file_ids"]

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            self.env["cx.tower.file"]._follow_archived_servers(self.ids, vals["active"])
        return result

    def action_open_files(self):
        """Open the files of these servers.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.cx_tower_file_action")
        context = {"default_server_id": self.id} if len(self) == 1 else {}
        return action | {"domain": [("server_id", "in", self.ids)], "context": context}

    # ------------------------------------------------------------------ for scripts

    def upload_file(self, data, remote_path, from_path=False, as_base64=False):
        """Put a file onto the host and wait until it is there. The transfer is a run like any other, with a log.

        :param data: content, text (sent as UTF-8) or bytes
        :param str remote_path: full path on the host; "~/" is the home of the user that Tower logs in as
        :param from_path: refused: nobody may read files of the Tower host
        :param bool as_base64: ``data`` is base64, for callers that cannot send bytes
        :return: dict: ``path``, ``size`` in bytes, ``outcome`` ("pushed"), ``log`` (id of the run)
        :raise AccessError: the caller may not write the server
        :raise ValidationError: no full path, no content that could be sent, or the push failed; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        if from_path:
            raise ValidationError(
                self.env._(
                    "Files of the Tower host cannot be uploaded by their path. Pass the content instead."
                )
            )
        content = self._upload_content(data, as_base64)
        document = self._bare_document(PUSH, remote_path)

        attachment = self._keep_for_run({"name": document["name"], "raw": content})
        document["attachment"] = {
            "id": attachment.id,
            "checksum": attachment.checksum,
            "size": attachment.file_size,
        }
        try:
            result, log_id = self._run_file_and_wait(lambda target: target._start_bare_run(PUSH, document))
        except UserError:
            attachment.exists().unlink()  # a Python command may go on after that
            raise
        # In the transaction that made it: the one that records the end of the run cannot see it.
        attachment.exists().unlink()
        return {
            "path": document["path"],
            "size": result.get("size", 0),
            "outcome": result["outcome"],
            "log": log_id,
        }

    def download_file(self, remote_path, as_base64=False):
        """Read a file of the host and wait for it. The transfer is a run like any other, with a log.

        :param str remote_path: full path on the host
        :param bool as_base64: return text in base64, for callers that cannot receive bytes: over JSON, what is no text
            comes in no other way
        :return: bytes; text with ``as_base64``
        :raise AccessError: the caller may not write the server: whoever reads any file of it holds its secrets
        :raise ValidationError: no full path, or it could not be read; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        document = self._bare_document(PULL, remote_path)
        result, _log_id = self._run_file_and_wait(lambda target: target._start_bare_run(PULL, document))
        content = self.env["ir.attachment"]._file_read(result["blob"])  # b"" where it cannot be read
        if len(content) != result["size"]:
            raise ValidationError(
                self.env._(
                    "%s was fetched, but cannot be read from the store of the Tower host.", document["path"]
                )
            )
        if as_base64:
            return base64.b64encode(content).decode()
        return self._bytes_for_caller(content, document["path"])

    def _bytes_for_caller(self, content, path):
        """Return bytes; those of a call over JSON say themselves what to do when they turn out to be no text."""
        routing = getattr(getattr(request, "dispatcher", None), "routing_type", "") if request else ""
        if routing not in ("jsonrpc", "json2"):
            return content
        return JsonBytes.of(
            content,
            self.env._(
                "%s contains bytes that are no text, and JSON has none. Ask for it with as_base64.", path
            ),
        )

    def delete_file(self, remote_path):
        """Delete a file on the host and wait until it is gone. A run like any other, with a log.

        :param str remote_path: full path on the host
        :return: bool: whether there was such a file
        :raise AccessError: the caller may not write the server
        :raise ValidationError: no full path, or it could not be deleted; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        document = self._bare_document(DELETE, remote_path)
        result, _log_id = self._run_file_and_wait(lambda target: target._start_bare_run(DELETE, document))
        return result["outcome"] == "deleted"

    def _keep_for_run(self, values):
        """Return an attachment with content that a run is to send.

        :raise ValidationError: the Tower host cannot store it
        """
        try:
            # sudo: kept for this run only; who started it may write the server. It belongs to no record: whoever may
            # read that would read the content, too.
            return self.env["ir.attachment"].sudo().create(values)
        except OSError as error:
            raise ValidationError(
                self.env._(
                    "The Tower host cannot store the content: %s. Nothing was sent.",
                    error.strerror or type(error).__name__,
                )
            ) from error

    def _upload_content(self, data, as_base64):
        if isinstance(data, str) and as_base64:
            try:
                return base64.b64decode(data, validate=True)
            except ValueError as error:
                raise ValidationError(self.env._("The content is no base64.")) from error
        if isinstance(data, str):
            try:
                return data.encode()
            except UnicodeEncodeError as error:
                raise ValidationError(
                    self.env._("The content has characters that cannot be encoded in UTF-8.")
                ) from error
        if isinstance(data, (bytes, bytearray)):
            return bytes(data)
        raise ValidationError(self.env._("The content of a file is text or bytes."))

    def _bare_document(self, operation, remote_path):
        """Return the document of a file without a record, see ``cx.tower.file._document``."""
        try:
            path = host_path.normalize(remote_path if isinstance(remote_path, str) else "")
        except RenderingError as error:
            raise ValidationError(str(error)) from error
        return {
            "operation": operation,
            "path": path,
            "name": path.rpartition("/")[2],
            "file_type": "binary",
            "mode": "",
            "owner": "",
            "group": "",
            "backup": False,
            "sudo": False,
        }

    def _start_bare_run(self, operation, document):
        values = self._file_run_values(operation, [document], NO_NONCE)
        values["run_input"]["keep_result"] = True
        # sudo: nobody may create logs by hand; the right to write the server was checked
        return self.env["cx.tower.command.log"].sudo().create([values])

    def _run_file_and_wait(self, start):
        """Return (result of the only file, id of the log) of a run that was started and has ended.

        :raise ValidationError: it failed
        """
        end = self._run_and_wait(start, _take_result)
        results = end["files"] or [{}]
        if end["exit_code"] or not results[0]:
            raise ValidationError(end["message"] or self.env._("The transfer failed."))
        return results[0], end["id"]

    def _deletion_on_hosts(self):
        # sudo: whether Tower put files there, whoever may see them
        files = self.env["cx.tower.file"].sudo().with_context(active_test=False)
        if files.search_count([("server_id", "in", self.ids), ("pushed_path", "!=", False)], limit=1):
            return [self.env._("The files that Tower put on the host stay on the host.")]
        return []


def _take_result(log):
    """Return what came of the files of a run, and forget it; the caller's right to them was checked."""
    files = (log.run_result or {}).get("files")
    log.run_result = False
    return {"files": files}
