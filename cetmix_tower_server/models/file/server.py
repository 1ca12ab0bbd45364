import base64
from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.http import request

from ...engine.errors import RenderingError
from ...engine.files import host_path
from ...engine.files.document import FileDocument, StoredContent
from ...engine.files.operations import DELETE, PULL, PUSH
from .starting import NO_NONCE


class JsonBytes(bytes):
    """Bytes that raise a helpful error if Odoo cannot decode them to put them into JSON."""

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
    """The files of a server, and transfers for scripts."""

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
        """Upload a file to the host and wait for the end. The transfer is an ordinary run with a log.

        :param data: content, text (sent as UTF-8) or bytes
        :param str remote_path: full path on the host; "~/" is the home directory of the SSH user
        :param from_path: not supported, because nobody may read files of the Tower host
        :param bool as_base64: ``data`` is base64, for callers that cannot send bytes
        :return: dict: ``path``, ``size`` in bytes, ``outcome`` ("pushed"), ``log`` (id of the run)
        :raise AccessError: the caller may not write the server
        :raise ValidationError: invalid path or content, or the push failed; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        if from_path:
            raise ValidationError(
                self.env._("Files on the Tower host cannot be uploaded by path. Pass the content instead.")
            )
        content = self._upload_content(data, as_base64)
        document = self._bare_document(PUSH, remote_path)

        attachment = self._keep_for_run({"name": document.name, "raw": content})
        stored = StoredContent(attachment.id, attachment.checksum, attachment.file_size)
        document = replace(document, attachment=stored)
        try:
            result, log_id = self._run_file_and_wait(lambda target: target._create_bare_run(PUSH, document))
        except UserError:
            attachment.exists().unlink()  # a Python command may catch the error and continue
            raise
        # Deleted here, because the transaction that records the end of the run may not see this attachment.
        attachment.exists().unlink()
        return {
            "path": document.path,
            "size": result.get("size", 0),
            "outcome": result["outcome"],
            "log": log_id,
        }

    def download_file(self, remote_path, as_base64=False):
        """Download a file from the host and wait for the end. The transfer is an ordinary run with a log.

        :param str remote_path: full path on the host
        :param bool as_base64: return base64 text. Needed for binary content over JSON.
        :return: bytes; text with ``as_base64``
        :raise AccessError: the caller may not write the server. Reading any file on it could reveal its secrets.
        :raise ValidationError: invalid path, or the file could not be read; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        document = self._bare_document(PULL, remote_path)
        result, _log_id = self._run_file_and_wait(lambda target: target._create_bare_run(PULL, document))
        content = self.env["ir.attachment"]._file_read(result["blob"])  # b"" where it cannot be read
        if len(content) != result["size"]:
            raise ValidationError(
                self.env._(
                    "%s was downloaded but cannot be read from the file store of the Tower host.",
                    document.path,
                )
            )
        if as_base64:
            return base64.b64encode(content).decode()
        return self._bytes_for_caller(content, document.path)

    def _bytes_for_caller(self, content, path):
        """Return bytes. For calls over JSON, they raise an error that names ``as_base64`` if they are not text."""
        routing = getattr(getattr(request, "dispatcher", None), "routing_type", "") if request else ""
        if routing not in ("jsonrpc", "json2"):
            return content
        return JsonBytes.of(
            content,
            self.env._(
                "%s contains binary data, which JSON cannot represent. Download it with as_base64.", path
            ),
        )

    def delete_file(self, remote_path):
        """Delete a file on the host and wait for the end. The deletion is an ordinary run with a log.

        :param str remote_path: full path on the host
        :return: bool: whether the file existed
        :raise AccessError: the caller may not write the server
        :raise ValidationError: invalid path, or the file could not be deleted; the message says why
        """
        self.ensure_one()
        self.check_access("write")
        document = self._bare_document(DELETE, remote_path)
        result, _log_id = self._run_file_and_wait(lambda target: target._create_bare_run(DELETE, document))
        return result["outcome"] == "deleted"

    def _keep_for_run(self, values):
        """Return an attachment with the content that a run will upload.

        :raise ValidationError: the Tower host cannot store it
        """
        try:
            # sudo: stored only for this run, whose caller may write the server. It is not linked to a record, because
            # everyone who may read that record could read the content, too.
            return self.env["ir.attachment"].sudo().create(values)
        except OSError as error:
            raise ValidationError(
                self.env._(
                    "The Tower host cannot store the content: %s. Nothing was uploaded.",
                    error.strerror or type(error).__name__,
                )
            ) from error

    def _upload_content(self, data, as_base64):
        if isinstance(data, str) and as_base64:
            try:
                return base64.b64decode(data, validate=True)
            except ValueError as error:
                raise ValidationError(self.env._("The content is not valid base64.")) from error
        if isinstance(data, str):
            try:
                return data.encode()
            except UnicodeEncodeError as error:
                raise ValidationError(
                    self.env._("The content contains characters that cannot be encoded in UTF-8.")
                ) from error
        if isinstance(data, (bytes, bytearray)):
            return bytes(data)
        raise ValidationError(self.env._("The content of a file must be text or bytes."))

    def _bare_document(self, operation, remote_path):
        """Return the document of a file without a record, see ``cx.tower.file._document``."""
        try:
            path = host_path.normalize(remote_path if isinstance(remote_path, str) else "")
        except RenderingError as error:
            raise ValidationError(str(error)) from error
        return FileDocument(operation, path, name=path.rpartition("/")[2], file_type="binary")

    def _create_bare_run(self, operation, document):
        values = self._file_run_values(operation, [document], NO_NONCE, keep_result=True)
        # sudo: nobody has the right to create logs; write access to the server was checked
        return self.env["cx.tower.command.log"].sudo().create([values])

    def _run_file_and_wait(self, start):
        """Start a run with one file, wait for its end, and return (result of the file, id of the log).

        :raise ValidationError: it failed
        """
        end = self._run_and_wait(start, _take_result)
        results = end["files"] or [{}]
        if end["exit_code"] or not results[0]:
            raise ValidationError(end["message"] or self.env._("The transfer failed."))
        return results[0], end["id"]

    def _deletion_on_hosts(self):
        # sudo: checks whether any file was pushed, also files that the caller may not read; nothing else is shown
        files = self.env["cx.tower.file"].sudo().with_context(active_test=False)
        if files.search_count([("server_id", "in", self.ids), ("pushed_path", "!=", False)], limit=1):
            return [self.env._("The files that Tower pushed to the host remain there.")]
        return []


def _take_result(log):
    """Return the results of a run and remove them from it. The caller's right to them was checked."""
    files = (log.run_result or {}).get("files")
    log.run_result = False
    return {"files": files}
