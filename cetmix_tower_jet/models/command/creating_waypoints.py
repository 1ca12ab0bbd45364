from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_end import NOTHING, RunEnd
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_MANAGER
from odoo.exceptions import UserError, ValidationError

from ...engine.asking import COMMAND, LEVEL_OF_AUTHORS, SCHEDULE, Asking
from ..jet.levels import level_in_tower
from ..transition.cx_tower_jet_transition import DONE, LIVE, STOPPED
from ..transition.refused import TransitionRefused
from ..waypoint.cx_tower_jet_transition import FLIGHT
from ..waypoint.cx_tower_jet_waypoint import CURRENT, DRAFT, ERROR, READY

ACTION = "create_waypoint"
INTERNAL = "cetmix_tower_jet.command_create_waypoint"


class CxTowerCommand(models.Model):
    """Commands that create a waypoint of the jet that they run on, prepare it, and wait for the end."""

    _inherit = "cx.tower.command"

    waypoint_template_id = fields.Many2one(
        "cx.tower.jet.waypoint.template",
        string="Waypoint type",
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
        help="Type of the waypoint that is created. The command runs on jets of its jet template.",
    )
    fly_here = fields.Boolean(
        groups="cetmix_tower_server.group_manager", help="Fly to the waypoint as soon as it is prepared."
    )
    waypoint_warning = fields.Char(
        compute="_compute_waypoint_warning", groups="cetmix_tower_server.group_manager"
    )

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), (ACTION, "Create waypoint")]

    @api.model
    def _get_waiting_actions(self):
        return [*super()._get_waiting_actions(), ACTION]

    @api.model
    def _get_internal_xmlids(self):
        return [*super()._get_internal_xmlids(), INTERNAL]

    @api.model
    def _get_linked_access_fields(self):
        # As a step of an action, running the command creates waypoints of the linked type.
        return [*super()._get_linked_access_fields(), "waypoint_template_id"]

    @api.depends_context("lang")
    @api.depends("action", "access_level", "waypoint_template_id.access_level")
    def _compute_waypoint_warning(self):
        for command in self:
            # sudo: names a type that the author may not read; the warning is about exactly that
            kind = command.sudo().waypoint_template_id
            is_above = command.action == ACTION and bool(kind) and kind.access_level > command.access_level
            command.waypoint_warning = is_above and self.env._(
                "“%s” is above the access level of the command. As a step of a jet's action, the command still creates waypoints"
                " of this type.",
                kind.name,
            )

    @api.constrains("action", "waypoint_template_id", "active")
    def _check_waypoint_template(self):
        # sudo: whether there is one
        for command in self.sudo().filtered(lambda one: one.action == ACTION and one.active):
            if not command.waypoint_template_id:
                raise ValidationError(
                    self.env._("Choose the type of the waypoints that “%s” creates.", command.name)
                )

    def _action_document(self):
        document = super()._action_document()
        if self.action != ACTION:
            return document
        command = self.sudo()  # sudo: a part of what whoever may run the command runs
        kind = command.waypoint_template_id
        return document | {
            ACTION: {"type_id": kind.id, "type": kind.name or "", "fly_here": command.fly_here}
        }


class CxTowerRunTargetMixin(models.AbstractModel):
    """What a dry run says about a command that creates a waypoint."""

    _inherit = "cx.tower.run.target.mixin"

    def _texts_of(self, instruction):
        return [] if instruction.action == ACTION else super()._texts_of(instruction)

    def _dry_run_facts(self, line):
        facts = super()._dry_run_facts(line)
        document = line.get(ACTION)
        if not document:
            return facts
        if self._name != "cx.tower.jet":
            return [*facts, self.env._("Creates a waypoint, which needs a jet: it would fail here.")]
        kind = self.env["cx.tower.jet.waypoint.template"].sudo()  # sudo: of which jet template it is
        kind = kind.browse(document["type_id"] or []).exists()
        is_told = kind.with_env(self.env).has_access("read")
        if kind.jet_template_id != self.sudo().jet_template_id:  # sudo: as above
            return [*facts, self._wrong_type_text(document["type"] if is_told else "")]
        waypoint = self.env._("a waypoint of type “%s”", kind.name) if is_told else self.env._("a waypoint")
        if document["fly_here"]:
            text = self.env._("Creates %s, prepares it, flies to it, and waits for the end.", waypoint)
        else:
            text = self.env._("Creates %s, prepares it, and waits for the end.", waypoint)
        return [*facts, text]

    def _wrong_type_text(self, name):
        """Return the sentence that a type of waypoints is of another jet template. :param name: "" if it may not be named"""
        if not name:
            return self.env._("Its type of waypoints is not one of “%s”: it would fail here.", self.name)
        return self.env._(
            "“%(type)s” is no type of waypoints of “%(jet)s”: it would fail here.", type=name, jet=self.name
        )


