import logging
from datetime import timedelta

from odoo import api, fields, models

from .cx_tower_jet_request import LIVE, NEW, PROCESSING

_logger = logging.getLogger(__name__)

BATCH = 200
CRON = "cetmix_tower_jet.ir_cron_look_after_jets"


class CxTowerJetTransition(models.Model):
    """The cron that looks after jets: what no event continues, and time limits."""

    _inherit = "cx.tower.jet.transition"

    @api.model
    def _cron_look_after_jets(self):
        """Continue or end what waits for an event that has been missed, and what has waited for too long."""
        requests = self.env["cx.tower.jet.request"].sudo()  # sudo: the engine's own maintenance
        for part in (
            self._continue_missed,
            requests._end_overdue,
            requests._look_again_at_all,
            self.sudo()._continue_without_requests,  # sudo: as above
        ):
            self.env["cx.tower.run.queue"]._do_in_savepoint(part, "a part of the cron of jets")

    @api.model
    def _continue_without_requests(self):
        """Continue transitions that wait although no request of theirs is live."""
        self.env.cr.execute(
            """SELECT waiting.id FROM cx_tower_jet_transition waiting
                WHERE waiting.state = 'waiting'
                  AND NOT EXISTS (SELECT FROM cx_tower_jet_request request
                                   WHERE request.transition_id = waiting.id AND request.state IN ('new', 'processing'))
                ORDER BY waiting.id LIMIT %s FOR UPDATE OF waiting SKIP LOCKED""",
            (BATCH,),
        )
        self.browse(row[0] for row in self.env.cr.fetchall())._continue_if_met()


class CxTowerJetRequest(models.Model):
    """Requests that have waited for too long, or whose event was missed."""

    _inherit = "cx.tower.jet.request"

    @api.model
    def _look_again_soon(self, at=None):
        """Have the cron look after jets after this transaction is committed, or at a time."""
        cron = self.env.ref(CRON, raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at)  # sudo: the engine's own cron

    @api.model
    def _end_overdue(self):
        """Fail the requests whose time limit is over."""
        timeout = self.env["cx.tower.settings"]._jet_request_timeout()
        now = fields.Datetime.now()
        overdue = self.search(
            [
                ("state", "in", LIVE),
                "|",
                ("transition_id.deadline", "<=", now),
                "&",
                ("transition_id", "=", False),
                ("create_date", "<=", now - timedelta(seconds=timeout)),
            ],
            order="id",
            limit=BATCH,
        )
        self.env["cx.tower.run.queue"]._do_each(
            overdue,
            lambda request: request._finalize(failed=True, message=request._overdue_text()),
            lambda request, _error: request._close(True, request._overdue_text()),
        )

    def _overdue_text(self):
        started = self.transition_id.start_date or self.create_date
        seconds = round((fields.Datetime.now() - started).total_seconds())
        values = {"state": self.state_requested_id.name, "seconds": seconds, "minutes": round(seconds / 60)}
        if seconds < 120:
            return self.env._("no jet was in state “%(state)s” within %(seconds)s seconds.", **values)
        return self.env._("no jet was in state “%(state)s” within %(minutes)s minutes.", **values)

    @api.model
    def _look_again_at_all(self):
        """Look again at new requests, and at those whose jet is idle or was deleted."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT request.id FROM cx_tower_jet_request request LEFT JOIN cx_tower_jet jet ON jet.id = request.jet_id
                WHERE request.state IN ('new', 'processing')
                  AND (request.state = 'new' OR jet.id IS NULL OR jet.current_transition_id IS NULL)
                ORDER BY request.id LIMIT %s FOR UPDATE OF request SKIP LOCKED""",
            (BATCH,),
        )
        found = self.browse(row[0] for row in self.env.cr.fetchall())
        missed = found.filtered(lambda request: request.state == PROCESSING)
        if missed:
            _logger.warning("requests %s missed the end of what their jets were busy with", missed.ids)
        found._look_again()

    def _look_again(self):
        """Choose anew what serves these requests."""
        live = self.filtered(lambda request: request.state in LIVE)
        live.write({"state": NEW, "jet_id": False})
        live._resolve()
