from odoo import models
from odoo.exceptions import UserError

from ...engine.asking import TRANSFER


class CxTowerJet(models.Model):
    """Transferring a jet to another server: it is cloned there, and then the clone takes its place."""

    _inherit = "cx.tower.jet"

    # ------------------------------------------------------------------ public

    def transfer(self, server, destroy_original=False):
        """Transfer this jet to another server. Nothing of it changes before the new jet is in its state there.

        :param server: record, id or reference of the server
        :param destroy_original: destroy what is left on the present server as soon as the new jet has taken the place of this one
        :return: dict: ``transfer`` (id), ``state``, ``jet`` and ``jet_id`` (this one), ``new_jet`` and ``new_jet_id``, ``message``
        :raise AccessError: the caller may not write this jet, launch jets of its template, read the server, or use the actions
        :raise ValidationError: the template has no clone plan for other servers; unknown server
        :raise UserError: it is on that server, is being transferred, or cannot be cloned there
        """
        self.ensure_one()
        self.check_access("read")
        server = self.env["cx.tower.server"]._one_named(server)
        server.check_access("read")
        self._check_may_transfer(server, destroy_original)
        with self.env.cr.savepoint():
            transfer = self._begin_transfer(server, destroy_original)
        return transfer._result()

    # ------------------------------------------------------------------ what must hold

    def _check_may_transfer(self, server, destroy_original=False):
        """Raise unless the caller, who may read this jet, can transfer it to a server now."""
        self.check_access("write")
        jet = self.sudo()  # sudo: names, and how the jet stands
        if server.id == jet.server_id.id:
            raise UserError(
                self.env._("“%(jet)s” is already on “%(server)s”.", jet=jet.name, server=jet.server_id.name)
            )
        self._check_may_clone(server)
        live = self.env["cx.tower.jet.transfer"]._of_jets(self)
        if live:
            raise UserError(self._transferred_text(live[0]))
        if destroy_original:
            self._check_may_destroy()

    def _check_may_destroy(self):
        """Raise unless the caller can destroy this jet where it is, or where its action leads."""
        state = self._settled_state()
        level = self._level_of_caller()
        template = self.sudo().jet_template_id  # sudo: which actions there are
        if state and template._lifecycle(level).path(state.id, None) is None:
            none = self.env["cx.tower.jet.state"]
            raise UserError(self.sudo()._no_path_text(none, level))  # sudo: names of states

    def _transferred_text(self, transfer):
        """Return the sentence that this jet is part of a live transfer."""
        return self.env._(
            "“%(jet)s” is being transferred to “%(server)s” (%(state)s). Wait for it to end, or cancel it.",
            jet=self.sudo().name,  # sudo: a jet that the caller may read
            server=transfer.server_id.name or "",
            state=transfer._state_label(),
        )

    # ------------------------------------------------------------------ the beginning

    def _begin_transfer(self, server, destroy_original):
        """Create the new jet and begin. The caller may transfer this jet.

        This jet's row is changed, so of two transfers that begin at the same moment one collides, is tried again, and sees the other.

        :return: transfer, as superuser
        """
        original = self.sudo()  # sudo: the right to transfer was checked
        original._meet_its_end()
        goal = self._settled_state()
        jet = self._create_clone(server, goal, copy_values=True, suffix=self.env._("(transfer)"), tasks=False)
        jet.sudo().scheduled_task_ids = (
            False  # sudo: of a jet that the engine has created; they follow at the switch
        )
        Transfer = self.env["cx.tower.jet.transfer"].sudo()  # sudo: rows are written by the engine only
        transfer = Transfer.create(
            {
                "jet_id": self.id,
                "new_jet_id": jet.id,
                "jet_name": original.name,
                "server_from_id": original.server_id.id,
                "server_id": server.id,
                "user_id": self.env.user.id,
                "level": self._level_of_caller(),
                "destroy_original": bool(destroy_original),
                "copied_values": original._own_values_document(),
            }
        )
        original._message_log(
            body=self.env._(
                "The transfer to “%s” began. Until the new jet takes its place, nothing changes here.",
                server.name,
            )
        )
        jet._begin_clone(goal, TRANSFER)
        return transfer