class CxTowerCommandLog(models.Model):
    """A run that creates a waypoint and waits for its movements: the preparation, then the flight."""

    _inherit = "cx.tower.command.log"

    waypoint_template_id = fields.Many2one(
        "cx.tower.jet.waypoint.template",
        string="Waypoint type",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
        help="The type of the waypoint that the run creates, in place of that of its command.",
    )

    def _moves_jets(self):
        return super()._moves_jets() or self.command_action == ACTION

    # ------------------------------------------------------------------ beginning

    def _begin_waiting(self, lane=None):
        if self.command_action != ACTION:
            return super()._begin_waiting(lane)
        try:
            jet, kind = self._what_to_create()
        except TransitionRefused as refused:
            return self._end_waiting(RunEnd.of_error(refused), lane)
        try:
            with self.env.cr.savepoint():
                waypoint = self._create_and_prepare(jet, kind)
        except UserError as error:  # among them AccessError and TransitionRefused
            code, text = int(ExitCode.WAYPOINT_CREATE_FAILED), str(error)
            return self._end_waiting(RunEnd(code, text, error=text), lane)
        if self._moving():
            return NOTHING
        return self._end_waiting(self._end_of_moves() or self._end_at(waypoint), lane)

    def _what_to_create(self):
        """Return (jet, type of waypoint) of this run.

        :raise TransitionRefused: it has no jet, or no type (any more)
        """
        jet = self._run_target()
        if jet._name != "cx.tower.jet":
            raise TransitionRefused(
                ExitCode.JET_NOT_FOUND, self.env._("“%s” needs a jet to run on.", self.command_id.name)
            )
        document = self._inputs__()[0].get(ACTION) or {}
        kind = self.waypoint_template_id or self.env["cx.tower.jet.waypoint.template"].browse(
            document.get("type_id") or []
        )
        if not kind.exists():
            text = self.env._(
                "The waypoint type of “%s” was not chosen, or was deleted.", self.command_id.name
            )
            raise TransitionRefused(ExitCode.WAYPOINT_TEMPLATE_NOT_FOUND, text)
        return jet, kind

    def _create_and_prepare(self, jet, kind):
        """Create a waypoint, or take the one that this step made before its run was resumed, and begin to prepare it.

        As a step of the jet's own action its author decided, and the movement is a part of the action. Otherwise the rights of
        the person who runs this count, and the jet is claimed.

        :return: waypoint, as superuser
        :raise UserError: refused; nothing was changed
        """
        person = self.user_id
        if not person:
            raise UserError(self.env._("The person who started this run was deleted."))
        action = self._transition_around()
        inside = action.state in LIVE and action.jet_id == jet
        jet = jet.with_user(person)
        if inside:
            jet, level = jet.sudo(), LEVEL_OF_AUTHORS  # sudo: decided by the author of the flight plan
        else:
            jet.check_access("read")
            level = jet._level_of_caller()
        source = SCHEDULE if self.scheduled_task_id and not self.plan_log_id else COMMAND
        asking = Asking(level, source, self.id)
        parent = action.with_env(jet.sudo().env) if inside else None  # sudo: as the movement itself
        waypoint = self._waypoint_made_before(jet, kind.with_env(jet.env))
        if waypoint:
            waypoint._take_up_for_step(asking, self._flies_here(), parent)
        else:
            waypoint = jet._make_waypoint(kind.with_env(jet.env), {}, self)
            waypoint._prepare(asking, self._flies_here(), parent)
        return waypoint.with_env(self.env)

    def _transition_around(self):
        """Return the transition whose flight plan this run is a step of, at any depth; empty for none."""
        run = self.plan_log_id
        return (run.top_plan_log_id or run).jet_transition_id

    def _flies_here(self):
        return bool((self._inputs__()[0].get(ACTION) or {}).get("fly_here"))

    # ------------------------------------------------------------------ a run that was resumed

    def _waypoint_made_before(self, jet, kind):
        """Return the waypoint that this step has made before its run was interrupted and resumed; empty for none.

        :param jet: jet, with the rights that count
        :param kind: type that the step needs
        """
        waypoints = jet.env["cx.tower.jet.waypoint"]
        run = self.plan_log_id.resumed_from_id
        steps = self.browse()
        while run:
            steps |= run._last_step()
            run = run.resumed_from_id
        if not steps:
            return waypoints
        # sudo: the engine's own link; the waypoint itself is checked where the rights of the person count
        found = waypoints.sudo().search(
            [
                ("created_from_command_log_id", "in", steps.ids),
                ("jet_id", "=", jet.id),
                ("waypoint_template_id", "=", kind.id),
                ("state", "in", [DRAFT, ERROR, READY, CURRENT]),
            ],
            order="id desc",
            limit=1,
        )
        return found.with_env(jet.env)

    # ------------------------------------------------------------------ the end

    def _end_of_moves(self):
        """Return the end of a run that created a waypoint; None if nothing moved."""
        if self.command_action != ACTION:
            return super()._end_of_moves()
        moves = self.env["cx.tower.jet.transition"].search([("command_log_id", "=", self.id)], order="id")
        last = moves[-1:]
        waypoint = last.waypoint_id
        flies = self._flies_here()
        if last.state == DONE and (not flies or last.waypoint_movement == FLIGHT):
            return self._end_at(waypoint, last)
        if not last:
            return None
        reason = last.message or last._state_label()
        if last.state == DONE:
            reason = last.message or self.env._("it was stopped before the flight.")
        if last.message and last.state != STOPPED and self._level_of_readers() < LEVEL_MANAGER:
            reason = self.env._("it did not succeed. Managers see why on the waypoint.")
        text = self.env._(
            "%(waypoint)s is %(state)s: %(reason)s",
            waypoint=self._waypoint_text(waypoint, last),
            state=waypoint._state_label().lower() if waypoint else self.env._("deleted"),
            reason=reason,
        )
        code = ExitCode.WAYPOINT_CREATE_FAILED
        if self.stop_requested_date:
            code = ExitCode.COMMAND_STOPPED
        elif last.state == STOPPED:
            code = ExitCode.GENERAL_ERROR
        return RunEnd(int(code), message=text, error=text)

    def _end_at(self, waypoint, last=None):
        """Return the good end of a run whose waypoint is where it should be.

        :param last: its last movement, which names a waypoint that was deleted; None for none
        """
        text = self.env._(
            "%(waypoint)s is %(state)s.",
            waypoint=self._waypoint_text(waypoint, last),
            state=waypoint._state_label().lower() if waypoint else self.env._("deleted"),
        )
        return RunEnd(int(ExitCode.OK), response=text)

    def _level_of_readers(self):
        """Return the lowest level of those who read this run: who started it, and Managers up to their level."""
        level, person = max(self.access_level, LEVEL_MANAGER), self.user_id
        if not person or person._is_superuser():
            return level
        return min(level, level_in_tower(self.env(user=person.id, su=False)))

    def _waypoint_text(self, waypoint, last=None):
        """Return the subject of a sentence about a waypoint: with its name, as far as those who read this run may see it."""
        level = waypoint.access_level or (last and last.access_level) or LEVEL_MANAGER
        if level > self._level_of_readers():
            return self.env._("The waypoint")
        name = waypoint.name or (last and last.waypoint_name) or ""
        return self.env._("Waypoint “%s”", name)


