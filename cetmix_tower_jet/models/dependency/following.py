"""What follows for requests from the ends of transitions, and from other events that concern jets."""

import logging

from odoo import api, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.base.transactions import must_be_repeated

from ..transition import cx_tower_jet_transition as transitions
from .cx_tower_jet_request import FAILED, LIVE, NEW, PROCESSING

_logger = logging.getLogger(__name__)


class CxTowerJet(models.Model):
    """What follows for requests from what happens to a jet."""

    _inherit = "cx.tower.jet"

    def _on_journey_ended(self, transition, problem):
        result = super()._on_journey_ended(transition, problem)
        self._end_served_requests(transition._why_not_served(problem) if problem else "")
        return result

    def _end_served_requests(self, reason=""):
        """End the requests that this jet was on its way for: it is idle now.

        :param reason: why it did not get there; "" when its journey went well
        """
        # sudo: the engine's own rows
        served = (
            self.env["cx.tower.jet.request"]
            .sudo()
            .search([("jet_id", "=", self.id), ("state", "=", PROCESSING)], order="id")
        )
        if not served:
            return
        there = served.filtered(lambda request: request.state_requested_id == self.state_id)
        if there:
            self._finalize_jet_request(there)
        elsewhere = (served - there).filtered(lambda request: request.state in LIVE)
        if elsewhere and reason:
            self._finalize_jet_request(elsewhere, failed=True, message=reason)
        elif elsewhere:
            elsewhere._look_again()

    def _on_is_available(self):
        result = super()._on_is_available()
        self._look_at_new_requests()
        return result

    def _on_state_corrected(self):
        result = super()._on_state_corrected()
        self._end_served_requests()
        self._look_at_new_requests()
        return result

    def _look_at_new_requests(self):
        """Look at the requests again that this idle jet may serve. An error in that does not affect the event that led here."""
        requests = self._new_requests()
        if not requests:
            return
        try:
            with self.env.cr.savepoint():
                requests._resolve()
        except Exception as error:
            if must_be_repeated(error):
                raise
            self.env.invalidate_all(flush=False)
            _logger.exception("requests %s could not be looked at; the cron does that", requests.ids)

    def _new_requests(self):
        """Return the new requests that a jet of this template, on this server, may serve; the oldest first."""
        # sudo: the engine's own rows
        return (
            self.env["cx.tower.jet.request"]
            .sudo()
            .search(
                [
                    ("state", "=", NEW),
                    ("jet_template_id", "in", self.jet_template_id.ids),
                    "|",
                    ("server_id", "in", self.server_id.ids),
                    ("for_dependency_id.jet_template_dependency_id.where", "=", "any"),
                ],
                order="id",
            )
        )

    @api.model_create_multi
    def create(self, vals_list):
        jets = super().create(vals_list)
        # sudo: as _new_requests. Whoever creates them goes on with them, so they are looked at later.
        if jets.sudo()._new_requests():
            self.env["cx.tower.jet.request"]._look_again_soon()
        return jets

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") and self.sudo()._new_requests():  # sudo: as in create
            self.env["cx.tower.jet.request"]._look_again_soon()
        return result


class CxTowerJetTransition(models.Model):
    """What follows for requests from the end of a transition."""

    _inherit = "cx.tower.jet.transition"

    def _on_transition_ended(self):
        result = super()._on_transition_ended()
        # sudo: the engine's own rows
        asked = (
            self.env["cx.tower.jet.request"]
            .sudo()
            .search([("transition_id", "=", self.id), ("state", "in", LIVE)])
        )
        asked._close(True, self.env._("no longer needed: the action of “%s” has ended.", self.jet_id.name))
        return result

    def _why_not_served(self, problem):
        """Return the end of the sentence "“Shop” waits for “Database”: ..." for this transition, with which a journey ended.

        :param problem: what the journey failed with
        """
        if self.exit_code == ExitCode.JET_DEPENDENCIES_NOT_SATISFIED:
            return self._why_it_waited_in_vain(problem)
        texts = {
            transitions.DONE: self.env._("it is in state “%(state)s” and goes no further: %(problem)s"),
            transitions.STOPPED: self.env._("its action “%(action)s” was stopped: %(problem)s"),
            transitions.INTERRUPTED: self.env._("its action “%(action)s” was interrupted: %(problem)s"),
        }
        text = texts.get(self.state) or self.env._("its action “%(action)s” failed: %(problem)s")
        return text % {
            "state": self.jet_id.state_id.name or "",
            "action": self.action_name or "",
            "problem": problem,
        }

    def _why_it_waited_in_vain(self, problem):
        """Return the part of a chain that this transition adds, whose own request failed: "it waits for “Storage”: ..."."""
        # sudo: the engine's own rows
        failed = (
            self.env["cx.tower.jet.request"]
            .sudo()
            .search([("transition_id", "=", self.id), ("state", "=", FAILED)])
        )
        cause = failed.filtered(lambda request: request._failure_text() == self.message)[:1]
        if not cause:
            return problem
        return self.env._(
            "it waits for “%(needed)s”: %(reason)s", needed=cause._needed_name(), reason=cause.message or ""
        )
