from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    server_ids = fields.One2many(
        "cx.tower.server", "partner_id", string="Servers", groups="cetmix_tower_server.group_user"
    )
    server_count = fields.Integer(compute="_compute_server_count", groups="cetmix_tower_server.group_user")
    secret_ids = fields.One2many(
        "cx.tower.key.value", "partner_id", string="Secrets", groups="cetmix_tower_server.group_manager"
    )

    @api.depends("server_ids", "child_ids")
    @api.depends_context("uid")
    def _compute_server_count(self):
        """Count the servers of partners and their contacts that the caller may see."""
        self.server_count = 0
        contacts = self.with_context(active_test=False).search_fetch(
            [("id", "child_of", self.ids)], ["parent_id"]
        )
        groups = self.env["cx.tower.server"]._read_group(
            [("partner_id", "in", contacts.ids)], ["partner_id"], ["__count"]
        )
        asked = set(self._ids)
        for partner, count in groups:
            while partner:
                if partner.id in asked:
                    self.browse(partner.id).server_count += count
                partner = partner.parent_id

    def action_view_partner_servers(self):
        """Open the servers of these partners and their contacts.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Servers"),
            "res_model": "cx.tower.server",
            "view_mode": "kanban,list,form",
            "views": [(False, "kanban"), (False, "list"), (False, "form")],
            "domain": [("partner_id", "child_of", self.ids)],
            "context": {"default_partner_id": self.id} if len(self) == 1 else {},
        }
