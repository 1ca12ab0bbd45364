from odoo import api, fields, models


class CxTowerJet(models.Model):
    """Whether cloning, transferring and trying a clone again are offered to the person who looks at a jet."""

    _inherit = "cx.tower.jet"

    may_clone = fields.Boolean(compute="_compute_may_clone", export_string_translation=False)
    may_transfer = fields.Boolean(compute="_compute_may_clone", export_string_translation=False)
    may_retry_clone = fields.Boolean(compute="_compute_may_retry_clone", export_string_translation=False)
    transfer_count = fields.Integer(string="Number of transfers", compute="_compute_transfer_count")

    @api.depends("active", "jet_template_id", "server_id")
    @api.depends_context("uid", "su")
    def _compute_may_clone(self):
        facts = self.sudo()  # sudo: how templates are set up; servers and jets are counted as the caller
        templates = facts.jet_template_id
        launchable = templates.filtered(lambda one: one.active and one.with_env(self.env)._is_launcher())
        installed = launchable.with_context(active_test=True).server_ids
        readable = (
            self.env["cx.tower.server"].search([("id", "in", installed.ids)]) if installed else installed
        )
        readable_ids = set(readable.ids)
        writable = set(self._origin._filtered_access("write").ids)
        live = self.env["cx.tower.jet.transfer"]._of_jets(self._origin) if launchable else None
        moving = set((live.jet_id | live.new_jet_id).ids) if live else set()
        for jet, fact in zip(self, facts, strict=True):
            template = fact.jet_template_id
            servers = readable_ids.intersection(template.server_ids.ids) if template in launchable else set()
            here, elsewhere = fact.server_id.id in servers, bool(servers - {fact.server_id.id})
            may_leave = bool(fact.active and template.plan_clone_different_server_id and elsewhere)
            may_double = bool(fact.active and template.plan_clone_same_server_id and here)
            jet.may_clone = may_double or may_leave
            jet.may_transfer = may_leave and jet._origin.id in writable and jet._origin.id not in moving

    @api.depends("state_id", "current_transition_id", "active")
    @api.depends_context("uid", "su")
    def _compute_may_retry_clone(self):
        facts = self.sudo()  # sudo: how the jets stand; who may launch is asked as the caller
        empty = facts.filtered(
            lambda jet: (
                jet.jet_cloned_from_id and jet.active and not jet.state_id and not jet.current_transition_id
            )
        )
        for jet, fact in zip(self, facts, strict=True):
            jet.may_retry_clone = (
                fact in empty
                and fact.jet_template_id.with_env(self.env)._is_launcher()
                and not fact._why_no_retry()
            )

    def _compute_transfer_count(self):
        for jet in self:
            jet.transfer_count = 0
        if not self.ids:
            return
        Transfer = self.env["cx.tower.jet.transfer"]
        for name in ("jet_id", "new_jet_id"):
            for jet, count in Transfer._read_group([(name, "in", self.ids)], [name], ["__count"]):
                jet.with_env(self.env).transfer_count += count

    # ------------------------------------------------------------------ where it can go

    def _other_servers(self):
        """Return (other servers to which the caller can clone this jet now, sentences about those to which they cannot).

        Only servers that the caller may read, and where the template is installed.
        """
        self.ensure_one()
        jet = self.sudo()  # sudo: where the template is installed; only readable servers are found
        template = jet.jet_template_id
        domain = [("id", "in", template.server_ids.ids), ("id", "!=", jet.server_id.id)]
        servers = self.env["cx.tower.server"].search(domain)
        counts = dict(
            self.env["cx.tower.jet"]
            .sudo()  # sudo: all jets count, whoever sees them
            .with_context(active_test=False)
            ._read_group(
                [
                    ("jet_template_id", "=", template.id),
                    ("server_id", "in", servers.ids),
                    ("seat", "!=", False),
                ],
                ["server_id"],
                ["__count"],
            )
        )
        possible, reasons = servers.browse(), []
        for server in servers:
            problem = template.with_env(self.env)._problem_with_server(server)
            if not problem and template._is_full(counts.get(server.sudo(), 0)):  # sudo: as the key
                problem = template._full_text(server)
            if problem:
                reasons.append(problem)
            else:
                possible |= server
        return possible, reasons

    # ------------------------------------------------------------------ opening

    def action_open_clone_wizard(self):
        """Open the wizard that clones this jet.

        :return: window action
        :raise AccessError: the caller may not read the jet
        """
        return self._action_open_wizard(self.env._("Clone"), "cx.tower.jet.clone.wizard")

    def action_open_transfer_wizard(self):
        """Open the wizard that transfers this jet to another server. :return, raise: as :meth:`action_open_clone_wizard`"""
        return self._action_open_wizard(self.env._("Transfer"), "cx.tower.jet.transfer.wizard")

    def _action_open_wizard(self, name, model):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": f"{name}: {self.name}",
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_jet_id": self.id},
        }

    def action_retry_clone(self):
        """Run the clone plan again (button). :raise: as :meth:`retry_clone`"""
        self.retry_clone()
        return True

    def action_open_transfers(self):
        """Open the transfers of this jet.

        :return: window action
        :raise AccessError: the caller may not read the jet
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cetmix_tower_jet.cx_tower_jet_transfer_action"
        )
        return action | {"domain": ["|", ("jet_id", "=", self.id), ("new_jet_id", "=", self.id)]}
