from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine import states
from odoo.addons.cetmix_tower_server.engine.errors import EngineError
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_end import NOTHING, RunEnd
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...engine.asking import COMMAND, LEVEL_OF_AUTHORS, SCHEDULE, Asking
from ..transition.cx_tower_jet_transition import DONE, LIVE
from ..transition.refused import TransitionRefused
from .cx_tower_command import ACTION


class CxTowerJet(models.Model):
    """The jets that a command moves, from the jet that it runs on."""

    _inherit = "cx.tower.jet"

    current_command_log_id = fields.Many2one(
        "cx.tower.command.log",
        string="Asked for by run",
        compute="_compute_current_command_log_id",
        groups="cetmix_tower_server.group_manager",
        help="The run of a command that waits for what the jet is busy with.",
    )

    def _jets_to_move(self, template):
        """Return the jets of a template that a command on this jet moves: itself, or those linked to it, both ways."""
        self.ensure_one()
        # sudo: what may be moved is checked for each of them
        return self.sudo() if template == self.sudo().jet_template_id else self._linked_jets(template)

    @api.depends("current_transition_id")
    @api.depends_context("uid", "su")
    def _compute_current_command_log_id(self):
        # sudo: only whether there is one; it is shown to those who may read it
        logs = {jet: jet.sudo().current_transition_id.command_log_id.sudo(False) for jet in self}
        readable = self.env["cx.tower.command.log"].union(*logs.values())._filtered_access("read")
        for jet, log in logs.items():
            jet.current_command_log_id = log & readable


class CxTowerCommandLog(models.Model):
    """A run that triggers an action on jets, and waits for the transitions."""

    _inherit = "cx.tower.command.log"

    jet_action_id = fields.Many2one(
        "cx.tower.jet.action",
        string="Jet action",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The action that the run triggers on its jet, in place of that of its command.",
    )
    jet_refusals = fields.Json(
        readonly=True, help="The jets on which the action could not be triggered: name, exit code and reason."
    )

    # ------------------------------------------------------------------ beginning

    def _begin_waiting(self, lane=None):
        if self.command_action != ACTION:
            return super()._begin_waiting(lane)
        self.jet_refusals = False
        try:
            action, jets = self._what_to_move()
        except EngineError as error:
            return self._end_waiting(RunEnd.of_error(error), lane)
        if not jets:
            text = self.env._(
                "No jet of “%s” is linked to this jet, so there was nothing to do.",
                action.jet_template_id.name,
            )
            return self._end_waiting(RunEnd(int(ExitCode.OK), text, response=text), lane)
        around = self.env["cx.tower.jet"]._busy_around((), self.ids)
        refusals = [self._move(jet, action, jet.id in around) for jet in jets]
        self.jet_refusals = [refusal for refusal in refusals if refusal] or False
        return NOTHING if self._moving() else self._end_waiting(self._end_of_moves(), lane)

    def _what_to_move(self):
        """Return (action, jets) of this run.

        :raise EngineError: it has no jet, or the command has no template or action (any more)
        """
        jet = self._run_target()
        if jet._name != "cx.tower.jet":
            raise TransitionRefused(
                ExitCode.JET_NOT_FOUND, self.env._("“%s” needs a jet to run on.", self.command_id.name)
            )
        action = self.jet_action_id
        if action:
            return action, jet
        document = self._inputs__()[0].get(ACTION) or {}
        template = self.env["cx.tower.jet.template"].browse(document.get("template_id") or []).exists()
        if not template:
            text = self.env._(
                "The jet template of “%s” was not chosen, or was deleted.", self.command_id.name
            )
            raise TransitionRefused(ExitCode.JET_TEMPLATE_NOT_FOUND, text)
        action = action.browse(document.get("action_id") or []).exists()
        if not action:
            text = self.env._("The action of “%s” was not chosen, or was deleted.", self.command_id.name)
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_FOUND, text)
        return action, jet._jets_to_move(template)

    def _move(self, jet, action, is_around):
        """Trigger an action on a jet, as the person who runs this.

        :param is_around: the jet is busy with what this run is a part of
        :return: None; or why not: [name of the jet, exit code, reason]
        """
        if is_around:
            text = self.env._("it is busy with the action that this command is a part of.")
            return [jet.name, int(ExitCode.JET_ACTION_NOT_AVAILABLE), text]
        person = self.user_id
        if not person:
            text = self.env._("the person who started this run was deleted.")
            return [jet.name, int(ExitCode.JET_ACTION_NOT_AVAILABLE), text]
        name = jet.name
        try:
            level = LEVEL_OF_AUTHORS
            if not self._belongs_to_an_action():
                jet = jet.with_user(person)
                if not jet.has_access("read"):
                    name = self.env._("a jet that %s may not see", person.name)
                jet._check_may_trigger(action.with_user(person))
                level = jet._level_of_caller()
            jet = jet.with_user(
                person
            ).sudo()  # sudo: checked above, or decided by the author of the flight plan
            source = SCHEDULE if self.scheduled_task_id and not self.plan_log_id else COMMAND
            asking = Asking(level=level, source=source, command_log_id=self.id)
            with self.env.cr.savepoint():
                jet._trigger(action.with_env(jet.env), asking)
        except EngineError as refused:
            return [name, int(refused.exit_code), str(refused)]
        except AccessError as error:
            text = str(error) if jet.has_access("read") else self.env._("it may not be moved.")
            return [name, int(ExitCode.JET_ACTION_NOT_AVAILABLE), text]
        except UserError as error:
            return [name, int(ExitCode.JET_ACTION_NOT_AVAILABLE), str(error)]
        return None

    def _belongs_to_an_action(self):
        """Return whether this run is a step of the flight plan of an action, at any depth."""
        run = self.plan_log_id
        return bool((run.top_plan_log_id or run).jet_transition_id)

    # ------------------------------------------------------------------ the end

    def _moving(self):
        """Return the live transitions that these runs wait for."""
        return self.env["cx.tower.jet.transition"].search(
            [("command_log_id", "in", self.ids), ("state", "in", LIVE)]
        )

    def _moves_jets(self):
        """Return whether this run waits for transitions. Extension point."""
        return self.command_action == ACTION

    def _moved_jet(self):
        """End this run if the transition that has just ended was the last one that it waits for."""
        if not self._moves_jets() or self.state != states.WAITING or self.awaits_begin:
            return  # while it begins, it ends itself
        self._collide_with_other_ends()
        if not self._moving():
            self._waited_for_ended(self._end_of_moves())

    def _end_of_moves(self):
        """Return the end of this run, whose transitions have ended: each jet that was not moved with its own code and reason.

        Extension point.
        """
        moves = self.env["cx.tower.jet.transition"].search([("command_log_id", "=", self.id)], order="id")
        moved = moves.filtered(lambda move: move.state == DONE)
        failures = [tuple(refusal) for refusal in self.jet_refusals or ()]
        failures += [(move.jet_id.name, move.exit_code, move.message or "") for move in moves - moved]
        response = "\n".join(
            self.env._("“%(jet)s”: “%(action)s” succeeded.", jet=move.jet_id.name, action=move.action_name)
            for move in moved
        )
        if not failures:
            return RunEnd(int(ExitCode.OK), response=response)
        text = "\n".join(
            self.env._("“%(jet)s”: exit code %(code)s: %(reason)s", jet=name, code=code, reason=reason)
            for name, code, reason in failures
        )
        code = ExitCode.COMMAND_STOPPED if self.stop_requested_date else ExitCode.GENERAL_ERROR
        return RunEnd(int(code), message=text, response=response, error=text)

    # ------------------------------------------------------------------ what runs that wait are asked

    def _stop_waited(self, user):
        super()._stop_waited(user)
        self._moving()._stop(user)

    @api.model
    def _get_waited_for_conditions(self):
        condition = SQL(
            """EXISTS (SELECT FROM cx_tower_jet_transition moving
                        WHERE moving.command_log_id = log.id AND moving.state IN ('waiting', 'running'))"""
        )
        return [*super()._get_waited_for_conditions(), condition]

    def _get_waiting_texts(self):
        texts = super()._get_waiting_texts()
        for log, moves in self._moving().grouped("command_log_id").items():
            texts[log.id] = self.env._(
                "Waiting for the end of “%(action)s” on %(jets)s.",
                action=moves[0].action_name or "",
                jets=", ".join(f"“{name}”" for name in moves.sorted("id").jet_id.mapped("name")),
            )
        return texts


