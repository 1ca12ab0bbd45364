from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...engine import states

#: What starts runs, and the link from a run to it.
SOURCES = {"cx.tower.shortcut": "shortcut_id", "cx.tower.scheduled.task": "scheduled_task_id"}


class CxTowerRunMixin(models.AbstractModel):
    """Runs outlive their server, plan, command and person, and the shortcut or scheduled task that started them.

    When one of these is deleted its finished runs keep its name in place of the link, in the transaction that deletes it.
    From then on only Root reads them: nobody else has a role on them any more.
    """

    _inherit = "cx.tower.run.mixin"

    kept_server_name = fields.Char(string="Name of the deleted server", readonly=True, copy=False)
    kept_user_name = fields.Char(string="Name of the deleted person", readonly=True, copy=False)
    kept_target_name = fields.Char(string="Name of what was deleted", readonly=True, copy=False)
    kept_source_name = fields.Char(string="Started by (deleted)", readonly=True, copy=False)
    # Its frozen definition is found by this id.
    kept_target_id = fields.Integer(readonly=True, copy=False, aggregator=None)
    server_name = fields.Char(compute="_compute_server_name", string="On server")
    is_orphan = fields.Boolean(compute="_compute_server_name", export_string_translation=False)

    # An active run needs its server; see _unlink_except_running of servers.
    _server_until_the_end = models.Constraint(
        "CHECK (server_id IS NOT NULL OR state IN ('done', 'failed', 'skipped', 'stopped', 'interrupted'))",
        "This server has runs that have not ended. Stop them first.",
    )

    @api.depends("server_id", "kept_server_name", "kept_target_name")
    def _compute_server_name(self):
        target = self._number_by()[0]
        for run in self:
            # sudo: whoever may read a run may read the names of its server and of what it ran
            run.server_name = run.sudo().server_id.name or self._deleted_name(run.kept_server_name)
            run.is_orphan = not (run.sudo().server_id and run.sudo()[target])

    @api.model_create_multi
    def create(self, vals_list):
        target, _parent = self._number_by()
        # sudo: whoever may read a run may read the names of where it ran and of what it ran
        run, targets = self.sudo(), self.env[self._fields[target].comodel_name].sudo()
        for vals in vals_list:
            place, what = run._target_in(vals), targets.browse(vals.get(target))
            vals.setdefault("name", f"{place.name or ''}: {what.name or ''}")
        return super().create(vals_list)

    @api.model
    def _deleted_name(self, name):
        return self.env._("%s (deleted)", name) if name else ""

    def _target_name(self):
        """Return the name of what was run, also when it was deleted."""
        self.ensure_one()
        # sudo: whoever may read a run may read the names of its server and of what it ran
        return self.sudo()[self._number_by()[0]].name or self._deleted_name(self.kept_target_name)

    @api.model
    def _get_kept_names(self):
        """Return {link: field that keeps the name of what it led to}; names of commands and plans: kept_target_name. Extension point."""
        return {
            "server_id": "kept_server_name",
            "user_id": "kept_user_name",
            "shortcut_id": "kept_source_name",
            "scheduled_task_id": "kept_source_name",
        }

    @api.model
    def _outlive(self, field_name, owners):
        """Store the names of records that are about to be deleted in their finished runs, in place of the links.

        One statement, also for a million runs. It ignores the caller's rights: history is kept whoever deletes.

        :param str field_name: many2one that leads from a run to its owner
        :param owners: records
        """
        kept = self._get_kept_names().get(field_name, "kept_target_name")
        is_target = kept == "kept_target_name"
        more = SQL(", kept_target_id = owner.id, access_level = '3'") if is_target else SQL()
        self.flush_model([field_name, kept])
        self.env.cr.execute(SQL(
            """UPDATE %(table)s run SET %(kept)s = owner.name, %(field)s = NULL %(more)s
                 FROM unnest(%(ids)s::int[], %(names)s::text[]) AS owner (id, name) WHERE run.%(field)s = owner.id""",
            table=SQL.identifier(self._table), kept=SQL.identifier(kept), field=SQL.identifier(field_name),
            more=more, ids=owners.ids, names=owners.mapped("display_name"),
        ))  # fmt: skip
        self.invalidate_model([field_name, kept, "kept_target_id", "access_level"], flush=False)

    @api.model
    def _outlive_sources(self, field_name, targets):
        """Do the same for shortcuts and tasks that PostgreSQL deletes together with their command or plan, unseen by Odoo.

        :param str field_name: link from shortcuts and tasks to the records that are about to be deleted
        """
        for model in SOURCES:
            # sudo: history is kept whoever deletes
            sources = self.env[model].sudo().with_context(active_test=False)
            sources.search([(field_name, "in", targets.ids)])._keep_name_in_runs()

    @api.model
    def _check_no_active_runs(self, field_name, owners):
        """Raise for records with active runs: they would continue unseen.

        :raise UserError: names the record, and the servers
        """
        # sudo: runs that the caller may not see count as well; only the names of servers are shown
        runs = self.sudo().search(
            [(field_name, "in", owners.ids), ("state", "in", list(states.ACTIVE))], limit=20
        )
        if runs:
            servers = ", ".join(runs.server_id.mapped("name"))
            if field_name == "user_id":
                raise UserError(
                    self.env._(
                        "A run started by “%(name)s” is active on %(servers)s. Wait for it to end or stop it first.",
                        name=runs[0].user_id.display_name,
                        servers=servers,
                    )
                )
            raise UserError(
                self.env._(
                    "“%(name)s” is running on %(servers)s. Stop it first.",
                    name=runs[0][field_name].display_name,
                    servers=servers,
                )
            )

    def _check_is_no_orphan(self):
        """Raise for a run that cannot be repeated because its server, or what it ran, was deleted.

        :raise UserError: names the run
        """
        for run in self:
            if run.is_orphan:
                # sudo: the name of a run that the caller may read
                raise UserError(
                    self.env._(
                        "“%s” cannot be run again: its server, command or flight plan was deleted.",
                        run.sudo().name,
                    )
                )
