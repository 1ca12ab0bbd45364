from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_ROOT, LEVEL_USER
from odoo.addons.cetmix_tower_server.models.base.storable_values import LARGEST, check_numbers
from odoo.exceptions import UserError

PLAN_FIELDS = ("plan_create_id", "plan_arrive_id", "plan_leave_id", "plan_delete_id")
PLAN = {"comodel_name": "cx.tower.plan", "ondelete": "restrict", "index": "btree_not_null"}
RANGES = {"keep_last": (0, LARGEST)}


class CxTowerJetWaypointTemplate(models.Model):
    """A type of waypoint: what runs when waypoints of this type are prepared, flown to, left and deleted."""

    _name = "cx.tower.jet.waypoint.template"
    _description = "Tower Jet Waypoint Template"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin", "cx.tower.linked.access.mixin"]
    _order = "sequence, name, id"

    active = fields.Boolean(related="jet_template_id.active")
    sequence = fields.Integer(default=10, aggregator=None)
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    note = fields.Text()
    plan_create_id = fields.Many2one(
        **PLAN,
        string="Create plan",
        help="Prepares a waypoint, for example backs up data. Empty: it is ready at once.",
    )
    plan_arrive_id = fields.Many2one(
        **PLAN,
        string="Arrive plan",
        help="Runs when the jet flies to a waypoint, after its values were restored.",
    )
    plan_leave_id = fields.Many2one(
        **PLAN, string="Leave plan", help="Runs when the jet leaves a waypoint for another one."
    )
    plan_delete_id = fields.Many2one(
        **PLAN,
        string="Delete plan",
        help="Removes from the host what a waypoint keeps there, before the waypoint is deleted.",
    )
    keep_last = fields.Integer(
        string="Keep the last",
        aggregator=None,
        help="Ready waypoints of this type on each jet; older ones are deleted with their delete plan. Never the current one, nor"
        " one that is marked to be kept. 0: all of them stay.",
    )

    @api.model
    def _selection_access_level(self):
        # Users see no waypoints.
        return [level for level in super()._selection_access_level() if level[0] != LEVEL_USER]

    @api.depends("name", "jet_template_id.name")
    def _compute_display_name(self):
        for template in self:
            # sudo: the name of the jet template, for whoever may read its types of waypoints
            template.display_name = f"{template.name} ({template.sudo().jet_template_id.name})"

    # ------------------------------------------------------------------ rights

    @api.model
    def _get_pre_populated_model_data(self):
        return super()._get_pre_populated_model_data() | {
            self._name: ("cx.tower.jet.template", "jet_template_id")
        }

    @api.model
    def _get_linked_access_fields(self):
        # Who uses a waypoint runs its plans: only plans that the author can read may be linked.
        return [*super()._get_linked_access_fields(), "jet_template_id", *PLAN_FIELDS]

    @api.model
    def _get_rights_owner_fields(self):
        return ["jet_template_id"]

    def _who_may_write(self):
        if self.access_level == LEVEL_ROOT:
            return self.env._("Only Root can change it, because its access level is Root.")
        return super()._who_may_write()

    def _who_may_delete(self):
        if self.access_level == LEVEL_ROOT:
            return self.env._("Only Root can delete it, because its access level is Root.")
        # sudo: the name of the jet template, for whoever reads its types of waypoints
        template = self.sudo().jet_template_id
        return self.env._("Only Managers of “%s” and Root can delete it.", template.display_name)

    # ------------------------------------------------------------------ create, write, delete

    @api.model_create_multi
    def create(self, vals_list):
        check_numbers(self, vals_list, RANGES)
        return super().create(vals_list)

    def write(self, vals):
        check_numbers(self, [vals], RANGES)
        template_id = vals.get("jet_template_id")
        moved = self.filtered(lambda one: template_id and one.jet_template_id.id != template_id)
        if moved:
            raise UserError(
                self.env._(
                    "“%s” cannot be moved to another jet template. Create it there and delete it here.",
                    moved[0].name,
                )
            )
        return super().write(vals)

    @api.model
    def _deletion_blockers(self):
        own = ("cx.tower.jet.waypoint", "waypoint_template_id")  # _unlink_except_used says what to do
        return [blocker for blocker in super()._deletion_blockers() if blocker != own]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Refuse to delete a type that waypoints have: their delete plan would be lost."""
        # sudo: waypoints that the caller does not see count, too; they are only counted
        Waypoint = self.env["cx.tower.jet.waypoint"].sudo()
        for template in self:
            count = Waypoint.search_count([("waypoint_template_id", "=", template.id)])
            if count:
                raise UserError(
                    self.env._(
                        "“%(template)s” cannot be deleted because there are waypoints of this type: %(count)s. Delete them first.",
                        template=template.name,
                        count=count,
                    )
                )


class CxTowerJetTemplate(models.Model):
    """The types of waypoints that jets of a template can have."""

    _inherit = "cx.tower.jet.template"

    waypoint_template_ids = fields.One2many(
        "cx.tower.jet.waypoint.template",
        "jet_template_id",
        string="Waypoint templates",
        copy=True,
        groups="cetmix_tower_server.group_manager",
        context={"active_test": False},
    )

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "waypoint_template_ids"]
