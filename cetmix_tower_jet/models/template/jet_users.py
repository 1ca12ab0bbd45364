from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL


class CxTowerJetTemplate(models.Model):
    """Whether a person is in Users of any jet of a template, without reading its jets: there may be thousands."""

    _inherit = "cx.tower.jet.template"

    jet_user_id = fields.Many2one(
        "res.users",
        compute="_compute_jet_user_id",
        search="_search_jet_user_id",
        groups=fields.NO_ACCESS,
        help="The caller, if they are in Users of a jet of the template. For record rules.",
    )

    @api.depends("jet_ids.user_ids")
    @api.depends_context("uid")
    def _compute_jet_user_id(self):
        query = SQL("%s AND jet.jet_template_id = ANY(%s)", self._with_jets_of(self.env.user), list(self.ids))
        found = {template_id for (template_id,) in self.env.execute_query(query)}
        for template in self:
            template.jet_user_id = self.env.user if template._origin.id in found else False

    def _search_jet_user_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        if not self.env.su and set(value) != {self.env.uid}:
            raise AccessError(self.env._("Only Tower itself does this."))  # it would tell roles of others
        users = self.env["res.users"].browse(value)
        return Domain.OR([("id", "in", SQL("(%s)", self._with_jets_of(user)))] for user in users)

    @api.model
    def _with_jets_of(self, user):
        """Return SQL that selects the ids of the templates of the jets that a person is in Users of."""
        return SQL(
            "SELECT jet.jet_template_id FROM cx_tower_jet_user_rel role JOIN cx_tower_jet jet ON jet.id = role.record_id"
            " WHERE role.user_id = %s",
            user.id,
        )
