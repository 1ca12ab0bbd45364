from odoo import api, fields, models


class CxTowerJet(models.Model):
    """Under which reference a jet is on its host.

    A transfer gives the reference of a jet to another one. Flight plans use ``tower.jet.reference`` for directories and
    containers, so for each of the two it stays what it was when these were made.
    """

    _inherit = "cx.tower.jet"

    host_reference = fields.Char(
        readonly=True,
        copy=False,
        help="What {{ tower.jet.reference }} stands for: the reference that the jet had before a transfer changed it.",
    )

    @api.model
    def _get_engine_fields(self):
        return [*super()._get_engine_fields(), "host_reference"]

    def _reference_on_host(self):
        """Return under which reference this jet is on its host."""
        self.ensure_one()
        return self.host_reference or self.reference

    def _on_destroyed(self):
        super()._on_destroyed()
        if self.host_reference:
            self._write_moves({"host_reference": False})  # nothing is left there


class CxTowerVariable(models.Model):
    """``tower.jet.reference``."""

    _inherit = "cx.tower.variable"

    @api.model
    def _get_jet_system_values(self, jet):
        # sudo: as the other facts of the jet
        return super()._get_jet_system_values(jet) | {"reference": jet.sudo()._reference_on_host() or None}
