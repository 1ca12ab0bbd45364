from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .cx_tower_jet_transition import DELETE, FLIGHT, PREPARE
from .cx_tower_jet_waypoint import ARRIVING, DELETED, DELETING, DRAFT, LEAVING, PREPARING, READY

ON_THE_WAY = (PREPARING, ARRIVING, LEAVING, DELETING)
RESET = "reset"


class CxTowerJetWaypoint(models.Model):
    """What a waypoint offers to the person who looks at it: Prepare, Fly here, Reset, Delete, and why one is not possible.

    Screens show these reasons. They decide nothing: the methods behind the buttons check again.
    """

    _inherit = "cx.tower.jet.waypoint"

    can_fly_to = fields.Boolean(compute="_compute_offers", help="You can fly to this waypoint now.")
    why_no_prepare = fields.Char(
        string="Why it cannot be prepared", compute="_compute_offers", export_string_translation=False
    )
    why_no_flight = fields.Char(
        string="Why the jet cannot fly here", compute="_compute_offers", export_string_translation=False
    )
    why_no_reset = fields.Char(
        string="Why it cannot be reset", compute="_compute_offers", export_string_translation=False
    )
    why_no_deletion = fields.Char(
        string="Why it cannot be deleted", compute="_compute_offers", export_string_translation=False
    )

    @api.depends(
        "state",
        "access_level",
        "waypoint_template_id",
        "saved_values",
        "jet_id.current_transition_id",
        "jet_id.waypoint_id.state",
        "jet_id.active",
        "jet_id.seat",
    )
    @api.depends_context("uid", "su", "lang", "tz")
    def _compute_offers(self):
        waypoints = self._origin
        writable, deletable = waypoints._filtered_access("write"), waypoints._filtered_access("unlink")
        # sudo: states, and what the jets are busy with; values above the person's level are only counted
        ready = waypoints.sudo().filtered(lambda one: one.state == READY)
        missing = ready._why_not_restored_each()
        # found out first, then assigned: some of these may flush, which empties the cache
        found = {
            one: one.sudo()._reasons(one in writable, one in deletable, missing.get(one)) for one in waypoints
        }
        for waypoint in self:
            reasons = found.get(waypoint._origin, {})
            waypoint.why_no_prepare = reasons.get(PREPARE, False)
            waypoint.why_no_flight = reasons.get(FLIGHT, False)
            waypoint.why_no_reset = reasons.get(RESET, False)
            waypoint.why_no_deletion = reasons.get(DELETE, False)
            waypoint.can_fly_to = bool(reasons) and not waypoint.why_no_flight

    def _reasons(self, may_write, may_delete, missing):
        """Return {movement: why it is not possible, "" if it is}.

        :param may_write, may_delete: rights of the person
        :param missing: as of :meth:`_why_no_flight`
        """
        busy = {
            movement: str(self.jet_id._refusal(name)) if self.jet_id._is_busy() else ""
            for movement, name in (
                (PREPARE, self._name_of_movement(PREPARE)),
                (FLIGHT, self._name_of_movement(FLIGHT)),
                (RESET, self.env._("Reset waypoint")),
                (DELETE, self._name_of_movement(DELETE)),
            )
        }
        if self.state in (DRAFT, DELETED):
            busy[DELETE] = ""  # nothing runs
        reasons = {
            PREPARE: self._why_no_prepare(),
            FLIGHT: self._why_no_flight(missing),
            RESET: self._why_no_reset(),
            DELETE: self._why_no_deletion(),
        }
        is_moving = self.state in ON_THE_WAY  # who started it says more than the state
        return {
            movement: self._why_not_allowed(movement, may_write, may_delete)
            or (is_moving and busy[movement])
            or reason
            or busy[movement]
            for movement, reason in reasons.items()
        }

    def _why_not_allowed(self, movement, may_write, may_delete):
        if movement == DELETE:
            return "" if may_delete else self._who_may_delete()
        return "" if may_write else self._who_may_write()

    # ------------------------------------------------------------------ asking before

    def describe_movement(self, movement):
        """Return what a movement would do, for a confirmation. Nothing is done.

        :param movement: ``prepare``, ``reset`` or ``delete``. What a flight would do is in :meth:`read_flight`
        :return: text
        :raise AccessError: the caller may not do it
        :raise ValidationError: there is no such movement
        """
        self._check_may_move("unlink" if movement == DELETE else "write")
        descriptions = {
            PREPARE: self._describe_prepare,
            RESET: self._describe_reset,
            DELETE: self._describe_deletion,
        }
        if not isinstance(movement, str) or movement not in descriptions:
            raise ValidationError(self.env._("“%s” is nothing that waypoints do.", movement))
        return descriptions[movement]()

    def _describe_prepare(self):
        plan = self._plan_to_run("plan_create_id")
        if plan:
            return self.env._(
                "The flight plan “%(plan)s” runs on “%(jet)s”. Then the values of the jet are saved.", **plan
            )
        return self.env._("The values of the jet are saved. Nothing runs on the host.")

    def _describe_reset(self):
        # sudo: where the jet is; the right was checked
        if self.sudo().jet_id.waypoint_id == self:
            return self.env._(
                "Nothing runs on the host. The jet did not leave this waypoint, so it becomes the current one again. Make sure that the"
                " jet works before."
            )
        return self.env._(
            "Nothing runs on the host. The waypoint becomes a draft and has to be prepared again. The values saved in it are"
            " replaced then."
        )

    def _describe_deletion(self):
        if self.state in (DRAFT, DELETED):
            return self.env._("Nothing runs on the host.")
        plan = self._plan_to_run("plan_delete_id")
        if plan:
            return self.env._(
                "The flight plan “%(plan)s” runs on “%(jet)s”, then the waypoint is deleted. If the plan does not succeed, the waypoint"
                " stays and you can delete it again.",
                **plan,
            )
        return self.env._(
            "Its type has no delete plan: what the waypoint keeps on the host, such as a backup, stays there. The values and the"
            " metadata saved in it are deleted."
        )

    def _plan_to_run(self, name):
        """Return names for a sentence: of a flight plan of this waypoint's type, and of the jet; None if there is no plan."""
        waypoint = self.sudo()  # sudo: the right was checked; names of plans are shown to who may run them
        plan = waypoint.waypoint_template_id[name]
        return {"plan": plan.name, "jet": waypoint.jet_id.name} if plan else None

    # ------------------------------------------------------------------ new ones

    @api.model
    def default_get(self, fields_list):
        """Choose the type where there is only one."""
        values = super().default_get(fields_list)
        jet = self.env["cx.tower.jet"].browse(values.get("jet_id") or ()).exists()
        if jet and "waypoint_template_id" in fields_list and not values.get("waypoint_template_id"):
            # sudo: which template it is; types are searched as the caller
            types = self.env["cx.tower.jet.waypoint.template"].search(
                [("jet_template_id", "=", jet.sudo().jet_template_id.id)], limit=2
            )
            if len(types) == 1:
                values["waypoint_template_id"] = types.id
        return values

    # ------------------------------------------------------------------ what ran

    live_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Run of the last movement",
        compute="_compute_movements",
        help="Flight plan run of the present movement, or of the last one, for those who may read it.",
    )
    movement_ids = fields.Many2many(
        "cx.tower.jet.transition",
        string="Movements",
        compute="_compute_movements",
        help="Preparations of this waypoint, flights to it and from it.",
    )

    @api.depends("state")
    @api.depends_context("uid", "su")
    def _compute_movements(self):
        Transition = self.env["cx.tower.jet.transition"]
        found = Transition.search(
            ["|", ("waypoint_id", "in", self.ids), ("waypoint_from_id", "in", self.ids)]
        )
        ends = {one: (one.waypoint_id, one.waypoint_from_id) for one in found.sudo()}  # sudo: ids
        logs = found.sudo().plan_log_id.sudo(False)._filtered_access("read")  # sudo: ids
        for waypoint in self:
            mine = found.filtered(lambda one, waypoint=waypoint: waypoint._origin in ends[one])
            waypoint.movement_ids = mine
            log = mine[:1].sudo().plan_log_id.sudo(False)  # sudo: shown to those who may read the run
            waypoint.live_plan_log_id = log if log in logs else False


