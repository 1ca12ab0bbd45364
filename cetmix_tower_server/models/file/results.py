import logging
import os

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...engine import states
from ...engine.files.document import FileDocument
from ...engine.files.operations import COMPARE, DELETE, FAILED, PULL, PUSH, SKIPPED
from ...engine.values.custom import CustomValues
from ..base.engine_context import engine_says
from .cx_tower_file import QUIET

_logger = logging.getLogger(__name__)

RESPONSE_LIMIT = 2000  # characters of a reason that are kept on the file


class CxTowerFile(models.Model):
    """Applies the results of a run to its files, in the transaction that records the end of the run."""

    _inherit = "cx.tower.file"

    @api.model
    def _take_over_results(self, log):
        """Apply the results of a run to its files.

        :param log: log of the ended run, as superuser
        """
        documents = FileDocument.all_in(log._inputs__()[0])
        results = (log.run_result or {}).get("files") or []
        if not documents:
            return
        if len(results) != len(documents):  # the run ended without transferring anything
            text = (log.message or dict(states.LABELS)[log.state])[:RESPONSE_LIMIT]
            results = [{"outcome": FAILED, "message": text} for _document in documents]
        files = self.with_context(active_test=False).browse(
            document.file_id for document in documents if document.file_id
        )
        existing = {file.id: file for file in files.exists()}
        changes, stored, texts = [], [], []
        for document, result in zip(documents, results, strict=True):
            file = existing.get(document.file_id, self.browse())
            if document.record:
                file = self._make_from_step(log, document, result)
                log.file_ids = [(4, file_id) for file_id in file.ids]
            if file:
                is_changed = document.change_mark not in (None, file.change_mark or "")
                changes.append((file, file._values_after(document, result, is_changed)))
                if result.get("blob") and not is_changed:
                    stored.append((file, result))
                if result.get("code_blob") and not is_changed:
                    texts.append((file, document.operation, result["code_blob"]))
            elif document.operation == DELETE and result["outcome"] == FAILED:
                log._report_undeleted(document, result)
        self._write_changes(changes)
        for file, result in stored:
            file._attach_blob(result)
        for file, operation, blob in texts:
            file._take_text("code" if operation == PULL else "code_on_server", blob)
        if any(file.sync_wanted for file in existing.values()):
            self._wake_sync()

    @api.model
    def _write_changes(self, changes):
        """Write [(file, values)], with one write for all files that get the same values."""
        groups = {}
        for file, values in changes:
            groups.setdefault(repr(sorted(values.items(), key=lambda item: item[0])), (values, []))[1].append(
                file.id
            )
        for values, ids in groups.values():
            self.browse(ids)._write_quietly(values)

    def _values_after(self, document, result, is_changed=False):
        """Return the values to write on this file after a run.

        :param is_changed: the file was changed during the run, so its state compared to the server is unknown
        """
        values = self._values_of_result(document, result)
        if not is_changed or result["outcome"] == FAILED:
            return values
        values.pop("code", None)
        unknown = {"host_state": "unknown", "host_note": False, "code_on_server": False}
        return values | unknown | ({"sync_state": "new"} if "sync_state" in values else {})

    def _values_of_result(self, document, result):
        now = fields.Datetime.now()
        failed = result["outcome"] == FAILED
        text = (result.get("message") or "")[:RESPONSE_LIMIT]
        if document.operation == COMPARE:
            if failed:
                return {
                    "host_state": "error",
                    "host_note": text,
                    "host_checked": now,
                    "code_on_server": False,
                }
            return {
                "host_state": result["outcome"],
                "host_note": self._host_facts(result),
                "host_checked": now,
                "code_on_server": result.get("code", False),
            }
        if failed:
            values = {"server_response": text}
            if document.operation in (PUSH, PULL):
                values["sync_state"] = "failed"
            return values
        done = {"server_response": "ok", "sync_date_last": now, "sync_state": "ok"}
        if document.operation == DELETE:
            return {
                "server_response": "ok",
                "sync_state": "new",
                "pushed_path": False,
                "host_state": "missing",
                "host_checked": now,
                "host_note": False,
                "code_on_server": False,
            }
        if document.operation == PULL:
            values = {**done, "host_state": "same", "host_checked": now, "host_note": False}
            return values | ({"code": result["code"]} if "code" in result else {})
        return {
            **done,
            "pushed_path": document.path,
            "host_path": document.path,
            "host_state": "same",
            "host_checked": now,
            "host_note": False,
            "code_on_server": False,
            **({"backup_path": result["backup_path"]} if result.get("backup_path") else {}),
        }

    @api.model
    def _host_facts(self, result):
        """Return the findings of a comparison as text."""
        parts = [result["note"]] if result.get("note") else []
        if result.get("mode"):
            parts.append(
                self.env._(
                    "On the server: %(size)s bytes, permissions %(mode)s, owner %(owner)s, group %(group)s.",
                    **{name: result.get(name) for name in ("size", "mode", "owner", "group")},
                )
            )
        if result.get("sha256"):
            parts.append(
                self.env._(
                    "SHA-256 on the server: %(there)s, in Tower: %(here)s.",
                    there=result["sha256"],
                    here=result.get("own_sha256"),
                )
            )
        return " ".join(parts) or False

    # ------------------------------------------------------------------ files of steps

    @api.model
    def _make_from_step(self, log, document, result):
        """Return the record of a file that a command created from a template on the host.

        :return: an existing or new record; none if the file failed or was skipped because it already existed
        """
        if result["outcome"] in (FAILED, SKIPPED):
            return self.browse()
        record = document.record
        target = log._run_target()
        file = self.with_context(active_test=False).search(
            [*self._domain_on(target), ("host_path", "=", document.path)], limit=1
        )
        template = self.env["cx.tower.file.template"].browse(record.template_id).exists()
        values = {
            **{name: value or False for name, value in record.values.items()},
            "template_id": False if record.disconnect else template.id,
            "host_path": document.path,
            "last_log_id": log.id,
            "active": True,
        }
        if document.operation == PULL:
            values.pop("code")
        inputs, secrets = log._inputs__()
        own = CustomValues(inputs.get("variable_values") or {}, secrets)
        if file:
            file._write_quietly(values | file._changed_custom_values__(own))
            return file
        # sudo: the author of the command decided to create this file; the person who ran it becomes its creator
        creator = self.with_user(log.user_id).sudo().with_context(**engine_says(**{QUIET: True}))
        file = creator.create({**values, **self._values_on(target)}).with_env(self.env)
        file._write_quietly(file._changed_custom_values__(own))
        return file

    # ------------------------------------------------------------------ binary content

    def _take_text(self, field_name, blob):
        """Write a text that a run put into the filestore. Only one text at a time is in memory.

        :param blob: path below the filestore
        """
        # sudo: reads content that the run itself stored
        path = self.env["ir.attachment"].sudo()._full_path(blob)
        if not os.path.isfile(path):
            raise self._not_in_store()
        with open(path, encoding="utf-8", newline="") as stored:
            self._write_quietly({field_name: stored.read()})
        self.flush_recordset()
        self.invalidate_recordset([field_name], flush=False)

    def _not_in_store(self):
        return UserError(
            self.env._("The content of “%s” is missing in the file store. Pull it again.", self.display_name)
        )

    def _attach_blob(self, blob):
        """Make content in the filestore, stored by a run, the content of this file.

        :param blob: dict with ``blob`` (path below the filestore), ``checksum``, ``size``
        """
        self.ensure_one()
        # sudo: attachments of files are maintained by Tower
        Attachment = self.env["ir.attachment"].sudo()
        path = Attachment._full_path(blob["blob"])
        domain = [("res_model", "=", self._name), ("res_field", "=", "file"), ("res_id", "=", self.id)]
        attachment = Attachment.search(domain, limit=1)
        if not attachment:
            attachment = Attachment.create(
                {"name": "file", "res_model": self._name, "res_field": "file", "res_id": self.id, "raw": b""}
            )
        if Attachment._storage() == "db":
            with open(path, "rb") as stored:
                attachment.raw = stored.read()
            return
        old = attachment.store_fname
        attachment.flush_recordset()
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = %s, checksum = %s, file_size = %s, db_datas = NULL,"
            " mimetype = 'application/octet-stream', index_content = NULL WHERE id = %s",
            (blob["blob"], blob["checksum"], blob["size"], attachment.id),
        )
        # Checked after the update, which waits for Odoo's garbage collection of unreferenced files.
        if not os.path.isfile(path):
            raise self._not_in_store()
        attachment.invalidate_recordset()
        self.invalidate_recordset(["file"])
        if old and old != blob["blob"]:
            Attachment._file_delete(old)
