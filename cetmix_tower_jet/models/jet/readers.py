from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL


class CxTowerJet(models.Model):
    """Who reads a jet, as one query that the database can begin with.

    A domain on roles of the jet and of its server becomes many conditions, which are checked for every jet. On a board of
    10,000 jets that took longer than the board.
    """

    _inherit = "cx.tower.jet"

    reader_id = fields.Many2one(
        "res.users",
        compute="_compute_reader_id",
        search="_search_reader_id",
        groups=fields.NO_ACCESS,
        help="The caller, if their roles allow them to read the jet. For record rules.",
    )

    @api.depends("user_ids", "manager_ids", "server_id.user_ids", "server_id.manager_ids")
    @api.depends_context("uid")
    def _compute_reader_id(self):
        query = SQL("%s AND jet.id = ANY(%s)", self._readable_by(self.env.user), list(self.ids))
        found = {jet_id for (jet_id,) in self.env.execute_query(query)}
        for jet in self:
            jet.reader_id = self.env.user if jet._origin.id in found else False

    def _search_reader_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        if not self.env.su and set(value) != {self.env.uid}:
            raise AccessError(self.env._("Only Tower itself does this."))  # it would tell roles of others
        users = self.env["res.users"].browse(value)
        return Domain.OR([("id", "in", SQL("(%s)", self._readable_by(user)))] for user in users)

    @api.model
    def _readable_by(self, user):
        """Return SQL that selects the ids of the jets on which a person's roles, and those on the server, allow reading.

        Users: in Users of both. Managers: in Users or Managers of each.
        """
        roles = [SQL("SELECT record_id FROM cx_tower_jet_user_rel WHERE user_id = %s", user.id)]
        on_server = [SQL("SELECT record_id FROM cx_tower_server_user_rel WHERE user_id = %s", user.id)]
        if user.has_group(GROUP_MANAGER):
            roles += [SQL("SELECT record_id FROM cx_tower_jet_manager_rel WHERE manager_id = %s", user.id)]
            on_server += [
                SQL("SELECT record_id FROM cx_tower_server_manager_rel WHERE manager_id = %s", user.id)
            ]
        return SQL(
            "SELECT jet.id FROM cx_tower_jet jet WHERE jet.id IN (%s) AND jet.server_id IN (%s)",
            SQL(" UNION ").join(roles),
            SQL(" UNION ").join(on_server),
        )
