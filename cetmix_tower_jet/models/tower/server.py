from odoo import fields, models


class CxTowerServer(models.Model):
    """The jets on a server."""

    _inherit = "cx.tower.server"

    jet_ids = fields.One2many("cx.tower.jet", "server_id", string="Jets", copy=False, readonly=True)
    jet_count = fields.Integer(string="Number of jets", compute="_compute_jet_count")

    def _compute_jet_count(self):
        groups = self.env["cx.tower.jet"]._read_group(
            [("server_id", "in", self.ids)], ["server_id"], ["__count"]
        )
        counts = {server.id: count for server, count in groups}
        for server in self:
            server.jet_count = counts.get(server.id, 0)

    def action_open_jets(self):
        """Open the jets on these servers.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_jet.cx_tower_jet_action")
        context = {"default_server_id": self.id} if len(self) == 1 else {}
        return action | {"domain": [("server_id", "in", self.ids)], "context": context}

    def action_new_jet(self):
        """Open the wizard that launches a jet on this server.

        :return: window action
        :raise AccessError: the caller may not read the server
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_jet.action_cx_tower_jet_create")
        return action | {"context": {"default_server_id": self.id}}
