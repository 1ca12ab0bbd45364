from odoo import api, fields, models
from odoo.exceptions import UserError


class CxTowerShortcut(models.Model):
    """One click that runs a command or a flight plan on the servers it is attached to.

    Its own level counts in place of its target's there, and nowhere else: this is how something above a person's level
    is opened to that person. Nothing else is: the person must be able to read the server, and cannot set values.
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
        help="Where the shortcut is shown, and the only servers it runs on.",
    )
    server_template_ids = fields.Many2many(
        "cx.tower.server.template",
        "cx_tower_server_template_shortcut_rel",
        "shortcut_id",
        "server_template_id",
        string="Server templates",
        copy=False,
        help="Servers made from them get the shortcut.",
    )
    use_sudo = fields.Boolean(string="Sudo", help="Run the command as each server's sudo setting says.")
    note = fields.Text()
    access_level_warn_msg = fields.Text(compute="_compute_access_level_warn_msg")

    @api.depends("access_level", "action", "command_id.access_level", "plan_id.access_level")
    def _compute_access_level_warn_msg(self):
        labels = dict(self._selection_access_level())
        for shortcut in self:
            # sudo: that it is above the level is what Root has to know
            target = shortcut.sudo()._get_target()
            is_above = bool(target) and (target.access_level or "1") > (shortcut.access_level or "3")
            shortcut.access_level_warn_msg = is_above and self.env._(
                "“%(target)s” is of level %(level)s. Whoever may use the shortcut runs it, without seeing its code.",
                target=target.name,
                level=labels[target.access_level],
            )

    # ------------------------------------------------------------------ running

    def run(self, server=None):
        """Run this shortcut.

        The right to read the shortcut stands in for the right to read its target; own values are not possible.

        :param server: record(s), id, reference, or a list of ids or references. Without it the server of the context
            (``server_id``), or the only one that the caller sees of the shortcut's servers.
        :return: dict: ``logs``, a list of ``id``, ``reference``, ``server``, ``state``, ``exit_code`` (0 until ``state``
            says that it has ended); for one server its ``id``, ``reference``, ``state``, ``exit_code`` at the top as well.
            A shortcut for a flight plan gives logs of plans (``model`` says which).
        :raise AccessError: the caller may not read the shortcut, or one of the servers
        :raise UserError: no server, one that the shortcut is not attached to, or an archived one
        :raise ValidationError: unknown server

        Source: access matrix, Shortcut and "Actions are rights too".
        """
        logs = self._run_on(self._server_argument(server))
        return {"model": logs._name, **logs._start_result()}

    def action_run(self):
        """Run this shortcut on the server of the context (button).

        :return: notification that says whether it was started, and leads to the run
        """
        return self._run_on(self._server_argument(None))._started_notification(self.name)

    def _run_on(self, servers):
        self.ensure_one()
        self.check_access("read")
        self._check_servers(servers)
        # sudo: the target is opened by the shortcut, whose level was checked with the right to read it
        shortcut = self.sudo()
        target = shortcut._get_target()
        if not (shortcut.active and target and target.active):
            raise UserError(
                self.env._("“%s”, or what it runs, is archived. Root can bring it back.", shortcut.name)
            )
        level = shortcut.access_level
        return self._start_runs(
            servers,
            target,
            sudo=shortcut.use_sudo,
            shortcut_id=shortcut.id,
            shortcut_level=level,
            is_code_hidden=target.access_level > level,
        )

    def _check_servers(self, servers):
        """Raise unless the caller may read these servers and the shortcut is attached to each (pitfall 101)."""
        servers.check_access("read")
        # sudo: servers that the caller does not see belong to the shortcut, too
        attached = self.sudo().with_context(active_test=False).server_ids
        foreign = servers.filtered(lambda server: server.id not in attached.ids)
        if foreign:
            raise UserError(
                self.env._(
                    "Shortcut “%(shortcut)s” is not made for %(servers)s. Root can attach it.",
                    shortcut=self.name,
                    servers=", ".join(foreign.mapped("name")),
                )
            )
        archived = servers.filtered(lambda server: not server.active)
        if archived:
            raise UserError(
                self.env._(
                    "%s is archived: nothing runs there. Unarchive it first.",
                    ", ".join(archived.mapped("name")),
                )
            )

    @api.model
    def _empty_hint(self):
        if self._may_create():
            return super()._empty_hint()
        return self.env._(
            "Here are the shortcuts of your servers, up to your level. Only Root makes them and attaches them to"
            " servers: ask Root for one."
        )

    def _server_argument(self, server):
        """Return the servers that the argument of :meth:`run`, or the context, names."""
        self.ensure_one()
        self.check_access("read")
        if server is None or server is False:
            server = self.env.context.get("server_id")
        if isinstance(server, models.BaseModel):
            servers = server.with_env(self.env)
        elif server:
            # Archived ones are found here, so that it can be said what is wrong with them.
            Server = self.env["cx.tower.server"].with_context(active_test=False)
            servers = Server._find_named(server).with_env(self.env)
        else:
            servers = self.server_ids._filtered_access("read")
            if len(servers) > 1:
                raise UserError(
                    self.env._("Shortcut “%s” has several servers: choose the one to run it on.", self.name)
                )
        if not servers:
            raise UserError(self.env._("Shortcut “%s” has no server that you may see.", self.name))
        return servers
