from odoo import api, fields, models

from .levels import level_in_tower

IMMUTABLE = ("jet_template_id", "server_id")


class CxTowerJet(models.Model):
    """An application on a server: its state, its settings, its people.

    How it moves is in ``models/transition``, what it needs in ``models/dependency``, what runs on it in ``models/target``.
    """

    _name = "cx.tower.jet"
    _description = "Tower Jet"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.variable.mixin",
        "cx.tower.metadata.mixin",
        "cx.tower.tag.mixin",
        "cx.tower.run.target.mixin",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "sequence, name, id"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10, aggregator=None)
    deletable = fields.Boolean(
        default=True,
        copy=False,
        help="Off: the jet cannot be deleted. Flight plans switch it off while something of the jet is on the host.",
    )
    url = fields.Char(string="URL", tracking=True, help="Address of the application.")
    note = fields.Text()
    partner_id = fields.Many2one("res.partner", tracking=True, index="btree_not_null")
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="restrict", index=True
    )
    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="restrict", index=True)
    icon = fields.Image(string="Picture", related="jet_template_id.icon")
    color = fields.Integer(related="state_id.color", export_string_translation=False)
    jet_cloned_from_id = fields.Many2one(
        "cx.tower.jet",
        string="Cloned from",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    seat = fields.Integer(readonly=True, copy=False, groups=fields.NO_ACCESS)
    tag_ids = fields.Many2many("cx.tower.tag", "cx_tower_jet_tag_rel", "jet_id", "tag_id", string="Tags")
    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_jet_user_rel",
        "record_id",
        "user_id",
        string="Users",
        help="They see the jet and trigger its actions of level User.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_jet_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        groups="cetmix_tower_server.group_manager",
        help="They can also change the jet.",
    )
    variable_value_ids = fields.One2many(inverse_name="jet_id")

    # Written by models/transition only
    state_id = fields.Many2one(
        "cx.tower.jet.state",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        group_expand="_group_expand_states",
    )
    state = fields.Char(string="State reference", related="state_id.reference", store=True, index=True)
    target_state_id = fields.Many2one(
        "cx.tower.jet.state",
        string="On its way to",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="Set while the jet is busy.",
    )
    current_action_id = fields.Many2one(
        "cx.tower.jet.action", readonly=True, copy=False, ondelete="set null", index="btree_not_null"
    )

    _template_on_server = models.Index("(jet_template_id, server_id, state_id)")
    _board = models.Index("(state_id, sequence, name, id) WHERE active")
    _seat_unique = models.UniqueIndex(
        "(jet_template_id, server_id, seat) WHERE seat IS NOT NULL",
        "Another jet of this template has just taken the last place on this server.",
    )

    @api.model
    def _group_expand_states(self, states, domain):
        # sudo: the columns of the board; names and colours only
        return states.sudo().search([("access_level", "<=", level_in_tower(self.env))]).sudo(False)

    @api.depends("name", "state_id")
    def _compute_display_name(self):
        for jet in self:
            jet.display_name = f"{jet.name} ({jet.state})" if jet.state else jet.name
