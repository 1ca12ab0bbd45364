"""Which jet serves a request, and how a waiting transition goes on. Everything happens in the transaction of the event."""

import logging
from datetime import timedelta
from functools import partial

from odoo import fields, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.base.transactions import (
    GUARD_WAIT_S,
    brief_locks,
    must_be_repeated,
)
from odoo.exceptions import UserError

from ...engine.asking import LEVEL_OF_AUTHORS, REQUEST, Asking
from ...engine.choice import choose
from ..transition.cx_tower_jet_transition import FAILED as TRANSITION_FAILED
from ..transition.cx_tower_jet_transition import WAITING
from ..transition.refused import TransitionRefused
from .cx_tower_jet_request import LIVE, NEW, PROCESSING
from .needs import Wish

_logger = logging.getLogger(__name__)


class CxTowerJetRequest(models.Model):
    """Choosing what serves a request, and having it done."""

    _inherit = "cx.tower.jet.request"

    def _resolve(self):
        """Find what serves these new requests, in this order. Transitions that then wait for nothing more go on.

        The jets are looked at again whenever one was moved or created, since that may have led to anything.
        """
        candidates, to_look_at = None, list(self)
        for number, request in enumerate(to_look_at):
            if request.state != NEW:
                continue  # what was done for one before has ended it, or found its jet
            if candidates is None:
                rest = self.browse(one.id for one in to_look_at[number:] if one.state == NEW)
                candidates = rest._candidates()
            if request._serve(candidates[request.id]):
                candidates = None
        self.transition_id._continue_if_met()

    def _serve(self, candidates):
        """Have what serves this request done.

        :param candidates: [:class:`engine.choice.Candidate`]
        :return: whether jets were moved or created
        """
        person = self._person()
        if not person:
            self._finalize(failed=True, message=self.env._("the person who started it was deleted."))
            return True
        Jet, wish = self.env["cx.tower.jet"], self._wish()
        choice = choose(candidates, wish.state.id, lambda: not Jet._why_no_new_jet_for(wish))
        jet = Jet.browse(choice.jet_id or [])
        if choice.kind in ("ready", "on_its_way", "drive") and not jet._accepts_new_links():
            if not any(one.is_linked and one.id == jet.id for one in candidates):
                return self._serve([one for one in candidates if one.id != jet.id])
        if choice.kind in ("linked", "ready"):
            self.jet_id = jet
            self._close(failed=False)
            return False
        if choice.kind == "on_its_way":
            jet._meet_its_end()
            self.write({"state": PROCESSING, "jet_id": jet.id, "message": False})
            return False
        if choice.kind == "drive":
            self._do(partial(jet._serve_jet_request, self), {"state": PROCESSING, "jet_id": jet.id})
            return True
        if choice.kind == "wait":
            jet._meet_its_end()
            return False
        if choice.kind == "create":
            self._do(self._create_jet, {"state": PROCESSING})
            return True
        self._finalize(failed=True, message=Jet._refused_text(wish, candidates))
        return True

    def _do(self, move, values):
        """Move or create a jet for this request.

        :param move: called without arguments, in a savepoint
        :param values: of this request while that goes on
        """
        before = {name: self[name] for name in ("state", "jet_id")}
        self.write(values)
        try:
            with self.env.cr.savepoint():
                move()
        except TransitionRefused as refused:
            # somebody is just taking the jet: the cron looks again
            self.write({"state": NEW, "jet_id": before["jet_id"].id, "message": str(refused)})
            self._look_again_soon()
        except Exception as error:
            if must_be_repeated(error):
                raise
            if not isinstance(error, UserError):
                _logger.exception("jet request %s could not be served", self.id)
            self._finalize(failed=True, message=str(error))

    def _create_jet(self):
        """Create a jet for this request, as the person and with their rights, and bring it to the state.

        Of two transactions that do so for the same template at the same time, one collides, is tried again, and finds the jet of
        the other one.
        """
        person = self._person()
        with brief_locks(self.env, GUARD_WAIT_S):
            self.env.cr.execute(
                "UPDATE cx_tower_jet_template SET write_date = write_date WHERE id = %s",
                (self.jet_template_id.id,),
                log_exceptions=False,  # losing the race is not an error
            )
        template, server = self.jet_template_id.with_user(person), self.server_id.with_user(person)
        jet = template._create_new_jet(server, state=False).sudo()  # sudo: as any jet that serves a request
        self.jet_id = jet.with_env(self.env)
        self.jet_id._serve_jet_request(self)

    # ------------------------------------------------------------------ facts

    def _candidates(self):
        """Return {request id: [:class:`engine.choice.Candidate`]}: what could serve these requests."""
        return self.env["cx.tower.jet"]._candidates([request._wish() for request in self])

    def _wish(self):
        """Return the :class:`needs.Wish` of this request."""
        return Wish(
            key=self.id,
            template=self.jet_template_id,
            server=self.server_id,
            state=self.state_requested_id,
            person=self._person(),
            asker=self.requested_by_jet_id,
            need=self._need(),
            transition=self.transition_id,
            only=self.wanted_jet_id,
        )


