from odoo import api, models


class CxTowerCommand(models.Model):
    """What Python commands find of jets."""

    _inherit = "cx.tower.command"

    @api.model
    def _get_python_command_odoo_objects(self, server, jet_template=None, jet=None, waypoint=None, **scopes):
        jets, templates = self.env["cx.tower.jet"], self.env["cx.tower.jet.template"]
        names = super()._get_python_command_odoo_objects(server, jet_template, jet, waypoint, **scopes)
        # Empty recordsets, not None: code may read their fields, and look for others by reference.
        names["jet"] = {
            "import": jet if jet is not None else jets,
            "help": self.env._(
                "jet the command runs for; empty when it runs for a server. In the flight plan of the jet's own action the code"
                " may change it, whoever triggered the action."
            ),
        }
        names["jet_template"] = {
            "import": jet_template if jet_template is not None else templates,
            "help": self.env._("template of the jet, or of the installation"),
        }
        names["tower_jets"] = {"import": jets, "help": self.env._("jets")}
        return names


class CxTowerJetTemplateInstallLine(models.Model):
    """What Python commands of install plans find."""

    _inherit = "cx.tower.jet.template.install.line"

    def _get_python_scopes(self, run):
        return {**super()._get_python_scopes(run), "jet_template": self.jet_template_id}