class CxTowerJetWaypoint(models.Model):
    """The waypoint of a step that begins again."""

    _inherit = "cx.tower.jet.waypoint"

    def _take_up_for_step(self, asking, flies_on, parent):
        """Continue with this waypoint for a step that begins again after its run was resumed.

        :param asking: :class:`engine.asking.Asking`, with the run of the step
        :param flies_on: fly to it
        :param parent: live transition of the action that the step belongs to; None for none
        :raise UserError: the caller may not change it, or it cannot be continued
        """
        if not self.env.su:
            self._check_may_move()
        waypoint = self.sudo()  # sudo: the right was checked, or the author of the flight plan decided
        waypoint._write_by_movement({"created_from_command_log_id": asking.command_log_id})
        if waypoint.state == ERROR:
            waypoint._set_state(CURRENT if waypoint.jet_id.waypoint_id == waypoint else DRAFT)
        if waypoint.state == DRAFT:
            self._prepare(asking, flies_on, parent)
        elif waypoint.state == READY and flies_on:
            self._fly(asking, parent)


class CxTowerJetWaypointTemplate(models.Model):
    """Creating waypoints of a type, as runs that wait: for scheduled tasks."""

    _inherit = "cx.tower.jet.waypoint.template"

    def _as_run(self):
        """Return (command, fields of the log) with which waypoints of this type are created on jets.

        Pass the fields as ``log_values`` of a :class:`RunRequest`. The rights of the person count when the runs begin.
        """
        self.ensure_one()
        # sudo: everybody may use Tower's own command; the rights of the person count when it begins
        return self.env.ref(INTERNAL).sudo(), {"waypoint_template_id": self.id}
