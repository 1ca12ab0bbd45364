from itertools import islice

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

PREVIEW_LIMIT = 10  # servers shown in the preview; the rest run just the same
PREVIEW_LINES = 200  # of each server


class CxTowerPlanRunWizard(models.TransientModel):
    """Run a flight plan on one or many servers; shows beforehand what each step will do where."""

    _name = "cx.tower.plan.run.wizard"
    _description = "Tower Flight Plan Run Wizard"

    server_ids = fields.Many2many("cx.tower.server", string="Servers", required=True)
    applicability = fields.Selection(
        [("this", "Made for these servers"), ("shared", "All")], default="shared", required=True
    )
    tag_ids = fields.Many2many("cx.tower.tag", string="With tags")
    plan_domain = fields.Binary(compute="_compute_plan_domain")
    plan_id = fields.Many2one("cx.tower.plan", string="Flight plan")
    note = fields.Text(related="plan_id.note", related_sudo=False)
    plan_line_ids = fields.One2many(
        related="plan_id.line_ids", related_sudo=False, groups="cetmix_tower_server.group_manager"
    )
    may_set_values = fields.Boolean(compute="_compute_may_set_values")
    custom_variable_value_ids = fields.One2many(
        "cx.tower.plan.run.wizard.variable.value", "wizard_id", string="Own values"
    )
    preview_ids = fields.One2many(
        "cx.tower.plan.run.wizard.preview", "wizard_id", compute="_compute_preview_ids"
    )
    preview_message = fields.Char(compute="_compute_preview_ids")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "cx.tower.server" and "server_ids" in fields_list:
            ids = self.env.context.get("active_ids") or []
            values.setdefault("server_ids", [Command.set(ids)])
        return values

    @api.constrains("plan_id", "server_ids")
    def _check_may_read(self):
        """A wizard must not show what its user may not read, whoever names it over RPC."""
        for wizard in self:
            wizard.plan_id.with_user(self.env.user).check_access("read")
            wizard.server_ids.with_user(self.env.user).check_access("read")

    @api.depends("applicability", "server_ids", "tag_ids")
    def _compute_plan_domain(self):
        for wizard in self:
            servers = wizard.server_ids._origin
            if wizard.applicability == "this":
                domain = [("server_ids", "in", servers.ids)]
            else:
                domain = ["|", ("server_ids", "=", False), ("server_ids", "in", servers.ids)]
            if wizard.tag_ids:
                domain += [("tag_ids", "in", wizard.tag_ids._origin.ids)]
            wizard.plan_domain = domain

    @api.depends("server_ids")
    def _compute_may_set_values(self):
        for wizard in self:
            wizard.may_set_values = bool(wizard.server_ids) and wizard.server_ids._origin.has_access("write")

    @api.onchange("plan_id")
    def _onchange_plan_id(self):
        self.custom_variable_value_ids = [Command.clear()]

    @api.depends(
        "server_ids",
        "plan_id",
        "custom_variable_value_ids.variable_id",
        "custom_variable_value_ids.value_char",
    )
    def _compute_preview_ids(self):
        for wizard in self:
            servers = wizard.server_ids._origin if wizard.plan_id else wizard.server_ids.browse()
            rows = wizard._preview_rows(servers[:PREVIEW_LIMIT])
            wizard.preview_ids = [Command.clear(), *(Command.create(row) for row in rows)]
            more = len(servers) - PREVIEW_LIMIT
            wizard.preview_message = more > 0 and self.env._("… and on %s more servers.", more)

    def _preview_rows(self, servers):
        """Return what the plan will do on each server, line by line."""
        values = self._own_values()
        try:
            servers.check_access("read")
            self.plan_id.check_access("read")
            if values:
                servers._check_own_values(values)
        except AccessError as error:
            return [{"server_id": server.id, "error": str(error)} for server in servers]
        plan = self.plan_id._origin
        if not plan:
            return []
        # sudo: what is restricted to other servers is a fact, whoever asks
        reasons = plan.sudo()._get_incompatibilities(servers)
        lines = self._preview_lines(plan)
        rows = []
        for server in servers:
            if reasons[server.id]:
                rows.append({"server_id": server.id, "error": reasons[server.id]})
            else:
                rows.append({"server_id": server.id, "lines": self._rendered_lines(server, lines, values)})
        return rows

    def _preview_lines(self, plan):
        """Return (facts, document) of the lines of a plan and of those inside it that the caller may read."""
        plans = plan._with_nested()
        documents = plans._definition()
        readable_plans = set(plans.with_env(self.env)._filtered_access("read").ids)
        commands = self.env["cx.tower.command"].browse(
            {line["command_id"] for document in documents.values() for line in document["lines"]}
        )
        readable = set(commands._filtered_access("read").ids)

        def walk(plan_id, prefix="", depth=0):
            for number, line in enumerate(documents[plan_id]["lines"], 1):
                is_hidden = line["command_id"] not in readable
                yield {"number": f"{prefix}{number}", "depth": depth, "hidden": is_hidden}, line
                inside = line["flight_plan_id"]
                if inside in readable_plans and not is_hidden:
                    yield from walk(inside, f"{prefix}{number}.", depth + 1)

        return list(islice(walk(plan.id), PREVIEW_LINES + 1))

    def _rendered_lines(self, server, lines, values):
        """Return what these lines will do on a server; code above the caller's level is not for him to see."""
        rows = []
        rendered = server._plan_preview([line for _facts, line in lines[:PREVIEW_LINES]], values)
        for (facts, _line), row in zip(lines, rendered, strict=False):
            hidden = (
                {"code": "", "path": "", "error": "", "condition": "", "later": []} if facts["hidden"] else {}
            )
            rows.append(row | facts | hidden)
        if len(lines) > PREVIEW_LINES:
            rows.append({"number": "…", "name": self.env._("and more steps"), "depth": 0})
        return rows

    def _own_values(self):
        return {
            line.variable_id.reference: line.value_char or ""
            for line in self.custom_variable_value_ids
            if line.variable_id
        }

    def action_run_plan(self):
        """Start the plan on every selected server and open what comes of it."""
        return self.run_flight_plan()

    def run_flight_plan(self):
        """Start the plan on every selected server.

        :return: action that shows the plan logs: the one, or all of this start by their label
        """
        self.ensure_one()
        if not self.plan_id:
            raise UserError(self.env._("Choose the flight plan to run."))
        if not self.server_ids:
            raise UserError(self.env._("Choose the servers to run the flight plan on."))
        label = self.env["cetmix.tower"].generate_random_id(2)
        logs = self.server_ids.run_flight_plan(
            self.plan_id, variable_values=self._own_values(), plan_log={"label": label}
        )
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_plan_log")
        context = {"active_id": False}  # else the wizard's id would stand in the address as that of a server
        if len(logs) == 1:
            return action | {
                "view_mode": "form",
                "views": [(False, "form")],
                "res_id": logs.id,
                "context": context,
            }
        context["search_default_filter_main"] = 1
        return action | {"domain": [("label", "=", label)], "context": context}
