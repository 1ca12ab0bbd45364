from odoo import api, fields, models

from ...engine.template.placeholders import find_secrets


class CxTowerKeyMixin(models.AbstractModel):
    """For models with texts that may use secrets: ``#!cxtower.secret.<reference>!#``."""

    _name = "cx.tower.key.mixin"
    _description = "Tower Key Mixin"

    secret_ids = fields.Many2many(
        "cx.tower.key",
        string="Secrets",
        compute="_compute_secret_ids",
        store=True,
        copy=False,
        help="Secrets that the code uses.",
    )

    @api.model
    def _get_secret_fields(self):
        """Return the names of the text fields that may use secrets. Extension point."""
        return ["code"]

    @api.depends(lambda self: self._get_secret_fields())
    def _compute_secret_ids(self):
        used = {
            record: frozenset(
                ref for name in self._get_secret_fields() for ref in find_secrets(record[name] or "")
            )
            for record in self
        }
        references = set().union(*used.values())
        keys = self.env["cx.tower.key"]
        if references:
            # sudo: which secrets a text names is a fact, whoever saves it; their values are not read
            keys = keys.sudo().search([("reference", "in", sorted(references))])
        by_reference = {key.reference: key.id for key in keys}
        # Records with the same secrets are written together; most have none.
        for names, group in self.grouped(used.get).items():
            group.secret_ids = [(6, 0, sorted(by_reference[ref] for ref in names if ref in by_reference))]
