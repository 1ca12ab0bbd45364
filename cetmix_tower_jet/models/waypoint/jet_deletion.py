from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says, heard
from odoo.exceptions import UserError

from ...engine.asking import Asking
from ..transition.cx_tower_jet import PROBLEM
from ..transition.cx_tower_jet_transition import DONE
from ..transition.refused import TransitionRefused
from .cx_tower_jet_waypoint import DELETED, DRAFT

#: Waypoints that a message names.
NAMED = 5


class CxTowerJet(models.Model):
    """Deleting a jet whose waypoints keep something on its host, such as backups.

    Their delete plans run first, as movements of the jet, one after the other. While they do, the intent is on the transition
    (``deletes_jet``), so a run that is resumed continues the deletion. When the last one has ended, the intent is on the jet
    (``deletion_user_id``): nothing takes the jet any more, and the cron deletes it at once, because what follows from the end
    still uses the record. If the process dies, the cron of the next process does it.
    """

    _inherit = "cx.tower.jet"

    deletion_user_id = fields.Many2one(
        "res.users",
        string="Being deleted by",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="Its waypoints are deleted, and the jet is about to be.",
    )

    @api.model
    def _get_engine_fields(self):
        return [*super()._get_engine_fields(), "deletion_user_id"]

    # ------------------------------------------------------------------ public

    def delete_with_waypoints(self):
        """Delete these jets after the delete plans of their waypoints, which remove what those keep on the hosts.

        The plans of a jet run one after the other, that of its current waypoint last. The first one that does not succeed ends
        the deletion of its jet, and the reason is on the jet; resume that run, or call this again.

        :return: True if all jets were deleted, False if at least one delete plan was started
        :raise AccessError: the caller may not delete one of them. The right to delete a jet includes its waypoints
        :raise UserError: one is busy, kept by its flight plans, or needed by another jet. Nothing was started
        """
        self.check_access("unlink")
        self._check_may_be_deleted()
        later = self.filtered(lambda jet: jet._waypoints_on_host())
        (self - later).unlink()
        for jet in later:
            try:
                # sudo: whoever may delete a jet deletes all that belongs to it
                jet._waypoints_on_host()[0]._delete(Asking(jet._level_of_caller()), of_jet=True)
            except TransitionRefused as refused:
                raise UserError(str(refused)) from refused
        return not later

    def delete_leaving_waypoints(self):
        """Delete these jets with the records of their waypoints. What the waypoints keep on the hosts stays there.

        :return: True
        :raise AccessError, UserError: as :meth:`delete_with_waypoints`
        """
        return self.with_context(**engine_says(jet_leaves_waypoints=True)).unlink()

    def action_delete(self):
        """Ask how these jets are deleted, if their waypoints keep something on a host.

        :return: window action; False if there is nothing to ask
        :raise AccessError: the caller may not read one of them
        :raise UserError: one of them cannot be deleted now
        """
        self.check_access("read")
        if not self._waypoints_on_host():
            return False
        self._check_may_be_deleted()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Delete Jets") if len(self) > 1 else self.env._("Delete “%s”", self.name),
            "res_model": "cx.tower.jet.delete.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_jet_ids": self.ids},
        }

    def unlink(self):
        self.check_access("unlink")
        self._check_no_waypoints_on_host()
        return super().unlink()

    # ------------------------------------------------------------------ what prevents it

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_waypoints_on_host(self):
        self._check_no_waypoints_on_host()

    def _waypoints_on_host(self):
        """Return the waypoints of these jets that keep something on a host, as superuser: the oldest first, the current ones last."""
        # sudo: whoever may delete a jet is told, or decides, about all that belongs to it
        found = (
            self.env["cx.tower.jet.waypoint"]
            .sudo()
            .search(
                [
                    ("jet_id", "in", self.ids),
                    ("state", "not in", [DRAFT, DELETED]),
                    ("waypoint_template_id.plan_delete_id", "!=", False),
                ],
                order="id",
            )
        )
        return found.sorted(lambda one: one.jet_id.waypoint_id == one)

    def _check_no_waypoints_on_host(self):
        """Raise UserError for the first of these jets whose waypoints keep something on its host, unless that was accepted."""
        if heard(self.env, "jet_leaves_waypoints"):
            return
        for jet in self._waypoints_on_host().jet_id[:1].with_env(self.env):
            raise UserError(
                self.env._(
                    "%s Either let their delete plans run first (delete_with_waypoints), or leave it there"
                    " (delete_leaving_waypoints).",
                    jet._on_host_text(),
                )
            )

    def _on_host_text(self):
        """Return a sentence that names the waypoints of this jet that keep something on its host; "" for none."""
        waypoints = self._waypoints_on_host()
        if not waypoints:
            return ""
        shown = waypoints.with_env(self.env)._filtered_access("read")
        names = [f"“{name}”" for name in shown[:NAMED].mapped("name")]
        others = len(waypoints) - len(names)
        if others:
            names.append(self.env._("%s more", others))
        return self.env._(
            "Waypoints of “%(jet)s” keep something on %(server)s, such as a backup: %(waypoints)s.",
            jet=self.name,
            server=self.server_id.sudo().name,  # sudo: where a jet is that the caller may read
            waypoints=", ".join(names),
        )

    def _deletion_on_hosts(self):
        texts = [jet._on_host_text() for jet in self]
        choice = self.env._(
            "Deleting it asks whether their delete plans run first, or whether it stays there."
        )
        return [*super()._deletion_on_hosts(), *[f"{text} {choice}" for text in texts if text]]

    # ------------------------------------------------------------------ while it is being deleted

    def _accepts_new_links(self):
        is_doomed = self.deletion_user_id or self.sudo().current_transition_id.deletes_jet  # sudo: whether
        return not is_doomed and super()._accepts_new_links()

    def _claim(self, action, asking, waits=False, resumed=None, **values):
        if self.deletion_user_id:
            text = self.env._("“%s” is being deleted.", self.name)
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_AVAILABLE, text)
        return super()._claim(action, asking, waits, resumed, **values)

    def _kept_of(self, taken_from):
        kept = super()._kept_of(taken_from)
        is_transition = bool(taken_from) and taken_from._name == "cx.tower.jet.transition"
        return kept | {"deletes_jet": True} if is_transition and taken_from.deletes_jet else kept

    def _check_may_continue(self, transition):
        super()._check_may_continue(transition)
        if transition.sudo().deletes_jet:  # sudo: what the run was a part of
            self.check_access("unlink")

    @api.model
    def _finish_deletions(self):
        """Delete the jets whose waypoints are deleted, with the rights that the people have now. Called by the cron."""
        doomed = self.with_context(active_test=False).search([("deletion_user_id", "!=", False)])
        self.env["cx.tower.run.queue"]._do_each(
            doomed,
            lambda jet: jet._finish_deletion(),
            lambda jet, error: jet._give_up_deletion(str(error)),
        )

    def _finish_deletion(self):
        person = self.deletion_user_id
        try:
            with self.env.cr.savepoint():
                if not (person.active or person._is_superuser()):
                    raise UserError(self.env._("%s has no access to Odoo any more.", person.name))
                self.with_user(person).unlink()
        except UserError as error:  # nothing to look for in the server log
            self._give_up_deletion(str(error))

    def _give_up_deletion(self, reason):
        text = self.env._("“%(jet)s” was not deleted: %(reason)s", jet=self.name, reason=reason)
        self._write_moves({"deletion_user_id": False, "movement": PROBLEM, "last_problem": text})
        self.message_post(body=text)


