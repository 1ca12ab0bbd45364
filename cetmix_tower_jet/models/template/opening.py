from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER


class CxTowerJetTemplate(models.Model):
    """The jets, runs and files of a template: counted, and opened from its form."""

    _inherit = "cx.tower.jet.template"

    command_log_count = fields.Integer(
        string="Runs",
        compute="_compute_command_log_count",
        groups=GROUP_MANAGER,
        help="Counted up to 10,000.",
    )
    plan_log_count = fields.Integer(
        string="Flight plan runs",
        compute="_compute_plan_log_count",
        groups=GROUP_MANAGER,
        help="Counted up to 10,000.",
    )
    file_count = fields.Integer(string="Number of files", compute="_compute_file_count")
    server_count = fields.Integer(string="Number of servers", compute="_compute_server_count")

    @api.depends_context("uid", "su")
    def _compute_command_log_count(self):
        self._count_runs("cx.tower.command.log", "command_log_count")

    @api.depends_context("uid", "su")
    def _compute_plan_log_count(self):
        self._count_runs("cx.tower.plan.log", "plan_log_count")

    def _count_runs(self, model, field_name):
        started = self.env["cx.tower.server"]._domain_of_started_runs(model)
        counts = self.env[model]._count_by("jet_template_id", self._origin, started)
        for template in self:
            template[field_name] = counts.get(template._origin.id, 0)

    @api.depends_context("uid", "su")
    def _compute_file_count(self):
        self._count_linked("cx.tower.file", "jet_template_id", "file_count")

    @api.depends_context("uid", "su")
    @api.depends("server_ids")
    def _compute_server_count(self):
        self._count_linked("cx.tower.server", "jet_template_ids", "server_count")

    def _count_linked(self, model, link, field_name):
        """Count records that belong to these templates, as far as the caller may read them, with one query."""
        groups = self.env[model]._read_group([(link, "in", self._origin.ids)], [link], ["__count"])
        counts = {template.id: count for template, count in groups}
        for template in self:
            template[field_name] = counts.get(template._origin.id, 0)

    # ------------------------------------------------------------------ actions

    def action_open_jets(self):
        """Open the jets of these templates.

        :return: window action
        :raise AccessError: the caller may not read one of these templates
        """
        return self._open(self.env._("Jets"), "cx.tower.jet", "kanban,list,form")

    def action_open_files(self):
        """Open the files of these templates. :return, raise: as :meth:`action_open_jets`"""
        return self._open(self.env._("Files"), "cx.tower.file", "list,form")

    def action_open_command_logs(self):
        """Open the command runs of jets of these templates. :return, raise: as :meth:`action_open_jets`"""
        filters = {"search_default_filter_no_plan": 1, "search_default_filter_no_server_log": 1}
        return self._open(self.env._("Command Log"), "cx.tower.command.log", "list,form", filters)

    def action_open_plan_logs(self):
        """Open the flight plan runs of jets of these templates. :return, raise: as :meth:`action_open_jets`"""
        filters = {"search_default_filter_main": 1}
        return self._open(self.env._("Flight Plan Log"), "cx.tower.plan.log", "list,form", filters)

    def action_open_servers(self):
        """Open the servers that these templates are installed on. :return, raise: as :meth:`action_open_jets`"""
        return self._open(
            self.env._("Servers"), "cx.tower.server", "kanban,list,form", link="jet_template_ids"
        )

    def action_new_jet(self):
        """Open the wizard that launches a jet of this template.

        :return: window action
        :raise AccessError: the caller may not read the template
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Launch New Jet"),
            "res_model": "cx.tower.jet.create.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_jet_template_id": self.id},
        }

    def _open(self, name, model, modes, context=None, link="jet_template_id"):
        self.check_access("read")
        defaults = {f"default_{link}": self.id} if len(self) == 1 and link == "jet_template_id" else {}
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": modes,
            "views": [(False, mode) for mode in modes.split(",")],
            "domain": [(link, "in", self.ids)],
            "context": {**defaults, **(context or {})},
        }
