from odoo import fields, models


class CxTowerJet(models.Model):
    """Buttons of jets: running something, and opening what belongs to them."""

    _inherit = "cx.tower.jet"

    command_log_count = fields.Integer(
        string="Runs", compute="_compute_command_log_count", help="Counted up to 10,000."
    )
    plan_log_count = fields.Integer(
        string="Flight plan runs", compute="_compute_plan_log_count", help="Counted up to 10,000."
    )
    file_count = fields.Integer(string="Number of files", compute="_compute_file_count")

    def _compute_command_log_count(self):
        # steps of flight plans are part of these
        domain = [("plan_log_id", "=", False), ("server_log_mode", "=", False)]
        counts = self.env["cx.tower.command.log"]._count_by("jet_id", self, domain)
        for jet in self:
            jet.command_log_count = counts.get(jet.id, 0)

    def _compute_plan_log_count(self):
        counts = self.env["cx.tower.plan.log"]._count_by(
            "jet_id", self, [("parent_flight_plan_log_id", "=", False)]
        )
        for jet in self:
            jet.plan_log_count = counts.get(jet.id, 0)

    def _compute_file_count(self):
        groups = self.env["cx.tower.file"]._read_group([("jet_id", "in", self.ids)], ["jet_id"], ["__count"])
        counts = {jet.id: count for jet, count in groups}
        for jet in self:
            jet.file_count = counts.get(jet.id, 0)

    # ------------------------------------------------------------------ running

    def action_run_command(self):
        """Open the wizard that runs a command on these jets.

        :return: window action
        :raise AccessError: the caller may not read one of them
        :raise UserError: a single jet is busy
        """
        return self._action_run("cx.tower.command.run.wizard", self.env._("Run Command"))

    def action_run_flight_plan(self):
        """Open the wizard that runs a flight plan on these jets.

        :return: window action
        :raise AccessError: the caller may not read one of them
        :raise UserError: a single jet is busy
        """
        return self._action_run("cx.tower.plan.run.wizard", self.env._("Run Flight Plan"))

    def _action_run(self, wizard, title):
        self.check_access("read")
        if len(self) == 1:
            self._check_nothing_runs()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": wizard,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {**self.env.context, "default_jet_ids": self.ids},
        }

    # ------------------------------------------------------------------ opening

    def action_open_command_logs(self):
        """Open the command logs of these jets.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        context = {"search_default_filter_no_plan": 1, "search_default_filter_no_server_log": 1}
        return self._action_open_belonging("action_cx_tower_command_log", context)

    def action_open_plan_logs(self):
        """Open the flight plan logs of these jets.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        return self._action_open_belonging("action_cx_tower_plan_log", {"search_default_filter_main": 1})

    def action_open_files(self):
        """Open the files of these jets.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        context = (
            {"default_jet_id": self.id, "default_server_id": self.server_id.id} if len(self) == 1 else {}
        )
        return self._action_open_belonging("cx_tower_file_action", context)

    def _action_open_belonging(self, xmlid, context):
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(f"cetmix_tower_server.{xmlid}")
        return action | {"domain": [("jet_id", "in", self.ids)], "context": context}
