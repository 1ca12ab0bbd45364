import logging

from odoo import api, models

from .cx_tower_jet_transfer import CLONING, DESTROYING, SWITCHING

_logger = logging.getLogger(__name__)

BATCH = 200


class CxTowerJetTransition(models.Model):
    """The cron that looks after jets looks after transfers."""

    _inherit = "cx.tower.jet.transition"

    @api.model
    def _cron_look_after_jets(self):
        super()._cron_look_after_jets()
        transfers = self.env["cx.tower.jet.transfer"].sudo()  # sudo: the engine's own maintenance
        self.env["cx.tower.run.queue"]._do_in_savepoint(transfers._look_again_at_all, "transfers of jets")


class CxTowerJetTransfer(models.Model):
    """Transfers that no event has continued."""

    _inherit = "cx.tower.jet.transfer"

    @api.model
    def _look_again_at_all(self):
        """Continue live transfers whose jets are idle, or gone: an end was missed, or a lock was held."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT transfer.id
                 FROM cx_tower_jet_transfer transfer
                 LEFT JOIN cx_tower_jet original ON original.id = transfer.jet_id
                 LEFT JOIN cx_tower_jet made ON made.id = transfer.new_jet_id
                WHERE transfer.state IN ('cloning', 'switching', 'destroying')
                  AND CASE transfer.state
                           WHEN 'cloning' THEN made.current_transition_id IS NULL
                           WHEN 'destroying' THEN original.current_transition_id IS NULL
                           ELSE made.current_transition_id IS NULL AND original.current_transition_id IS NULL END
                ORDER BY transfer.id LIMIT %s FOR UPDATE OF transfer SKIP LOCKED""",
            (BATCH,),
        )
        missed = self.browse(row[0] for row in self.env.cr.fetchall())
        self.env["cx.tower.run.queue"]._do_each(
            missed,
            lambda transfer: transfer._take_over_missed_end(),
            lambda transfer, error: transfer._fail(str(error) or type(error).__name__),
        )

    def _take_over_missed_end(self):
        if self.state != SWITCHING:  # that one waits for a lock, or for the original
            _logger.warning("transfer %s missed the end of what its jets were busy with", self.id)
        if self.state == DESTROYING:
            original = self.jet_id
            if original and original.active:
                self._fail(original.last_problem or self.env._("“%s” was not destroyed.", original.name))
            else:
                self._finish()
        elif self.state == CLONING and self.new_jet_id and not self.new_jet_id._is_filled():
            self._fail(self.new_jet_id.last_problem or self.env._("The clone plan did not succeed."))
        elif self.state == CLONING and self.new_jet_id.last_problem:
            self._fail(self.new_jet_id.last_problem)
        else:
            self._go_on()
