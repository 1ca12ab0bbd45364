from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..base.fields import SecretText


class CxTowerKeyValue(models.Model):
    """The value of a secret for a server, a partner, both, or everywhere (global)."""

    _name = "cx.tower.key.value"
    _description = "Tower Key Value"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.vault.mixin"]
    _order = "key_id, id"
    _rec_names_search = ["key_id.name", "key_id.reference"]

    SECRET_FIELDS = ("secret_value",)

    key_id = fields.Many2one(
        "cx.tower.key",
        string="Secret",
        required=True,
        ondelete="cascade",
        index=True,
        domain=[("key_type", "=", "s")],
    )
    name = fields.Char(related="key_id.name", required=False, index=False)
    server_id = fields.Many2one("cx.tower.server", ondelete="cascade", index="btree_not_null")
    partner_id = fields.Many2one("res.partner", ondelete="cascade", index="btree_not_null")
    is_global = fields.Boolean(
        string="Global", compute="_compute_is_global", help="Applies where there is no more specific value."
    )
    secret_value = SecretText(string="Value", help="Stored encrypted and never shown again.")

    _one_value = models.UniqueIndex(
        "(key_id, COALESCE(server_id, 0), COALESCE(partner_id, 0))",
        "This secret already has a value for this server and partner.",
    )

    @api.model
    def _get_reference_pattern(self):
        return self.env["cx.tower.key"]._get_reference_pattern()

    @api.model
    def _get_pre_populated_model_data(self):
        return {**super()._get_pre_populated_model_data(), self._name: ("cx.tower.key", "key_id")}

    @api.depends("server_id", "partner_id")
    def _compute_is_global(self):
        for value in self:
            value.is_global = not value.server_id and not value.partner_id

    @api.depends("key_id.name", "server_id.name", "partner_id.name")
    def _compute_display_name(self):
        for value in self:
            # sudo: only the names of secret, server and partner, for a user who may read the value
            names = [value.sudo()[name].display_name for name in ("key_id", "server_id", "partner_id")]
            value.display_name = ", ".join(name for name in names if name)

    @api.constrains("key_id")
    def _check_key_type(self):
        for value in self:
            if value.key_id.key_type != "s":
                raise ValidationError(
                    self.env._(
                        "“%(key)s” is an SSH key, and only secrets have values. Choose a secret.",
                        key=value.key_id.name,
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and ("key_id" in vals or "server_id" in vals):
            # or a value could be moved to a secret or server where the caller could not create it
            self.check_access("write")
        return result
