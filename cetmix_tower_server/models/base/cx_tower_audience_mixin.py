from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from .cx_tower_access_mixin import LEVEL_ROOT, LEVEL_USER
from .cx_tower_access_role_mixin import GROUP_MANAGER, GROUP_USER


class CxTowerAudienceMixin(models.AbstractModel):
    """For commands and flight plans: who can run it, in words, and a button that shares it.

    The access level alone gives people of level User nothing: the record must be shared with them, or be made for a server of
    which they are Users.
    """

    _name = "cx.tower.audience.mixin"
    _inherit = ["cx.tower.rights.mixin"]
    _description = "Tower audience mixin"

    audience = fields.Text(string="Who can run it", compute="_compute_audience", groups=GROUP_MANAGER)

    @api.model
    def _empty_hint(self):
        if self.env.user.has_group(GROUP_MANAGER):
            return self.env._(
                "You see what is made for all servers or for yours, and what is shared with you, up to your access level."
                " Create a new one under Commands."
            )
        return self.env._(
            "You can run what has the access level User and is shared with you or made for one of your servers."
            " There is nothing like that yet: ask a Manager of the server to share it with you."
        )

    @api.depends("access_level", "user_ids", "server_ids", "server_ids.user_ids")
    @api.depends_context("uid")
    def _compute_audience(self):
        for record in self:
            if record.access_level == LEVEL_ROOT:
                record.audience = self.env._("Only Root: its access level is Root.")
            else:
                record.audience = f"{record._audience_of_users()}\n{record._audience_of_managers()}"

    def _audience_of_users(self):
        if self.access_level != LEVEL_USER:
            return self.env._("Nobody with access level User: its access level is Manager.")
        people, servers = self._count_users_who_can_run()
        if people:
            return self.env._(
                "People with access level User: %(people)s, on %(servers)s of your servers.",
                people=people,
                servers=servers,
            )
        return self.env._("Nobody with access level User yet: share it with them.")

    def _audience_of_managers(self):
        if self.server_ids:
            return self.env._("Managers: those with a role on its servers, and those listed under Access.")
        return self.env._("Managers: all, each on the servers where they have a role.")

    def _count_users_who_can_run(self):
        """Return how many people of level User can run it, and on how many of the servers that the caller sees."""
        allowed = self.server_ids._origin
        people = self.user_ids._origin | allowed.user_ids
        domain = [("user_ids", "in", people.ids)]
        if allowed:
            domain.append(("id", "in", allowed.ids))
        Server = self.env["cx.tower.server"]
        found = Server._read_group(domain, ["user_ids"])
        return len([person for (person,) in found if person in people]), Server.search_count(domain)

    def action_share_with_server_users(self):
        """Share it with all Users of its servers, or, if it is made for all servers, of those that the caller sees.

        Only with the present ones. A record that is made for certain servers is open to their future Users anyway.

        :return: notification
        :raise AccessError: the caller may not write it
        :raise UserError: its access level is above User, or no server has Users
        """
        self.ensure_one()
        self.check_access("write")
        if self.access_level != LEVEL_USER:
            raise UserError(
                self.env._("Set the access level of “%s” to User first, then share it.", self.name)
            )
        servers = self.server_ids or self.env["cx.tower.server"].search([("user_ids", "!=", False)])
        people = self.env["res.users"].search(
            [("id", "in", servers.user_ids.ids), *self._get_role_domain(GROUP_USER)]
        )
        if not people:
            raise UserError(
                self.env._(
                    "None of these servers has Users yet. Add people under Access on a server's form, then share again."
                )
            )
        new = people - self.user_ids
        self.write({"user_ids": [Command.link(person.id) for person in new]})
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "“%(name)s” is now shared with the Users of %(servers)s servers (%(people)s more people).",
                    name=self.name,
                    people=len(new),
                    servers=len(servers.filtered("user_ids")),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
