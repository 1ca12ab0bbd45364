from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_ROOT
from odoo.addons.cetmix_tower_server.models.base.storable_values import LARGEST, check_numbers
from odoo.exceptions import UserError

RANGES = {"limit_per_server": (0, LARGEST)}
#: Flight plans that the template runs itself, besides those of its actions.
PLAN_FIELDS = (
    "plan_install_id",
    "plan_uninstall_id",
    "plan_clone_same_server_id",
    "plan_clone_different_server_id",
)
PLAN = {"comodel_name": "cx.tower.plan", "ondelete": "restrict", "index": "btree_not_null", "tracking": True}


class CxTowerJetTemplate(models.Model):
    """What jets of a kind have in common: their lifecycle, their values, and what belongs to them."""

    _name = "cx.tower.jet.template"
    _description = "Tower Jet Template"
    _needs_more_than_a_name = False
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.variable.mixin",
        "cx.tower.tag.mixin",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    active = fields.Boolean(default=True)
    icon = fields.Image(string="Picture", max_width=128, max_height=128)
    color = fields.Integer(export_string_translation=False)
    note = fields.Text()
    tag_ids = fields.Many2many(
        "cx.tower.tag", "cx_tower_jet_template_tag_rel", "jet_template_id", "tag_id", string="Tags"
    )
    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_jet_template_user_rel",
        "record_id",
        "user_id",
        string="Users",
        help="They can launch jets of this template, and become Users of these.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_jet_template_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        groups="cetmix_tower_server.group_manager",
        help="They can also change the template.",
    )
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_jet_template_server_rel",
        "jet_template_id",
        "server_id",
        string="Installed on",
        copy=False,
    )
    limit_per_server = fields.Integer(
        string="Limit per server", aggregator=None, help="Jets of this template on one server. 0: no limit."
    )
    show_in_create_wizard = fields.Boolean(
        string="Show in Launch New Jet",
        default=True,
        help="Off: jets of this template are only created as dependencies, by scripts, or from the template itself.",
    )
    plan_install_id = fields.Many2one(
        **PLAN, string="Install plan", help="Runs once on a server, when the template is installed there."
    )
    plan_uninstall_id = fields.Many2one(
        **PLAN, string="Uninstall plan", help="Runs on a server when the template is removed from it."
    )
    plan_clone_same_server_id = fields.Many2one(
        **PLAN,
        string="Clone plan (same server)",
        help="Runs on the new jet. Empty: no clones on the same server.",
    )
    plan_clone_different_server_id = fields.Many2one(
        **PLAN,
        string="Clone plan (other server)",
        help="Runs on the new jet. Empty: no clones on other servers.",
    )
    variable_value_ids = fields.One2many(inverse_name="jet_template_id")
    action_ids = fields.One2many(
        "cx.tower.jet.action",
        "jet_template_id",
        string="Lifecycle actions",
        copy=True,
        # jets of an archived template keep their lifecycle
        context={"active_test": False},
    )
    action_create_id = fields.Many2one(
        "cx.tower.jet.action",
        string="Create action",
        compute="_compute_end_actions",
        store=True,
        readonly=False,
        copy=False,
        ondelete="set null",
        domain="[('jet_template_id', '=', id), ('state_from_id', '=', False)]",
    )
    action_destroy_id = fields.Many2one(
        "cx.tower.jet.action",
        string="Destroy action",
        compute="_compute_end_actions",
        store=True,
        readonly=False,
        copy=False,
        ondelete="set null",
        domain="[('jet_template_id', '=', id), ('state_to_id', '=', False)]",
    )
    template_requires_ids = fields.One2many(
        "cx.tower.jet.template.dependency",
        "template_id",
        string="Depends on",
        copy=True,
        groups="cetmix_tower_server.group_manager",
    )
    template_required_by_ids = fields.One2many(
        "cx.tower.jet.template.dependency",
        "template_required_id",
        string="Required by",
        groups="cetmix_tower_server.group_manager",
    )
    jet_ids = fields.One2many("cx.tower.jet", "jet_template_id", string="Jets")
    jet_count = fields.Integer(string="Number of jets", compute="_compute_jet_count")

    def _who_may_write(self):
        if self.access_level == LEVEL_ROOT:
            return self.env._("Only Root can change it, because its access level is Root.")
        return super()._who_may_write()

    @api.model
    def _empty_hint(self):
        if self._may_create():
            return self.env._(
                "You see jet templates up to your access level, and those where you have a role. Create a new one."
            )
        return self.env._(
            "You see jet templates with the access level User, and those that have you in their Users. Ask a Manager to add"
            " you to one."
        )

    @api.depends("action_ids.state_from_id", "action_ids.state_to_id", "action_ids.priority")
    def _compute_end_actions(self):
        for template in self:
            actions = template.action_ids.sorted(lambda action: (action.priority, action._origin.id or 0))
            template.action_create_id = actions.filtered(lambda a: not a.state_from_id)[:1]
            template.action_destroy_id = actions.filtered(lambda a: not a.state_to_id)[:1]

    @api.depends_context("uid", "su")
    def _compute_jet_count(self):
        counts = dict(
            self.env["cx.tower.jet"]._read_group(
                [("jet_template_id", "in", self.ids)], ["jet_template_id"], ["__count"]
            )
        )
        for template in self:
            template.jet_count = counts.get(template._origin, 0)

    # ------------------------------------------------------------------ create, write, delete

    @api.model_create_multi
    def create(self, vals_list):
        check_numbers(self, vals_list, RANGES)
        return super().create(vals_list)

    def write(self, vals):
        check_numbers(self, [vals], RANGES)
        return super().write(vals)

    @api.model
    def _get_linked_access_fields(self):
        # Who uses the template runs these plans: only plans that its author can read may be linked.
        return [*super()._get_linked_access_fields(), *PLAN_FIELDS, "action_create_id", "action_destroy_id"]

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [
            *super()._get_dependent_model_relation_fields(),
            "action_ids",
            "template_requires_ids",
            "variable_value_ids",
            "server_log_ids",
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_installed(self):
        """Refuse to delete a template that is installed: its uninstall plan would be lost."""
        # sudo: servers that the caller does not see count, too; they are only counted
        for template in self.sudo().with_context(active_test=False):
            if template.server_ids:
                raise UserError(
                    self.env._(
                        "“%(template)s” cannot be deleted because it is installed (servers: %(count)s). Uninstall it first.",
                        template=template.name,
                        count=len(template.server_ids),
                    )
                )

    # ------------------------------------------------------------------ values of variables

    def get_variable_value(self, variable_reference, no_fallback=False, server=None):
        """Return the stored value of a variable: the template's, else the server's, else the global one.

        :param variable_reference: reference of the variable
        :param no_fallback: only the template's own value
        :param server: record, id or reference of a server; None: no server's values
        :return: text, or False if there is no such variable or no value
        :raise AccessError: the caller may not read the template, the server, the variable or the value
        """
        own = super().get_variable_value(variable_reference, no_fallback=no_fallback or bool(server))
        if not server or no_fallback or own is not False:
            return own
        return self.env["cx.tower.server"]._one_named(server).get_variable_value(variable_reference)