class CxTowerJet(models.Model):
    """What the form and the board of jets show of waypoints."""

    _inherit = "cx.tower.jet"

    waypoint_shown_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        string="At waypoint",
        compute="_compute_waypoint_shown_id",
        groups="cetmix_tower_server.group_manager",
        help="The waypoint that the jet is at, for those who may read it.",
    )
    why_no_new_waypoint = fields.Char(
        compute="_compute_why_no_new_waypoint",
        export_string_translation=False,
        groups="cetmix_tower_server.group_manager",
    )

    @api.depends("waypoint_id.access_level")
    @api.depends_context("uid", "su")
    def _compute_waypoint_shown_id(self):
        current = {jet: jet.sudo().waypoint_id.sudo(False) for jet in self}  # sudo: filtered for the reader
        readable = self.env["cx.tower.jet.waypoint"].union(*current.values())._filtered_access("read")
        for jet, waypoint in current.items():
            jet.waypoint_shown_id = waypoint if waypoint in readable else False

    @api.depends("jet_template_id.manager_ids")
    @api.depends_context("uid", "su", "lang")
    def _compute_why_no_new_waypoint(self):
        templates = self.sudo().jet_template_id  # sudo: their names, for whoever sees the jet
        writable = templates.with_env(self.env)._filtered_access("write")
        for jet in self:
            template = jet.sudo().jet_template_id  # sudo: as above
            jet.why_no_new_waypoint = (
                False
                if template in writable
                else self.env._("Only Managers of “%s” and Root can create waypoints.", template.name)
            )

    def action_new_waypoint(self):
        """Open the dialog that creates a waypoint of this jet.

        :return: window action
        :raise AccessError: the caller may not read the jet
        """
        self.ensure_one()
        self.check_access("read")
        view = self.env.ref("cetmix_tower_jet.cx_tower_jet_waypoint_view_form_new")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Waypoint"),
            "res_model": "cx.tower.jet.waypoint",
            "view_mode": "form",
            "views": [(view.id, "form")],
            "target": "new",
            "context": {"default_jet_id": self.id},
        }

    def action_open_flights(self):
        """Open the history of this jet's flights.

        :return: window action
        :raise AccessError: the caller may not read the jet
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cetmix_tower_jet.cx_tower_jet_transition_action"
        )
        return action | {
            "name": self.env._("Flights of %s", self.name),
            "domain": [("jet_id", "=", self.id)],
            "context": {"search_default_filter_flights": 1, "jet_history": True},
        }
