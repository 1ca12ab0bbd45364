from odoo import api, fields, models


class CxTowerJet(models.Model):
    """Under which reference a jet is on its host.

    A transfer gives the reference of a jet to another one. Flight plans use ``tower.jet.reference`` for directories and
    containers, so for each of the two it stays what it was when these were made.
    """

    _inherit = "cx.tower.jet"

    kept_reference = fields.Char(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="The reference that the jet had before a transfer.",
    )
    host_reference = fields.Char(
        string="Reference on the host",
        compute="_compute_host_reference",
        help="What {{ tower.jet.reference }} stands for. A transfer does not change it.",
    )

    @api.depends("reference", "kept_reference")
    def _compute_host_reference(self):
        for jet, fact in zip(
            self, self.sudo(), strict=True
        ):  # sudo: Tower's own note, of a jet that the caller may read
            jet.host_reference = fact.kept_reference or fact.reference

    @api.model
    def _get_engine_fields(self):
        return [*super()._get_engine_fields(), "kept_reference"]

    def _on_destroyed(self):
        super()._on_destroyed()
        if self.kept_reference:
            self._write_moves({"kept_reference": False})  # nothing is left there


class CxTowerVariable(models.Model):
    """``tower.jet.reference``."""

    _inherit = "cx.tower.variable"

    @api.model
    def _get_jet_system_values(self, jet):
        # sudo: as the other facts of the jet
        return super()._get_jet_system_values(jet) | {"reference": jet.sudo().host_reference or None}
