from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class CxTowerRunWizardMixin(models.AbstractModel):
    """Running commands and flight plans on jets. Their servers follow from the jets."""

    _inherit = "cx.tower.run.wizard.mixin"

    jet_ids = fields.Many2many("cx.tower.jet", string="Jets")
    server_ids = fields.Many2many(compute="_compute_server_ids", store=True, readonly=False, precompute=True)
    show_jets = fields.Boolean(compute="_compute_show_jets")
    show_servers = fields.Boolean(compute="_compute_show_jets")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "cx.tower.jet" and "jet_ids" in fields_list:
            ids = self.env.context.get("active_ids") or []
            values.setdefault("jet_ids", [Command.set(ids)])
        return values

    @api.model
    def _get_target_fields(self):
        return ["jet_ids", *super()._get_target_fields()]

    def _targets(self):
        return self.jet_ids or super()._targets()

    def _target_values(self, target):
        values = super()._target_values(target)
        return values | ({"jet_id": target.id} if target._name == "cx.tower.jet" else {})

    @api.depends("jet_ids")
    def _compute_server_ids(self):
        for wizard in self:
            # sudo: the servers of jets that the user may read
            wizard.server_ids = wizard.jet_ids.sudo().server_id.sudo(False) or wizard.server_ids

    @api.depends("jet_ids")
    def _compute_show_jets(self):
        for wizard in self:
            wizard.show_jets = bool(wizard.jet_ids)
            wizard.show_servers = not wizard.jet_ids

    def _check_jets_are_idle(self):
        """Raise UserError when a single jet is busy. Of several, the busy ones get a log that says so."""
        if len(self.jet_ids) == 1:
            self.jet_ids._check_nothing_runs()


class CxTowerCommandRunWizard(models.TransientModel):
    """Runs a command on jets."""

    _inherit = "cx.tower.command.run.wizard"

    jet_ids = fields.Many2many(relation="cx_tower_command_run_wizard_jet_rel")

    def run_command_on_server(self):
        """Start the run on every selected jet or server.

        :return: action that shows the log, or the fleet run if there are several targets
        :raise UserError: a single jet is busy
        """
        self.ensure_one()
        self._check_jets_are_idle()
        return super().run_command_on_server()


class CxTowerCommandRunWizardPreview(models.TransientModel):
    """What will run on one jet."""

    _inherit = "cx.tower.command.run.wizard.preview"

    jet_id = fields.Many2one("cx.tower.jet", readonly=True)


class CxTowerPlanRunWizard(models.TransientModel):
    """Runs a flight plan on jets."""

    _inherit = "cx.tower.plan.run.wizard"

    jet_ids = fields.Many2many(relation="cx_tower_plan_run_wizard_jet_rel")

    def run_flight_plan(self):
        """Start the flight plan on every selected jet or server.

        :return: action that shows the log, or the fleet run if there are several targets
        :raise UserError: a single jet is busy
        """
        self.ensure_one()
        self._check_jets_are_idle()
        return super().run_flight_plan()

    def action_dry_run(self):
        """Open the report of a dry run on the selected servers. For jets, the wizard's preview says it.

        :return: action that shows the report
        :raise UserError: jets are selected
        """
        self.ensure_one()
        if self.jet_ids:
            raise UserError(self.env._("The preview shows what the flight plan will do on the chosen jets."))
        return super().action_dry_run()


class CxTowerPlanRunWizardPreview(models.TransientModel):
    """What a flight plan will do on one jet."""

    _inherit = "cx.tower.plan.run.wizard.preview"

    jet_id = fields.Many2one("cx.tower.jet", readonly=True)
