from odoo import models

from ...engine.file_operations import COMPARE, DELETE, PULL, PUSH
from ...engine.text_diff import Difference, side_by_side

REASONS_SHOWN = 3
PATHS_SHOWN = 5


class CxTowerFile(models.Model):
    """The buttons of a file."""

    _inherit = "cx.tower.file"

    def action_push_to_server(self):
        """Start the push of these files and say so.

        :raise AccessError: the caller may not write one of the files
        :raise UserError: one of them is pulled from its server
        """
        return self._start_and_tell(PUSH)

    def action_pull_from_server(self):
        """Start the pull of these files and say so; see :meth:`action_push_to_server`."""
        return self._start_and_tell(PULL)

    def action_delete_from_server(self):
        """Start the deletion of these files on their servers and say so; the records stay."""
        return self._start_and_tell(DELETE)

    def action_get_current_server_code(self):
        """Start a comparison of these files with what is on their servers and say so."""
        return self._start_and_tell(COMPARE)

    def action_unlink_from_template(self):
        """Let these files stay as they are: they do not follow their template any more.

        :return: True
        :raise AccessError: the caller may not write one of the files
        """
        self.check_access("write")
        self.write({"template_id": False})
        return True

    def action_open_last_run(self):
        """Open the last run of this file.

        :raise AccessError: the caller may not read the file, or the run
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: who may read the file may know its last run; reading that has rules of its own
        log = self.sudo().last_log_id.sudo(False)
        log.check_access("read")
        return log._action_open()

    def get_difference(self):
        """Return how this file differs from what the last comparison found on its server, to be shown side by side.

        :return: dict: ``state`` (see the field ``host_state``), ``note``, ``checked`` (date and time in UTC, or False),
            ``rows`` (list of [kind, line there or 0, text there, line here or 0, text here]; kind "same", "changed",
            "added", "removed", or "gap" whose first number says how many lines are left out), ``cut`` (there are more
            rows), ``too_long`` (the texts were not compared line by line)
        :raise AccessError: the caller may not read the file
        """
        self.ensure_one()
        self.check_access("read")
        has_text = (
            self.host_state == "differs" and self.file_type == "text" and self.code_on_server is not False
        )
        found = (
            side_by_side(self.code_on_server or "", self.rendered_code or "") if has_text else Difference([])
        )
        return {
            "state": self.host_state,
            "note": self.host_note or "",
            "checked": self.host_checked,
            "rows": [list(row) for row in found.rows],
            "cut": found.is_cut,
            "too_long": found.too_long,
        }

    def _start_and_tell(self, operation):
        started = self._start_checked(operation, raise_error=False)
        logs = self.env["cx.tower.command.log"].browse(row["id"] for row in started["logs"])
        # sudo: why a file cannot be transferred is told to whoever may write it; nothing else of the inputs is
        documents = [document for log in logs.sudo() for document in log.run_input["files"]]
        refused = [document["error"] for document in documents if document.get("error")]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if refused else "info",
                "sticky": bool(refused),
                "message": self._start_text(operation, len(documents), refused),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _start_text(self, operation, count, refused):
        """Return what is told of a start.

        :param count: number of files in the runs; the others are busy
        :param refused: reasons of those that cannot be transferred
        """
        if not count:
            return self.env._("Another transfer is still running. Yours follows when it has ended.")
        reasons = " ".join(dict.fromkeys(refused[:REASONS_SHOWN]))
        if len(refused) == count:
            return self.env._("Nothing can be transferred: %s", reasons)
        text = {
            PUSH: self.env._("The push was started."),
            PULL: self.env._("The pull was started."),
            COMPARE: self.env._("The comparison was started."),
            DELETE: self.env._("The deletion was started."),
        }[operation]
        if not refused:
            return text
        left_out = self.env._(
            "%(refused)s of %(count)s files cannot be transferred: %(reasons)s",
            refused=len(refused),
            count=count,
            reasons=reasons,
        )
        return f"{text} {left_out}"

    # ------------------------------------------------------------------ the question before deleting

    def _deletion_on_hosts(self):
        doomed = self._deleted_on_the_host()
        if not doomed:
            return [self.env._("Nothing is deleted on the host.")]
        lines = [
            self.env._(
                "Deleted on the host, too: %(path)s on %(server)s.",
                path=file.pushed_path,
                server=file.sudo().server_id.name,  # sudo: the name of a file names its server
            )
            for file in doomed[:PATHS_SHOWN]
        ]
        if len(doomed) > PATHS_SHOWN:
            lines.append(self.env._("Deleted on their hosts, too: %s more.", len(doomed) - PATHS_SHOWN))
        return lines
