from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL


class CxTowerJet(models.Model):
    """Who reads a jet, as two lists that the database can begin with.

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
        jets, servers = self._roles_of(self.env.user)
        query = SQL(
            "SELECT id FROM cx_tower_jet WHERE id = ANY(%s) AND id IN %s AND server_id IN %s",
            list(self.ids),
            jets,
            servers,
        )
        found = {jet_id for (jet_id,) in self.env.execute_query(query)}
        for jet in self:
            jet.reader_id = self.env.user if jet._origin.id in found else False

    def _search_reader_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        if not self.env.su and set(value) != {self.env.uid}:
            raise AccessError(self.env._("Only Tower itself does this."))  # it would tell roles of others
        # Two conditions on the row itself. As one subquery on jets, the database took it for one row and asked it again for
        # each jet of a column.
        roles = map(self._roles_of, self.env["res.users"].browse(value))
        return Domain.OR(
            Domain("id", "in", jets) & Domain("server_id", "in", servers) for jets, servers in roles
        )

    @api.model
    def _roles_of(self, user):
        """Return two SQL subqueries: ids of the jets, and of the servers, on which a person has a role that allows reading jets.

        Users: in Users of both. Managers: in Users or Managers of each.
        """
        roles = [("cx_tower_%s_user_rel", "user_id")]
        if user.has_group(GROUP_MANAGER):
            roles.append(("cx_tower_%s_manager_rel", "manager_id"))
        return [
            SQL(
                "(%s)",
                SQL(" UNION ").join(
                    SQL(
                        "SELECT record_id FROM %s WHERE %s = %s",
                        SQL.identifier(table % name),
                        SQL.identifier(column),
                        user.id,
                    )
                    for table, column in roles
                ),
            )
            for name in ("jet", "server")
        ]
