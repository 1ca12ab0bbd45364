from odoo import api, fields, models


class CxTowerServerTemplateCreateWizardLine(models.TransientModel):
    """The value that a new server gets of one variable."""

    _name = "cx.tower.server.template.create.wizard.line"
    _description = "Tower Server Template Create Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]
    _order = "id"

    wizard_id = fields.Many2one(
        "cx.tower.server.template.create.wizard", required=True, ondelete="cascade", index=True
    )
    variable_id = fields.Many2one(required=True)
    value_char = fields.Char(help="May use other variables: /srv/{{ customer }}.")

    @api.constrains("variable_id", "option_id", "value_char")
    def _check_value_char(self):
        """Unlike the own values of a run these are stored on the server, so they may be templates."""
        for line in self.filtered("variable_id"):
            line.variable_id._check_template_syntax(line.value_char, line.variable_id.name)
            line.variable_id._check_value(line.value_char, line.option_id)

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        return self.variable_id._warn_value(self.value_char)
