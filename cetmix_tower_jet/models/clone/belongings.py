from odoo import models
from odoo.addons.cetmix_tower_server.models.server_log.server_template import LOG_FIELDS
from odoo.fields import Command

#: What a clone has of its original, unless it is given something else.
TAKEN_OVER = ("partner_id", "tag_ids", "sequence")
VALUE_FIELDS = ("value_char", "access_level", "sequence", "required")


class CxTowerJet(models.Model):
    """What a clone gets of its original: settings, values, logs, scheduled tasks.

    Everything is read as superuser: whoever may clone a jet gets all that belongs to it, with the same levels, so that they see
    no more of it on the clone than on the original.
    """

    _inherit = "cx.tower.jet"

    def _settings_for_clone(self, suffix, copy_values=False):
        """Return the fields that a clone of this jet takes over, for ``_create_new_jet``.

        :param suffix: what follows the name of the original
        :param copy_values: with the jet's own values, except those that only one jet may have
        """
        jet = self.sudo()  # sudo: see the class
        settings = {name: self._taken_over_value(jet, name) for name in TAKEN_OVER}
        settings["name"] = f"{jet.name} {suffix}"
        if copy_values:
            settings["own_values"] = jet._values_for_clone()
        return settings

    @staticmethod
    def _taken_over_value(jet, name):
        field = jet._fields[name]
        if field.type == "many2many":
            return [Command.set(jet[name].ids)]
        return jet[name].id if field.type == "many2one" else jet[name]

    def _values_for_clone(self):
        rows = self._own_value_rows().filtered("active")
        return [
            {
                "variable_id": row.variable_id.id,
                **({"option_id": row.option_id.id} if row.option_id else {}),
                **{name: row[name] for name in VALUE_FIELDS},
            }
            for row in rows
        ]

    def _allocate_like(self, original):
        """Give this new jet a free value of each variable of which its original holds one."""
        # sudo: see the class
        Value = self.env["cx.tower.variable.value"].sudo()
        held = Value.search([("jet_id", "=", original.id), ("allocation_key", "!=", False)]).variable_id
        own = Value.with_context(active_test=False).search([("jet_id", "=", self.id)]).variable_id
        jet = self.sudo()  # sudo: see the class
        self._allocate({(jet, variable): None for variable in (held - own).sorted("id")})

    def _copy_belongings_of(self, original, logs=True, tasks=True):
        """Replace the logs and scheduled tasks that this new jet has of its template by those of its original.

        :param logs: False: the caller has chosen others
        :param tasks: False: the caller has chosen others, or none are to run yet
        """
        jet, original = self.sudo(), original.sudo()  # sudo: see the class
        if logs:
            jet._copy_logs_of(original)
        if tasks:
            jet._take_tasks_of(original)

    def _take_tasks_of(self, original):
        """Let exactly the scheduled tasks of another jet run on this one, archived ones too. They keep their owners."""
        tasks = original.with_context(active_test=False).scheduled_task_ids
        self.with_context(active_test=False).write({"scheduled_task_ids": [Command.set(tasks.ids)]})

    def _copy_logs_of(self, original):
        # sudo: see the class
        Log = self.env["cx.tower.server.log"].sudo().with_context(active_test=False)
        Log.search([("jet_id", "=", self.id)]).unlink()
        own_files = self._files_with_archived().grouped(lambda file: (file.name, file.server_dir))
        rows = []
        for log in Log.search([("jet_id", "=", original.id)], order="id"):
            file = log.file_id
            same_file = own_files.get((file.name, file.server_dir), file.browse())[:1]
            if file and not same_file and not log.file_template_id:
                continue  # nothing that this jet has
            values = {
                name: log[name].id if log._fields[name].relational else log[name] for name in LOG_FIELDS
            }
            links = {"file_id": same_file.id, "jet_id": self.id, "vouched_by_id": log.vouched_by_id.id}
            rows.append(values | links | {"active": log.active})
        logs = Log.create(rows)
        logs.file_template_id._create_missing_files(self)