class CxTowerJet(models.Model):
    """Serving requests."""

    _inherit = "cx.tower.jet"

    def _serve_jet_request(self, request):
        """Bring this jet to the state that a request asks for, as the person who needs it. Hook.

        :raise TransitionRefused: it is busy, or no way leads there
        """
        jet = self.with_user(request._person()).sudo()
        # sudo: the request was allowed; the author of the dependency decided that jets are driven
        jet._bring_to_state(
            request.state_requested_id.with_env(jet.env), Asking(level=LEVEL_OF_AUTHORS, source=REQUEST)
        )

    def _finalize_jet_request(self, request, failed=False, message=""):
        """End a request that this jet served. Hook."""
        request._finalize(failed=failed, message=message)

    def _meet_its_end(self):
        """Have the end of what this jet is busy with collide with this transaction, if it is being recorded at this moment.

        Otherwise that end would not see a request of this transaction, nor this transaction that end.
        """
        self.flush_recordset()
        with brief_locks(self.env, GUARD_WAIT_S, flush=False):
            self.env.cr.execute(
                "UPDATE cx_tower_jet SET current_transition_id = current_transition_id WHERE id = %s",
                (self.id,),
                log_exceptions=False,  # losing the race is not an error
            )


class CxTowerJetTransition(models.Model):
    """Waiting for dependencies."""

    _inherit = "cx.tower.jet.transition"

    def _ask_for_dependencies(self, needs):
        """Ask for the jets that this transition waits for. It goes on when they are there.

        :param needs: template dependencies that are not met
        """
        timeout = self.env["cx.tower.settings"]._jet_request_timeout()
        self.deadline = fields.Datetime.now() + timedelta(seconds=timeout)
        self.env["cx.tower.jet.request"]._look_again_soon(self.deadline)
        self._ask(needs)

    def _ask(self, needs):
        jet = self.jet_id
        jet._create_dependencies()
        links = {link.jet_template_dependency_id: link for link in jet.jet_requires_ids}
        # All of them exist before the first one is served, which may be at once.
        self.env["cx.tower.jet.request"].create(
            [
                {
                    "server_id": jet.server_id.id,
                    "jet_template_id": need.template_required_id.id,
                    "state_requested_id": need.state_required_id.id,
                    "requested_by_jet_id": jet.id,
                    "transition_id": self.id,
                    "for_dependency_id": links[need].id,
                }
                for need in needs
            ]
        )._resolve()

    def _continue_if_met(self):
        """Have those of these transitions go on that wait for no request any more.

        Each in a savepoint of its own: what goes wrong for one does not affect the others, nor the event that led here.
        """
        waiting = self.filtered(lambda one: one.state == WAITING)
        if not waiting:
            return
        live = self.env["cx.tower.jet.request"].search(
            [("transition_id", "in", waiting.ids), ("state", "in", LIVE)]
        )
        waiting -= live.transition_id
        # A jet may have left its state meanwhile.
        unmet = self.env["cx.tower.jet"]._unmet_before([one._leads_to() for one in waiting])
        Need = self.env["cx.tower.jet.template.dependency"]
        for transition in waiting:
            needs = Need.browse(unmet.get(transition.jet_id.id, ()))
            transition._guarded(partial(transition._go_on, needs))

    def _leads_to(self):
        """Return (jet id, id of the state or None, whether the create action leads there): for ``_unmet_before``. Extension point."""
        self.ensure_one()
        return self.jet_id.id, self.state_to_id.id or None, not self.state_from_id

    def _go_on(self, needs):
        """Enter, or ask for what is missing again.

        :param needs: template dependencies that are not met
        """
        if self.state != WAITING:
            return
        if not self.jet_id.active:
            text = self.env._("“%s” was archived while it waited for other jets.", self.jet_id.name)
            self._end(TRANSITION_FAILED, text)
        elif not needs:
            self._enter()
        elif self.deadline and self.deadline <= fields.Datetime.now():
            text = self.env._(
                "The jets that “%s” needs kept leaving their states. Try again.", self.jet_id.name
            )
            self._fail_waiting(text)
        else:
            self._ask(needs)

    def _fail_waiting(self, message):
        """Fail these transitions, if they still wait: a dependency cannot be met."""
        for transition in self.filtered(lambda one: one.state == WAITING):
            transition._guarded(
                partial(
                    transition._end,
                    TRANSITION_FAILED,
                    message,
                    ExitCode.JET_DEPENDENCIES_NOT_SATISFIED,
                )
            )

    def _guarded(self, do):
        """Do something for this transition. If that fails in Tower itself, only this transition ends.

        :raise Exception: another transaction was faster: the event that led here is recorded again
        """
        try:
            with self.env.cr.savepoint():
                do()
        except Exception as error:
            if must_be_repeated(error):
                raise
            self.env.invalidate_all(flush=False)
            _logger.exception("what follows for jet transition %s failed", self.id)
            self._end_without_following(error)
