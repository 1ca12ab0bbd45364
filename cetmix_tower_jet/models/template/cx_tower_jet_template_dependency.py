from odoo import fields, models


class CxTowerJetTemplateDependency(models.Model):
    """Jets of one template need a jet of another one, in a certain state."""

    _name = "cx.tower.jet.template.dependency"
    _description = "Tower Jet Template Dependency"
    _inherit = ["cx.tower.reference.mixin"]
    _order = "id"

    name = fields.Char(related="template_required_id.name", required=False, index=False)
    template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    template_required_id = fields.Many2one(
        "cx.tower.jet.template", string="Depends on", required=True, ondelete="restrict", index=True
    )
    state_required_id = fields.Many2one(
        "cx.tower.jet.state", string="Required state", required=True, ondelete="restrict", index=True
    )
    needed_in_state_ids = fields.Many2many(
        "cx.tower.jet.state",
        "cx_tower_jet_template_dependency_needed_state_rel",
        "dependency_id",
        "state_id",
        string="Needed in states",
        help="Before an action leads to one of these states, the dependency is met. Empty: before the create action only.",
    )
    where = fields.Selection(
        [("same", "Same server"), ("any", "Any server")],
        default="same",
        required=True,
        help="Where the jet that is depended on may be.",
    )

    _pair_unique = models.UniqueIndex(
        "(template_id, template_required_id)", "The template already depends on that template."
    )
