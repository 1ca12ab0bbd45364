from odoo import models
from odoo.exceptions import UserError
from psycopg2.errors import UniqueViolation

from ...engine.asking import TRANSFER
from ..transition.refused import TransitionRefused
from .cx_tower_jet_transfer import CLONING, DESTROYING, DONE, FAILED, SWITCHING


class CxTowerJetTransfer(models.Model):
    """Continuing a transfer that failed, ending one that waits, and destroying what was left."""

    _inherit = "cx.tower.jet.transfer"

    def retry(self):
        """Continue this failed transfer where it failed: the clone plan, the way to the state, the switch, or destroying.

        :return: dict as of ``cx.tower.jet.transfer``: ``transfer``, ``state``, ``jet``, ``jet_id``, ``new_jet``, ``new_jet_id``, ``message``
        :raise AccessError: the caller may not transfer the jet
        :raise UserError: it did not fail, one of the jets is gone or busy, or another transfer has followed
        """
        transfer = self._for_caller()
        reason = transfer._why_no_retry()
        if reason:
            raise UserError(reason)
        jet = transfer.jet_id.with_env(self.env)
        if not transfer.switch_date:
            server = transfer.server_id.with_env(self.env)
            server.check_access("read")  # as in transfer(): somebody else may have begun it
            jet._check_may_clone(server)
        if transfer.destroy_original or transfer.switch_date:
            jet._check_may_destroy()
        transfer._begin_again(jet._level_of_caller())
        return transfer._result()

    def cancel(self):
        """End this transfer while it waits to switch. The new jet stays, and can be deleted or used.

        :return: dict as of :meth:`retry`
        :raise AccessError: the caller may not transfer the jet
        :raise UserError: it does not wait
        """
        transfer = self._for_caller()
        if transfer.state != SWITCHING:
            raise UserError(
                self.env._(
                    "“%(transfer)s” does not wait to switch (%(state)s). To end what runs, stop it on the jet.",
                    transfer=transfer.display_name,
                    state=transfer._state_label(),
                )
            )
        transfer._fail(self.env._("Cancelled by %s.", self.env.user.name))
        return transfer._result()

    def destroy_old_jet(self):
        """Destroy what is left of the original after this transfer.

        :return: dict as of :meth:`retry`
        :raise AccessError: the caller may not transfer the jet
        :raise UserError: it has not switched, or the original cannot be destroyed
        """
        transfer = self._for_caller()
        jet = transfer.jet_id.with_env(self.env)
        if (
            transfer.state != DONE or not transfer.switch_date or not jet.sudo().state_id
        ):  # sudo: how it stands
            raise UserError(self.env._("Nothing of the original is left to destroy."))
        jet._check_may_destroy()
        transfer.write(
            {"user_id": self.env.user.id, "level": jet._level_of_caller(), "destroy_original": True}
        )
        transfer._in_one_piece(transfer._destroy_original)
        return transfer._result()

    def action_retry(self):
        """Try again (button). :raise: as :meth:`retry`"""
        self.retry()
        return True

    def action_cancel(self):
        """Cancel (button). :raise: as :meth:`cancel`"""
        self.cancel()
        return True

    def action_destroy_original(self):
        """Destroy the original (button). :raise: as :meth:`destroy_old_jet`"""
        self.destroy_old_jet()
        return True

    # ------------------------------------------------------------------ what must hold

    def _for_caller(self):
        """Return this transfer as superuser. The caller may read it and write its original.

        :raise UserError: the original was deleted
        """
        self.ensure_one()
        self.check_access("read")
        transfer = (
            self.sudo()
        )  # sudo: rows are written by the engine only; the right to the jet is checked next
        if not transfer.jet_id:
            raise UserError(self.env._("The original was deleted."))
        transfer.jet_id.with_env(self.env).check_access("write")
        return transfer

    def _why_no_retry(self, last=None):
        """Return why this transfer cannot be continued, as a sentence; "" if it can.

        :param last: as of ``_last_of_originals``; None: it is looked up
        """
        original, new = self.jet_id, self.new_jet_id
        if self.state != FAILED:
            return self.env._(
                "“%(transfer)s” did not fail (%(state)s).",
                transfer=self.display_name,
                state=self._state_label(),
            )
        if not original or not new:
            return self.env._("One of its jets was deleted. Begin a new transfer.")
        if (self._last_of_originals() if last is None else last)[original] != self.id:
            return self.env._("Another transfer of “%s” has followed.", original.name)
        moving = original if self.switch_date else new
        if moving._is_busy():
            return self.env._("“%(jet)s” is busy: %(busy)s.", jet=moving.name, busy=moving._busy_text())
        if not self.switch_date and not (original.active and new.active):
            return self.env._("One of its jets is archived. Begin a new transfer.")
        return ""

    # ------------------------------------------------------------------ continuing

    def _begin_again(self, level):
        """Continue this transfer in the name of the caller.

        :param level: highest access level of the actions that it may use
        """
        self.write({"user_id": self.env.user.id, "level": level})
        if not self.switch_date:
            self._in_one_piece(self._clone_again)
        elif self.jet_id.active and self.jet_id.state_id:
            self._in_one_piece(self._destroy_original)
        else:
            self._finish()

    def _in_one_piece(self, do):
        """Do something that makes this transfer live. :raise UserError: another one is, or it is refused"""
        try:
            with self.env.cr.savepoint():
                do()
        except UniqueViolation as error:
            raise UserError(self.env._("Another transfer of “%s” has just begun.", self.jet_name)) from error
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused

    def _clone_again(self):
        """Continue with the first part that is missing: the clone plan, the way to the state, or the switch."""
        self._change(CLONING)
        self.flush_recordset()
        new = self.new_jet_id.with_user(self.env.user).sudo()  # sudo: as all that the transfer does
        if not new._is_filled():
            goal = self.jet_id.with_env(self.env)._settled_state().sudo()  # sudo: as the jet
            new._begin_clone(goal, TRANSFER, level=self.level)
        else:
            self._go_on()

    def _resumed(self, jet):
        """Make the failed transfer live again to which a run belongs that is resumed, if it can still be continued.

        :param jet: jet of the run
        """
        # sudo: the engine's own rows
        last = self.sudo().search(["|", ("jet_id", "=", jet.id), ("new_jet_id", "=", jet.id)], limit=1)
        original, new = last.jet_id, last.new_jet_id
        if last.state != FAILED or not original or not new:
            return
        if self.sudo().search_count([("jet_id", "=", original.id), ("id", ">", last.id)]):  # sudo: as above
            return
        if jet == new and not last.switch_date:
            last._change(CLONING)
        elif jet == original and last.switch_date:
            last._change(DESTROYING)


class CxTowerJetTransition(models.Model):
    """A transfer is live again when the run with which it failed is resumed."""

    _inherit = "cx.tower.jet.transition"

    def _take_up_again(self):
        super()._take_up_again()
        if self.source == TRANSFER:
            self.env["cx.tower.jet.transfer"]._resumed(self.jet_id)


class CxTowerJet(models.Model):
    """A clone that a transfer has made is tried again by the transfer."""

    _inherit = "cx.tower.jet"

    def retry_clone(self):
        self.ensure_one()
        self.check_access("read")
        failed = self.env["cx.tower.jet.transfer"]._of_jets(self, (FAILED,))
        failed = failed.filtered(
            lambda one: one.new_jet_id == self and not one.switch_date and not one._why_no_retry()
        )
        if not failed or self._why_no_retry():
            return super().retry_clone()
        failed[0].with_env(self.env).retry()
        return self._last_clone()._trigger_result()
