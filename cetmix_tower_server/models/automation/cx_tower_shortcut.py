from odoo import api, fields, models
from odoo.exceptions import UserError

from ...engine.run_request import RunRequest


class CxTowerShortcut(models.Model):
    """Runs a command or flight plan with one click on the servers it is attached to.

    There, and nowhere else, the access level of the shortcut replaces that of its command or plan, so a shortcut can give
    people something above their level. They still need to read the server, and cannot pass values.
    """

    _name = "cx.tower.shortcut"
    _description = "Tower Shortcut"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.automation.mixin",
    ]
    _order = "sequence, name, id"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_server_shortcut_rel",
        "shortcut_id",
        "server_id",
        string="Servers",
        help="The shortcut is shown on these servers and can only run there.",
    )
    server_template_ids = fields.Many2many(
        "cx.tower.server.template",
        "cx_tower_server_template_shortcut_rel",
        "shortcut_id",
        "server_template_id",
        string="Server templates",
        copy=False,
        help="Servers created from these templates get the shortcut.",
    )
    use_sudo = fields.Boolean(string="Sudo", help="Run the command with sudo, as configured on each server.")
    note = fields.Text()
    access_level_warn_msg = fields.Text(compute="_compute_access_level_warn_msg")

    @api.depends("access_level", "action", "command_id.access_level", "plan_id.access_level")
    def _compute_access_level_warn_msg(self):
        labels = dict(self._selection_access_level())
        for shortcut in self:
            # sudo: names the target and its level to whoever configures the shortcut, even without access to the target
            target = shortcut.sudo()._get_target()
            is_above = bool(target) and (target.access_level or "1") > (shortcut.access_level or "3")
            shortcut.access_level_warn_msg = is_above and self.env._(
                "“%(target)s” has access level %(level)s. Everyone who can use this shortcut can run it, "
                "but not see its code.",
                target=target.name,
                level=labels[target.access_level],
            )

    # ------------------------------------------------------------------ running

    def run(self, server=None):
        """Run this shortcut.

        The right to read the shortcut replaces the right to read its target. Custom values cannot be passed.

        :param server: record(s), id, reference, or a list of ids or references. Default: the server of the context
            (``server_id``), or the only server of the shortcut that the caller can read.
        :return: dict: ``model`` of the logs (of commands or of flight plans); ``logs``, a list of ``id``, ``reference``,
            ``server``, ``state``, ``exit_code`` (0 while it is active); for one server also its ``id``, ``reference``,
            ``state``, ``exit_code`` at the top level
        :raise AccessError: the caller may not read the shortcut, or one of the servers
        :raise UserError: no server, an archived server, or one that the shortcut is not attached to
        :raise ValidationError: unknown server
        """
        logs = self._run_on(self._server_argument(server))
        return {"model": logs._name, **logs._start_result()}

    def action_run(self):
        """Run this shortcut on the server of the context (button).

        :return: notification that says whether it was started, with a link to the run
        """
        return self._run_on(self._server_argument(None))._started_notification(self.name)

    def _run_on(self, servers):
        self.ensure_one()
        self.check_access("read")
        self._check_servers(servers)
        # sudo: reading the shortcut, checked above, is the right to run its target on these servers
        shortcut = self.sudo()
        target = shortcut._get_target()
        if not (shortcut.active and target and target.active):
            raise UserError(
                self.env._(
                    "“%s”, or its command or flight plan, is archived. Ask Root to unarchive it.",
                    shortcut.name,
                )
            )
        opened = self.env["cx.tower.run.mixin"]._opened_at(shortcut.access_level, target)
        source = {"shortcut_id": shortcut.id, **opened}
        return self._start_runs(servers, target, RunRequest(sudo=shortcut.use_sudo, log_values=source))

    def _check_servers(self, servers):
        """Raise unless the caller may read these servers and the shortcut is attached to each of them."""
        servers.check_access("read")
        # sudo: only compares ids with servers that the caller can read
        attached = self.sudo().with_context(active_test=False).server_ids
        foreign = servers.filtered(lambda server: server.id not in attached.ids)
        if foreign:
            raise UserError(
                self.env._(
                    "Shortcut “%(shortcut)s” is not attached to %(servers)s. Ask Root to attach it.",
                    shortcut=self.name,
                    servers=", ".join(foreign.mapped("name")),
                )
            )
        archived = servers.filtered(lambda server: not server.active)
        if archived:
            raise UserError(
                self.env._(
                    "%s is archived, so nothing can run there. Unarchive it first.",
                    ", ".join(archived.mapped("name")),
                )
            )

    @api.model
    def _empty_hint(self):
        if self._may_create():
            return super()._empty_hint()
        return self.env._(
            "This list shows the shortcuts of your servers, up to your access level. Only Root can create "
            "shortcuts and attach them to servers."
        )

    def _server_argument(self, server):
        """Return the servers named by the argument of :meth:`run` or by the context."""
        self.ensure_one()
        self.check_access("read")
        if server is None or server is False:
            server = self.env.context.get("server_id")
        if isinstance(server, models.BaseModel):
            servers = server.with_env(self.env)
        elif server:
            # Archived servers are found, too, so that the error can say so.
            Server = self.env["cx.tower.server"].with_context(active_test=False)
            servers = Server._find_named(server).with_env(self.env)
        else:
            servers = self.server_ids._filtered_access("read")
            if len(servers) > 1:
                raise UserError(
                    self.env._(
                        "Shortcut “%s” is attached to several servers. Choose one to run it on.", self.name
                    )
                )
        if not servers:
            raise UserError(
                self.env._("Shortcut “%s” is not attached to any server that you can access.", self.name)
            )
        return servers
