from odoo import api, fields, models


class CxTowerServer(models.Model):
    """The jet templates that are installed on a server."""

    _inherit = "cx.tower.server"

    jet_template_ids = fields.Many2many(
        "cx.tower.jet.template",
        "cx_tower_jet_template_server_rel",
        "server_id",
        "jet_template_id",
        string="Jet templates",
        copy=False,
        help="Jets of these templates can be launched here.",
    )
    jet_template_count = fields.Integer(
        string="Number of jet templates", compute="_compute_jet_template_count"
    )

    @api.depends_context("uid", "su")
    @api.depends("jet_template_ids")
    def _compute_jet_template_count(self):
        groups = self.env["cx.tower.jet.template"]._read_group(
            [("server_ids", "in", self._origin.ids)], ["server_ids"], ["__count"]
        )
        counts = {server.id: count for server, count in groups}
        for server in self:
            server.jet_template_count = counts.get(server._origin.id, 0)

    def action_install_jet_template(self):
        """Open the wizard that installs a jet template on these servers.

        :return: window action
        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        wizard = self.env["cx.tower.jet.template.install.wiz"]
        return wizard._action_open({"default_server_ids": self.ids})

    def action_uninstall_jet_template(self, jet_template=None):
        """Remove a jet template from this server.

        :param jet_template: record, id or reference; None: ``jet_template_id`` of the context
        :return: action that shows how it goes on
        :raise AccessError, UserError: see :meth:`cx.tower.jet.template.uninstall_from_servers`
        :raise ValidationError: there is no such template
        """
        self.ensure_one()
        self.check_access("read")
        template = jet_template or self.env.context.get("jet_template_id")
        return self.env["cx.tower.jet.template"]._one_named(template).action_uninstall_from_server(self)


class CxTowerJetTemplate(models.Model):
    """Where a template is installed, and the buttons for it."""

    _inherit = "cx.tower.jet.template"

    install_ids = fields.One2many(
        "cx.tower.jet.template.install.line",
        "jet_template_id",
        string="Installations",
        readonly=True,
        groups="cetmix_tower_server.group_manager",
    )

    def action_install_on_servers(self):
        """Open the wizard that installs this template on servers.

        :return: window action
        :raise AccessError: the caller may not read the template
        """
        self.ensure_one()
        self.check_access("read")
        wizard = self.env["cx.tower.jet.template.install.wiz"]
        return wizard._action_open({"default_jet_template_id": self.id})

    def action_uninstall_from_server(self, server=None):
        """Remove this template from a server (button).

        :param server: record, id or reference; None: ``server_id`` of the context
        :return: action that shows the removal, or says that it is done
        :raise AccessError, UserError, ValidationError: see :meth:`uninstall_from_servers`
        """
        self.ensure_one()
        server = server or self.env.context.get("server_id") or []
        return self._action_after(self.uninstall_from_servers(server))

    def _action_after(self, results):
        """Return the action that follows installing or uninstalling: what is going on, or a notification that all is done.

        :param results: of :meth:`install_on_servers`
        """
        open_ones = [row["installation"] for row in results if row["state"] in ("processing", "failed")]
        if open_ones:
            action = self.env["ir.actions.act_window"]._for_xml_id(
                "cetmix_tower_jet.cx_tower_jet_template_install_action"
            )
            if len(open_ones) == 1:
                return action | {"res_id": open_ones[0], "view_mode": "form", "views": [(False, "form")]}
            return action | {"domain": [("id", "in", open_ones)], "context": {}}
        said = [row["message"] for row in results if row["state"] == "skipped"]
        done = sum(row["state"] == "done" for row in results)
        if done:
            said.append(self.env._("Done: %s.", done) if done > 1 else self.env._("Done."))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if done else "info",
                "message": "\n".join(said),
                "next": {"type": "ir.actions.act_window_close"}
                if not done
                else {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
