from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_ROOT, LEVEL_USER
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_datetime

DRAFT, PREPARING, READY, ERROR, ARRIVING, LEAVING, CURRENT, DELETING, DELETED = (
    "draft",
    "preparing",
    "ready",
    "error",
    "arriving",
    "leaving",
    "current",
    "deleting",
    "deleted",
)
STATES = [
    (DRAFT, "Draft"),
    (PREPARING, "Preparing"),
    (READY, "Ready"),
    (ERROR, "Error"),
    (ARRIVING, "Arriving"),
    (LEAVING, "Leaving"),
    (CURRENT, "Current"),
    (DELETING, "Deleting"),
    (DELETED, "Deleted"),
]
#: Written by movements only, whoever asks.
ENGINE_FIELDS = (
    "state",
    "is_destination",
    "saved_values",
    "problem",
    "ready_date",
    "created_from_command_log_id",
)
REFERENCE_GROUPS, REFERENCE_GROUP_SIZE = 4, 4


class CxTowerJetWaypoint(models.Model):
    """A saved configuration of a jet, to which it can return. See ``docs/developer/waypoints.md``."""

    _name = "cx.tower.jet.waypoint"
    _description = "Tower Jet Waypoint"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.metadata.mixin",
    ]
    _order = "create_date desc, id desc"

    access_level = fields.Selection(
        compute="_compute_access_level", store=True, readonly=False, precompute=True, default=None
    )
    jet_id = fields.Many2one("cx.tower.jet", required=True, ondelete="cascade", index=True)
    jet_template_id = fields.Many2one(
        related="jet_id.jet_template_id", string="Jet template", store=True, index=True
    )
    waypoint_template_id = fields.Many2one(
        "cx.tower.jet.waypoint.template",
        string="Type",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('jet_template_id', '=', jet_template_id)]",
        help="Its flight plans prepare the waypoint, fly to it, leave it and delete it. Cannot be changed after the draft.",
    )
    state = fields.Selection(STATES, required=True, readonly=True, default=DRAFT, copy=False, index=True)
    problem = fields.Text(readonly=True, copy=False, help="Why the last step did not succeed.")
    is_destination = fields.Boolean(
        string="Destination", readonly=True, copy=False, help="The jet is flying to this waypoint."
    )
    keep = fields.Boolean(copy=False, help="Never deleted because there are newer ones.")
    ready_date = fields.Datetime(
        string="Ready since",
        readonly=True,
        copy=False,
        help="When it was prepared, or left, for the last time.",
    )
    saved_values = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)
    created_from_command_log_id = fields.Many2one(
        "cx.tower.command.log",
        string="Created by run",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )

    _one_current = models.UniqueIndex(
        "(jet_id) WHERE state = 'current'", "A jet has only one current waypoint."
    )
    _one_destination = models.UniqueIndex(
        "(jet_id) WHERE is_destination", "A jet flies to one waypoint at a time."
    )
    _of_jet = models.Index("(jet_id, waypoint_template_id, state, id DESC)")

    # ------------------------------------------------------------------ names and levels

    @api.depends("name", "create_date", "access_level")
    @api.depends_context("uid", "tz", "lang")
    def _compute_display_name(self):
        # Odoo reads the names of linked records as superuser: whoever may not read a waypoint is not told its name there.
        unreadable = self._origin - self._origin.sudo(False)._filtered_access("read")
        for waypoint in self:
            if waypoint._origin in unreadable:
                waypoint.display_name = self.env._("A waypoint that you may not see")
                continue
            made = waypoint.create_date and format_datetime(self.env, waypoint.create_date, dt_format="short")
            waypoint.display_name = f"{waypoint.name} ({made})" if made else waypoint.name

    @api.model
    def _get_reference_bases(self, vals_list):
        Tower = self.env["cetmix.tower"]
        return [
            (Tower.generate_random_id(REFERENCE_GROUPS, REFERENCE_GROUP_SIZE, "_"), False) for _ in vals_list
        ]

    @api.model
    def _selection_access_level(self):
        # Users see no waypoints.
        return [level for level in super()._selection_access_level() if level[0] != LEVEL_USER]

    @api.depends("waypoint_template_id.access_level")
    def _compute_access_level(self):
        for waypoint in self:
            # sudo: the level of the type counts, also for who may not read it
            wanted = waypoint.sudo().waypoint_template_id.access_level or self._default_access_level()
            waypoint.access_level = max(waypoint.access_level or wanted, wanted)

    @api.constrains("access_level", "waypoint_template_id")
    def _check_access_level(self):
        for waypoint in self.sudo():  # sudo: compares levels
            lowest = waypoint.waypoint_template_id.access_level or ""  # empty: refused because it is required
            if (waypoint.access_level or "") < lowest:
                raise ValidationError(
                    self.env._(
                        "The access level of “%(waypoint)s” cannot be lower than that of its type: %(level)s.",
                        waypoint=waypoint.name,
                        level=waypoint.waypoint_template_id._access_level_label(),
                    )
                )

    @api.constrains("jet_id", "waypoint_template_id")
    def _check_type(self):
        for waypoint in self.sudo():  # sudo: compares links whose records the author may read
            template = waypoint.waypoint_template_id.jet_template_id
            if template and template != waypoint.jet_id.jet_template_id:
                raise ValidationError(
                    self.env._(
                        "“%(type)s” is a type of waypoints of “%(other)s”, but “%(jet)s” is a jet of “%(template)s”.",
                        type=waypoint.waypoint_template_id.name,
                        other=template.name,
                        jet=waypoint.jet_id.name,
                        template=waypoint.jet_id.jet_template_id.name,
                    )
                )

    # ------------------------------------------------------------------ rights

    @api.model
    def _get_linked_access_fields(self):
        # A waypoint shows the name of its jet and runs the plans of its type.
        return [*super()._get_linked_access_fields(), "jet_id", "waypoint_template_id"]

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
        # sudo: the name of the jet template, for whoever reads the waypoint
        return self.env._(
            "Only Root, and the Manager of “%s” who created it, can delete it.",
            self.sudo().jet_template_id.display_name,
        )

    # ------------------------------------------------------------------ create, write, delete

    @api.model_create_multi
    def create(self, vals_list):
        """Create waypoints as drafts. Nothing is run."""
        for vals in vals_list:
            self._refuse_engine_fields(vals)
        ignored = {f"default_{name}" for name in ENGINE_FIELDS}
        context = {key: value for key, value in self.env.context.items() if key not in ignored}
        creator = self.with_context(context)  # pylint: disable=context-overridden
        waypoints = super(CxTowerJetWaypoint, creator).create(vals_list).with_env(self.env)
        waypoints.jet_id._announce()
        return waypoints

    def write(self, vals):
        self._refuse_engine_fields(vals)
        if any(
            one[name].id != vals[name]
            for name in ("jet_id", "jet_template_id")
            if name in vals
            for one in self
        ):
            raise UserError(self.env._("A waypoint cannot be moved to another jet."))
        type_id = vals.get("waypoint_template_id")
        for waypoint in self:
            if type_id and waypoint.waypoint_template_id.id != type_id and waypoint.state != DRAFT:
                raise UserError(
                    self.env._(
                        "The type of “%s” cannot be changed any more, because it is no draft. Create a new waypoint instead.",
                        waypoint.name,
                    )
                )
        result = super().write(vals)
        self.jet_id._announce()
        return result

    @api.model
    def _refuse_engine_fields(self, vals):
        """Raise AccessError if values contain fields that only movements write."""
        if any(name in vals for name in ENGINE_FIELDS):
            raise AccessError(
                self.env._(
                    "The state and the saved values of a waypoint are changed by Prepare, Fly here, Reset and Delete only."
                )
            )

    def _write_by_movement(self, vals):
        """Write fields that nobody else may write, and tell open screens."""
        result = super().write(vals)
        self.jet_id._announce()
        return result

    def _set_state(self, state, problem=""):
        """Let these waypoints take a state, in the transaction of the event.

        :param problem: why the last step did not succeed
        """
        self._write_by_movement(
            {"state": state, "problem": problem or False, "is_destination": state == ARRIVING}
        )
        # written in this order: what only one waypoint of a jet may be is given up by one before another one takes it
        self.flush_recordset()

    # ------------------------------------------------------------------ deleting

    @api.ondelete(at_uninstall=False)
    def _unlink_only_by_movement(self):
        """Refuse to remove the record of a waypoint in any way but :meth:`unlink`, which runs its delete plan."""
        kept = self.filtered(lambda waypoint: waypoint.state not in (DRAFT, DELETED))
        if kept and not self._is_deletion_forced():
            raise UserError(self.env._("“%s” cannot be deleted in its present state.", kept[0].name))


class CxTowerJet(models.Model):
    """The waypoints of a jet."""

    _inherit = "cx.tower.jet"

    waypoint_ids = fields.One2many(
        "cx.tower.jet.waypoint",
        "jet_id",
        string="Waypoints",
        copy=False,
        groups="cetmix_tower_server.group_manager",
    )
    waypoint_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        string="Current waypoint",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
    )
    is_waypoints_available = fields.Boolean(compute="_compute_is_waypoints_available")

    @api.depends("jet_template_id.waypoint_template_ids")
    def _compute_is_waypoints_available(self):
        # sudo: whether the template has types of waypoints
        counts = dict(
            self.env["cx.tower.jet.waypoint.template"]
            .sudo()
            ._read_group(
                [("jet_template_id", "in", self.jet_template_id.ids)], ["jet_template_id"], ["__count"]
            )
        )
        for jet in self:
            jet.is_waypoints_available = bool(counts.get(jet.sudo().jet_template_id._origin))

    @api.model
    def _get_engine_fields(self):
        return [*super()._get_engine_fields(), "waypoint_id"]
