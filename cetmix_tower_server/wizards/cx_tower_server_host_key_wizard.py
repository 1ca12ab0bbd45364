from odoo import api, fields, models


class CxTowerServerHostKeyWizard(models.TransientModel):
    """Shows a host's key next to the stored one, so that a person can compare and accept it."""

    _name = "cx.tower.server.host.key.wizard"
    _description = "Tower Server Host Key Wizard"

    server_id = fields.Many2one("cx.tower.server", required=True, readonly=True, ondelete="cascade")
    host_key = fields.Text(readonly=True)
    host_key_type = fields.Char(string="Type", readonly=True)
    fingerprint = fields.Char(readonly=True)
    stored_fingerprint = fields.Char(readonly=True)
    comparison = fields.Selection(
        [
            ("new", "No key stored yet"),
            ("same", "Same as the stored key"),
            ("different", "Different from the stored key"),
        ],
        readonly=True,
    )
    is_skipped = fields.Boolean(related="server_id.skip_host_key", related_sudo=False)
    is_error = fields.Boolean(readonly=True)
    error = fields.Text(readonly=True)

    @api.model
    def _create_for(self, server, fetched):
        """Create the wizard.

        :param fetched: result of ``fetch_host_key()``, or {"error": sentence}
        """
        if "error" in fetched:
            return self.create({"server_id": server.id, "is_error": True, "error": fetched["error"]})
        comparison = "different" if fetched["stored_fingerprint"] else "new"
        return self.create(
            {
                "server_id": server.id,
                "host_key": fetched["key"],
                "host_key_type": fetched["type"],
                "fingerprint": fetched["fingerprint"],
                "stored_fingerprint": fetched["stored_fingerprint"],
                "comparison": "same" if fetched["matches_stored"] else comparison,
            }
        )

    def action_insert_host_key(self):
        """Store the key of the host and switch the check on.

        :raise AccessError: the caller may not write the server
        """
        self.ensure_one()
        self.server_id.accept_host_key(key=self.host_key, fingerprint=self.fingerprint)
        return {"type": "ir.actions.act_window_close"}