class CxTowerJetTransition(models.Model):
    """Runs wait for transitions."""

    _inherit = "cx.tower.jet.transition"

    def _on_transition_ended(self):
        result = super()._on_transition_ended()
        if self.command_log_id:
            self.command_log_id._moved_jet()
        return result


class CxTowerRunQueue(models.AbstractModel):
    """Runs whose transitions have ended without them."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _recover_followers(self):
        result = super()._recover_followers()
        self.env.cr.execute(
            """SELECT log.id FROM cx_tower_command_log log
                WHERE log.state = 'waiting' AND log.awaits_begin IS NOT TRUE
                  AND EXISTS (SELECT FROM cx_tower_jet_transition move WHERE move.command_log_id = log.id)
                  AND NOT EXISTS (SELECT FROM cx_tower_jet_transition move
                                   WHERE move.command_log_id = log.id AND move.state IN ('waiting', 'running'))
                ORDER BY log.id LIMIT 200 FOR UPDATE OF log SKIP LOCKED"""
        )
        logs = self._logs().browse(row[0] for row in self.env.cr.fetchall())
        self._do_each(
            logs.filtered(lambda log: log._moves_jets()),
            lambda log: log._moved_jet(),
            lambda log, error: log._record_end(log._end_of_moves().without_following(error)),
        )
        return result


class CxTowerJetAction(models.Model):
    """One action on jets, as runs that wait: for fleet runs."""

    _inherit = "cx.tower.jet.action"

    def _as_run(self):
        """Return (command, fields of the log) with which this action is run on jets of its template.

        Pass the fields as ``log_values`` of a :class:`RunRequest`. The runs begin when it is their turn, with the rights that the
        person then has on each jet.
        """
        self.ensure_one()
        # sudo: everybody may use Tower's own command; the rights of the person count when it begins
        return self.env.ref("cetmix_tower_jet.command_jet_action").sudo(), {"jet_action_id": self.id}
