from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_ROOT
from odoo.exceptions import ValidationError


class CxTowerJetAction(models.Model):
    """A way from one state to another, for the jets of a template.

    A transition keeps what its action said when it was triggered, so an action may be changed or deleted at any time.
    """

    _name = "cx.tower.jet.action"
    _description = "Tower Jet Action"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin", "cx.tower.linked.access.mixin"]
    _order = "priority, id"

    active = fields.Boolean(related="jet_template_id.active")
    priority = fields.Integer(
        default=10, required=True, aggregator=None, help="Among equally short ways the lower number wins."
    )
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    color = fields.Integer(related="state_to_id.color", export_string_translation=False)
    note = fields.Text()
    state_from_id = fields.Many2one(
        "cx.tower.jet.state",
        string="From state",
        ondelete="restrict",
        index="btree_not_null",
        help="Empty: this action creates a jet. It is available only while the jet has no state.",
    )
    state_transit_id = fields.Many2one(
        "cx.tower.jet.state",
        string="Transit state",
        required=True,
        ondelete="restrict",
        index=True,
        help="The state while the action is running.",
    )
    state_to_id = fields.Many2one(
        "cx.tower.jet.state",
        string="To state",
        ondelete="restrict",
        index="btree_not_null",
        help="Empty: this action destroys the jet.",
    )
    state_error_id = fields.Many2one(
        "cx.tower.jet.state",
        string="Error state",
        ondelete="restrict",
        index="btree_not_null",
        help="The state after a failure. Empty: the from state.",
    )
    plan_id = fields.Many2one(
        "cx.tower.plan",
        string="Flight plan",
        ondelete="restrict",
        index="btree_not_null",
        help="Runs on the jet. Empty: the state changes without doing anything.",
    )

    @api.model
    def _get_pre_populated_model_data(self):
        return super()._get_pre_populated_model_data() | {
            self._name: ("cx.tower.jet.template", "jet_template_id")
        }

    @api.model
    def _get_linked_access_fields(self):
        # Who may trigger an action runs its plan: only a plan that its author can read may be linked.
        return [*super()._get_linked_access_fields(), "plan_id", "jet_template_id"]

    @api.model
    def _get_rights_owner_fields(self):
        return ["jet_template_id"]

    @api.constrains("state_from_id", "state_to_id")
    def _check_leads_somewhere(self):
        for action in self:
            if not action.state_from_id and not action.state_to_id:
                raise ValidationError(
                    self.env._(
                        "“%s” has neither a from state nor a to state. Choose a from state (to destroy jets), a to state (to"
                        " create them), or both.",
                        action.name,
                    )
                )

    def write(self, vals):
        template_id = vals.get("jet_template_id")
        moved = self.filtered(lambda action: template_id and action.jet_template_id.id != template_id)
        if moved:
            raise ValidationError(
                self.env._(
                    "“%s” cannot be moved to another jet template. Create it there and delete it here.",
                    moved[0].name,
                )
            )
        return super().write(vals)

    def _who_may_write(self):
        if self.access_level == LEVEL_ROOT:
            return self.env._("Only Root can change it, because its access level is Root.")
        return super()._who_may_write()

    def _who_may_delete(self):
        if self.access_level == LEVEL_ROOT:
            return self.env._("Only Root can delete it, because its access level is Root.")
        # sudo: the name of the template, for whoever reads its action
        template = self.sudo().jet_template_id
        return self.env._("Only Managers of “%s” and Root can delete it.", template.display_name)