class CxTowerJetTransition(models.Model):
    """Movements that delete waypoints because their jet is to be deleted."""

    _inherit = "cx.tower.jet.transition"

    deletes_jet = fields.Boolean(readonly=True, help="The jet is deleted after its waypoints.")

    def _has_arrived(self):
        return not self._is_to_delete_on() and super()._has_arrived()

    def _is_to_delete_on(self):
        """Return whether the jet has further waypoints to be deleted with it."""
        return bool(self.deletes_jet and self.state == DONE and self.jet_id._waypoints_on_host())

    def _is_last_asked_for(self):
        return not self.deletes_jet and super()._is_last_asked_for()

    def _continue_journey(self):
        if not self._is_to_delete_on():
            return super()._continue_journey()
        if self.stop_requested_by_id:
            text = self.env._("Stopped by %s.", self.stop_requested_by_id.name)
            raise TransitionRefused(ExitCode.COMMAND_STOPPED, text)
        if not self.user_id:
            text = self.env._("The person who started it was deleted.")
            raise TransitionRefused(ExitCode.JET_STATE_ERROR, text)
        waypoint = self.jet_id._waypoints_on_host()[0].with_user(self.user_id)
        waypoint._delete(Asking(self.level or "1", self.source), of_jet=True)

    def _settle(self, outcome, was_waiting):
        super()._settle(outcome, was_waiting)
        if outcome == DONE and self.deletes_jet and not self._is_to_delete_on():
            if not self.user_id:
                self.jet_id._give_up_deletion(self.env._("The person who started it was deleted."))
                return
            self.jet_id._write_moves({"deletion_user_id": self.user_id.id})
            self.env["cx.tower.jet.request"]._look_again_soon()

    def _problem_on_jet(self):
        if not self.deletes_jet:
            return super()._problem_on_jet()
        return self.env._(
            "“%s” was not deleted, because one of its waypoints could not be deleted. See its waypoints.",
            self.jet_id.name,
        )

    @api.model
    def _cron_look_after_jets(self):
        super()._cron_look_after_jets()
        # sudo: the engine's own maintenance; each jet is deleted with the rights of the person
        jets = self.env["cx.tower.jet"].sudo()
        self.env["cx.tower.run.queue"]._do_in_savepoint(jets._finish_deletions, "the deletion of jets")
