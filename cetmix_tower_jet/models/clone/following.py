import logging

from odoo import models
from odoo.addons.cetmix_tower_server.models.base.transactions import must_be_repeated
from odoo.exceptions import UserError

from ...engine.asking import TRANSFER
from .cx_tower_jet_transfer import CLONING, DESTROYING, DONE, FAILED, SWITCHING

_logger = logging.getLogger(__name__)


class CxTowerJetTransfer(models.Model):
    """How a transfer goes on. Everything happens in the transaction of the event that leads to it, as superuser."""

    _inherit = "cx.tower.jet.transfer"

    def _change(self, state, message="", **values):
        """Write the state of this transfer, and tell open screens of both jets."""
        ended = state in (DONE, FAILED)
        now = self.env.cr.now()
        self.write({"state": state, "message": message or False, "finish_date": ended and now, **values})
        (self.jet_id | self.new_jet_id)._announce()

    def _fail(self, reason):
        """End this transfer with a reason: nothing of the original has changed, or destroying it failed."""
        self._change(FAILED, reason)
        text = self.env._(
            "The transfer to “%(server)s” did not succeed: %(reason)s",
            server=self.server_id.name or "",
            reason=reason,
        )
        if self.jet_id:
            self.jet_id.message_post(body=text, author_id=self.user_id.partner_id.id or None)
        self._tell_person(text, is_problem=True)

    def _finish(self):
        """End this transfer: it has succeeded."""
        self._change(DONE)
        self._tell_person(
            self.env._(
                "“%(jet)s” was transferred to “%(server)s”.",
                jet=self.jet_name,
                server=self.server_id.name or "",
            )
        )

    def _tell_person(self, text, is_problem=False):
        """Notify the person who began this transfer of its end, as the settings say it for runs."""
        settings = self.env["cx.tower.settings"]._get()
        wanted = settings.notification_type_error if is_problem else settings.notification_type_success
        if wanted and self.user_id:
            self.user_id._bus_send(
                "simple_notification",
                {
                    "type": "danger" if is_problem else "success",
                    "title": self.env._("Transfer"),
                    "message": text,
                    "sticky": wanted == "sticky",
                },
            )

    def _guarded(self, do):
        """Do something for this transfer. If that fails, the transfer does, and not the event that led here.

        :raise Exception: another transaction was faster: the event is recorded again
        """
        try:
            with self.env.cr.savepoint():
                do()
        except Exception as error:
            if must_be_repeated(error):
                raise
            self.env.invalidate_all(flush=False)
            if not isinstance(error, UserError):
                _logger.exception("transfer %s could not go on", self.id)
            self._fail(str(error) or type(error).__name__)

    def _journey_ended(self, jet, problem):
        """Go on after the end of a journey of one of the two jets.

        :param problem: why its goal was not reached; "" when it was
        """
        if self.state == CLONING and jet == self.new_jet_id:
            if problem:
                self._fail(problem)
            else:
                self._guarded(self._go_on)
        elif self.state == DESTROYING and jet == self.jet_id:
            if problem or jet.active:
                self._fail(problem or self.env._("“%s” was not destroyed.", jet.name))
            else:
                self._finish()


class CxTowerJet(models.Model):
    """Transfers go on with the ends of journeys of their jets."""

    _inherit = "cx.tower.jet"

    def _on_journey_ended(self, transition, problem):
        result = super()._on_journey_ended(transition, problem)
        if transition.source == TRANSFER:
            for transfer in self.env["cx.tower.jet.transfer"]._of_jets(self):
                transfer._journey_ended(self, problem)
        return result

    def _on_is_available(self):
        result = super()._on_is_available()
        for transfer in self.env["cx.tower.jet.transfer"]._of_jets(self, (SWITCHING,)):
            if transfer.state == SWITCHING and not self._is_busy():
                transfer._guarded(transfer._go_on)
        return result

    def _accepts_new_links(self):
        """A jet that is to take the place of another one, or is being destroyed after it gave up its own, serves nobody else."""
        if not super()._accepts_new_links():
            return False
        live = self.env["cx.tower.jet.transfer"]._of_jets(self)
        return not any(one.new_jet_id == self or one.state == DESTROYING for one in live)

    def _check_may_be_deleted(self):
        super()._check_may_be_deleted()
        for transfer in self.env["cx.tower.jet.transfer"]._of_jets(self)[:1]:
            jet = self & (transfer.jet_id | transfer.new_jet_id).with_env(self.env)
            raise UserError(jet[0]._transferred_text(transfer))
        self._check_not_cloned_now()

    def _check_not_cloned_now(self):
        """Raise UserError while a clone plan reads one of these jets."""
        # sudo: clones that the caller may not read are read from, too; they are not named
        reading = (
            self.env["cx.tower.jet.transition"]
            .sudo()
            .search([("cloned_from_id", "in", self.ids), ("state", "in", ("waiting", "running"))], limit=1)
        )
        if reading:
            raise UserError(
                self.env._(
                    "“%s” cannot be deleted now: a clone of it is being made. Wait for that to end, or stop it.",
                    reading.cloned_from_id.name,
                )
            )
