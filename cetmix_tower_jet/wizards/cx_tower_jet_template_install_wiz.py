from odoo import api, fields, models
from odoo.fields import Domain


class CxTowerJetTemplateInstallWiz(models.TransientModel):
    """Installs a jet template on servers, and says before what that takes."""

    _name = "cx.tower.jet.template.install.wiz"
    _description = "Tower Jet Template Installation Wizard"

    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade"
    )
    server_ids = fields.Many2many("cx.tower.server", string="Servers", required=True)
    jet_template_domain = fields.Binary(compute="_compute_domains", export_string_translation=False)
    server_domain = fields.Binary(compute="_compute_domains", export_string_translation=False)
    preview = fields.Text(string="What will be installed", compute="_compute_preview")

    @api.model
    def _action_open(self, defaults):
        """Return the action that opens this wizard with these defaults."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Install Jet Template"),
            "res_model": self._name,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": defaults,
        }

    @api.depends("jet_template_id", "server_ids")
    @api.depends_context("uid")
    def _compute_domains(self):
        is_root = self.env.user.has_group("cetmix_tower_server.group_root")
        own = Domain.TRUE if is_root else Domain("manager_ids", "in", self.env.uid)
        for wizard in self:
            chosen = wizard.server_ids._origin
            # on several servers a template is offered while one of them lacks it
            missing = Domain.OR(Domain("server_ids", "not in", server.ids) for server in chosen)
            wizard.jet_template_domain = list(own & missing if chosen else own)
            installed = wizard.jet_template_id._origin.ids
            wizard.server_domain = [("jet_template_ids", "not in", installed)]

    @api.depends("jet_template_id", "server_ids")
    def _compute_preview(self):
        for wizard in self:
            template = wizard.jet_template_id._origin
            template.check_access("read")
            wizard.preview = wizard._preview_of(template, wizard.server_ids._origin) if template else False

    def _preview_of(self, template, servers):
        """Return one line for each template that will be installed, in order."""
        # sudo: names of the templates, and of the plans that will run with the rights to install this one
        lines = []
        for one in template.sudo()._needed_templates():
            missing = servers - one.server_ids
            if servers and not missing:
                what = self.env._("already installed")
            elif one.plan_install_id:
                what = self.env._("runs “%s”", one.plan_install_id.name)
            else:
                what = self.env._("nothing runs")
            lines.append(f"{len(lines) + 1}. {one.name}: {what}")
        return "\n".join(lines)

    def action_install_template(self):
        """Install the template on the servers.

        :return: action that shows how it goes
        :raise AccessError, UserError: see :meth:`cx.tower.jet.template.install_on_servers`
        """
        self.ensure_one()
        # the caller's own rights count, whatever ids the wizard was created with
        template = self.jet_template_id.with_env(self.env)
        return template._action_after(template.install_on_servers(self.server_ids))
