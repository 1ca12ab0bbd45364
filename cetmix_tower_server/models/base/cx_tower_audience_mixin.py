from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from .cx_tower_access_role_mixin import GROUP_MANAGER, GROUP_USER

LEVEL_USER, LEVEL_ROOT = "1", "3"


class CxTowerAudienceMixin(models.AbstractModel):
    """Who can run a command or a flight plan today, in words, and one click that shares it.

    The level alone opens nothing to people of level User: it has to be shared with them, or made for a server whose Users
    they are. Source: access matrix, Command and Flight plan.
    """

    _name = "cx.tower.audience.mixin"
    _inherit = ["cx.tower.rights.mixin"]
    _description = "Tower audience mixin"

    audience = fields.Text(string="Who can run it", compute="_compute_audience", groups=GROUP_MANAGER)

    @api.model
    def _empty_hint(self):
        if self.env.user.has_group(GROUP_MANAGER):
            return self.env._(
                "You see what is made for all servers, for your servers, or shared with you, up to your level."
                " Create a new one under Commands."
            )
        return self.env._(
            "You can run what has the level User and is shared with you, or made for a server that you are a User of."
            " Nothing fits so far: ask a Manager of the server to share it with you."
        )

    @api.depends("access_level", "user_ids", "server_ids", "server_ids.user_ids")
    @api.depends_context("uid")
    def _compute_audience(self):
        for record in self:
            if record.access_level == LEVEL_ROOT:
                record.audience = self.env._("Only Root: its level is Root.")
            else:
                record.audience = f"{record._audience_of_users()}\n{record._audience_of_managers()}"

    def _audience_of_users(self):
        if self.access_level != LEVEL_USER:
            return self.env._("Nobody of level User: its level is Manager.")
        people, servers = self._count_users_who_can_run()
        if people:
            return self.env._(
                "People of level User: %(people)s, on %(servers)s of your servers.",
                people=people,
                servers=servers,
            )
        return self.env._("Nobody of level User yet: share it with them.")

    def _audience_of_managers(self):
        if self.server_ids:
            return self.env._("Managers: those with a role on its servers, and those named under Access.")
        return self.env._("Managers: all, each on the servers they have a role on.")

    def _count_users_who_can_run(self):
        """Return how many Users of servers can run it, and on how many servers; of the servers that the caller sees."""
        allowed = self.server_ids._origin
        people = self.user_ids._origin | allowed.user_ids
        domain = [("user_ids", "in", people.ids)]
        if allowed:
            domain.append(("id", "in", allowed.ids))
        Server = self.env["cx.tower.server"]
        found = Server._read_group(domain, ["user_ids"])
        return len([person for (person,) in found if person in people]), Server.search_count(domain)

    def action_share_with_server_users(self):
        """Share it with everybody who is among the Users of a server: of its servers, or else of all that the caller sees.

        People who become Users of a server later are not among them: what is made for certain servers is open to whoever
        is a User of these at the time.

        :return: notification
        :raise AccessError: the caller may not write it
        :raise UserError: its level is above User, or no server has Users
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
                    "None of these servers has Users yet. Add people under Access on the form of a server, then share it."
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
                    "“%(name)s” is shared with %(people)s more people: the Users of %(servers)s servers.",
                    name=self.name,
                    people=len(new),
                    servers=len(servers.filtered("user_ids")),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
