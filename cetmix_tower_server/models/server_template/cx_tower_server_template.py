from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..base.fields import SecretChar
from ..base.storable_values import PORTS, check_numbers


class CxTowerServerTemplate(models.Model):
    """What new servers of a kind have in common: how Tower logs in, values, and what belongs to them and runs on them.

    See ``server_creation.py`` for how a server is created from it.
    """

    _name = "cx.tower.server.template"
    _description = "Tower Server Template"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.variable.mixin",
        "cx.tower.tag.mixin",
        "cx.tower.vault.mixin",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    SECRET_FIELDS = ("ssh_password",)

    active = fields.Boolean(default=True)
    color = fields.Integer(export_string_translation=False)
    note = fields.Text()
    os_id = fields.Many2one("cx.tower.os", string="Operating system", index="btree_not_null")
    tag_ids = fields.Many2many(
        "cx.tower.tag", "cx_tower_server_template_tag_rel", "server_template_id", "tag_id", string="Tags"
    )
    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_server_template_user_rel",
        "record_id",
        "user_id",
        string="Users",
        help="They create servers from this template, with its key and password. Only Tower Managers can be Users "
        "here.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_server_template_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        help="They can also change the template.",
    )
    ssh_port = fields.Integer(string="SSH port", required=True, default=22, tracking=True, aggregator=None)
    ssh_username = fields.Char(string="SSH user", tracking=True)
    ssh_auth_mode = fields.Selection(
        [("p", "Password"), ("k", "Key")],
        string="Log in with",
        tracking=True,
        help="Empty: chosen for each new server.",
    )
    ssh_password = SecretChar(
        string="SSH password",
        help="Copied to new servers. Stored encrypted and never shown again.",
    )
    ssh_key_id = fields.Many2one(
        "cx.tower.key",
        string="SSH key",
        domain=[("key_type", "=", "k")],
        ondelete="restrict",
        index="btree_not_null",
    )
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")], string="Sudo", tracking=True
    )
    jump_server_id = fields.Many2one(
        "cx.tower.server",
        string="Jump host",
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        help="The server through which Tower connects to the new ones.",
    )
    variable_value_ids = fields.One2many(inverse_name="server_template_id")
    flight_plan_id = fields.Many2one(
        "cx.tower.plan",
        string="Flight plan after creation",
        domain=[("server_ids", "=", False)],
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        help="Started on each server that is created from this template.",
    )
    plan_delete_id = fields.Many2one(
        "cx.tower.plan",
        string="Delete plan",
        domain=[("server_ids", "=", False)],
        ondelete="restrict",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
        tracking=True,
        help="Copied to new servers: it runs before they are deleted.",
    )
    server_ids = fields.One2many(
        "cx.tower.server", "server_template_id", string="Servers", copy=False, readonly=True
    )
    server_count = fields.Integer(string="Number of servers", compute="_compute_server_count")

    _port_range = models.Constraint(
        "CHECK (ssh_port BETWEEN 1 AND 65535)", "The SSH port must be between 1 and 65535."
    )

    @api.model_create_multi
    def create(self, vals_list):
        check_numbers(self, vals_list, {"ssh_port": PORTS})
        return super().create(vals_list)

    def write(self, vals):
        check_numbers(self, [vals], {"ssh_port": PORTS})
        return super().write(vals)

    @api.model
    def _get_user_role_group(self):
        return "cetmix_tower_server.group_manager"  # the level User has no access to templates

    @api.model
    def _get_linked_access_fields(self):
        # Servers created from a template use what it links, for people, too, who could not link it themselves.
        return [
            *super()._get_linked_access_fields(),
            "ssh_key_id",
            "jump_server_id",
            "flight_plan_id",
            "plan_delete_id",
        ]

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "variable_value_ids"]

    def _variable_values(self):
        """Return the values of this template that the caller may read.

        With a search, because the cache of the one2many may hold what another user was allowed to read.
        """
        return self.env["cx.tower.variable.value"].search([("server_template_id", "in", self.ids)])

    @api.depends_context("uid")
    def _compute_server_count(self):
        groups = self.env["cx.tower.server"]._read_group(
            [("server_template_id", "in", self.ids)], ["server_template_id"], ["__count"]
        )
        counts = {template.id: count for template, count in groups}
        for template in self:
            template.server_count = counts.get(template.id, 0)

    @api.constrains("flight_plan_id", "plan_delete_id")
    def _check_plans(self):
        """Refuse plans that are restricted to certain servers: they could not run on new ones."""
        for template in self:
            for name in ("flight_plan_id", "plan_delete_id"):
                plan = template.sudo()[name]  # sudo: whoever changes the template need not see both plans
                # searched, because the cache may lack servers that the caller cannot see
                plans = plan.with_context(active_test=False)
                if plan and plans.search_count([("id", "=", plan.id), ("server_ids", "!=", False)]):
                    raise ValidationError(
                        self.env._(
                            "“%(plan)s” is restricted to certain servers, so it cannot be the %(field)s of"
                            " template “%(template)s”. Choose a plan for all servers.",
                            plan=plan.name,
                            field=self._fields[name]._description_string(self.env),
                            template=template.name,
                        )
                    )

    # ------------------------------------------------------------------ actions

    def action_create_server(self):
        """Open the wizard that creates a server from this template.

        :return: window action
        :raise AccessError: the caller may not read the template, or not create servers
        """
        self.ensure_one()
        self.check_access("read")
        self.env["cx.tower.server"].check_access("create")
        return self._action_create_server()

    def _action_create_server(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Create Server"),
            "res_model": "cx.tower.server.template.create.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_server_template_id": self.id},
        }

    def action_open_servers(self):
        """Open the servers that were created from these templates.

        :return: window action
        :raise AccessError: the caller may not read one of these templates
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_server")
        return action | {"domain": [("server_template_id", "in", self.ids)], "context": {}}
