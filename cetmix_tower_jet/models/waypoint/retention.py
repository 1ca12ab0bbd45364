import logging

from odoo import fields, models
from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says, heard
from odoo.addons.cetmix_tower_server.models.base.transactions import must_be_repeated
from odoo.tools import SQL

from ...engine.asking import LEVEL_OF_AUTHORS, UPKEEP, Asking
from ..transition.cx_tower_jet import IDLE, PROBLEM
from ..transition.refused import TransitionRefused
from .cx_tower_jet_waypoint import READY

_logger = logging.getLogger(__name__)


class CxTowerJet(models.Model):
    """Deleting waypoints of which there are newer ones, as many as their type keeps.

    Each deletion is a movement in which nobody is interested: it leaves the condition of the jet as it was, and what goes wrong
    is on the waypoint. If the process dies before the commit, nothing has begun; the end of the next movement begins it.
    """

    _inherit = "cx.tower.jet"

    def _upkeep(self):
        result = super()._upkeep()
        if not heard(self.env, "waypoint_retention"):  # else the loop below goes on by itself
            jet = self.with_context(**engine_says(waypoint_retention=True))
            while not jet._is_busy() and jet._delete_oldest_superfluous():
                pass
        return result

    def _delete_oldest_superfluous(self):
        """Begin to delete the oldest waypoint of which there are enough newer ones.

        :return: whether there was one, which is not ready any more
        """
        waypoint = self._oldest_superfluous()
        if not waypoint:
            return False
        person = self._person_for_upkeep(waypoint)
        if not person:
            text = self.env._(
                "There are enough newer ones, but nobody is left in whose name the delete plan could run."
            )
            waypoint._write_by_movement({"problem": text})
            return False
        try:
            with self.env.cr.savepoint():
                waypoint.with_user(person).sudo()._delete(Asking(LEVEL_OF_AUTHORS, UPKEEP))
        except TransitionRefused as refused:
            _logger.info("waypoint %s is not deleted now: %s", waypoint.id, refused)
            return False
        except Exception as error:
            if must_be_repeated(error):
                raise
            self.env.invalidate_all(flush=False)
            _logger.exception("waypoint %s, of which there are newer ones, cannot be deleted", waypoint.id)
            return False
        return waypoint.exists().state != READY

    def _oldest_superfluous(self):
        """Return the oldest ready waypoint that is beyond what its type keeps, and not marked to be kept; one query."""
        self.env["cx.tower.jet.waypoint"].flush_model()
        self.env["cx.tower.jet.waypoint.template"].flush_model(["keep_last"])
        rows = self.env.execute_query(
            SQL(
                """SELECT ready.id
                     FROM (SELECT waypoint.id, waypoint.keep, waypoint.ready_date, kind.keep_last,
                                  row_number() OVER (PARTITION BY kind.id
                                                     ORDER BY waypoint.ready_date DESC NULLS LAST, waypoint.id DESC) AS place
                             FROM cx_tower_jet_waypoint waypoint
                             JOIN cx_tower_jet_waypoint_template kind
                               ON kind.id = waypoint.waypoint_template_id AND kind.keep_last > 0
                            WHERE waypoint.jet_id = %s AND waypoint.state = 'ready') ready
                    WHERE ready.place > ready.keep_last AND ready.keep IS NOT TRUE
                    ORDER BY ready.ready_date NULLS FIRST, ready.id LIMIT 1""",
                self.id,
            )
        )
        return self.env["cx.tower.jet.waypoint"].browse(row[0] for row in rows)

    def _person_for_upkeep(self, waypoint):
        """Return the person in whose name a waypoint is deleted because there are newer ones; empty if nobody is left.

        Whose movement ended, else who created the waypoint, else the authors of its type, else Root: the first one who can use
        Tower. What the plan does was decided by its author, so the rights of the person on the waypoint do not count.
        """
        last, kind = self._last_transition().user_id, waypoint.waypoint_template_id
        people = [last, waypoint.create_uid, kind.write_uid, kind.create_uid]
        people += [
            *kind.jet_template_id.manager_ids,
            *self.env.ref("cetmix_tower_server.group_root").all_user_ids,
        ]
        for person in people:
            # Odoo's own user is archived by nature, and takes over nothing from people.
            may = person.active and person.has_group("cetmix_tower_server.group_user")
            if may or (person == last and person._is_superuser()):
                return person
        return self.env["res.users"]

    def _claim_values(self, action, asking, resumed):
        values = super()._claim_values(action, asking, resumed)
        return values | {"problem_before": self.last_problem or None} if asking.source == UPKEEP else values


class CxTowerJetTransition(models.Model):
    """Movements that nobody asked for."""

    _inherit = "cx.tower.jet.transition"

    problem_before = fields.Text(
        readonly=True,
        groups=fields.NO_ACCESS,
        help="What was the matter with the jet, which stays as it was.",
    )

    def _enter(self):
        self._show_problem_before()
        super()._enter()

    def _take_up_again(self):
        self._show_problem_before()
        super()._take_up_again()

    def _show_problem_before(self):
        if self.problem_before:  # the claim has cleared it
            self.jet_id._write_moves({"last_problem": self.problem_before})

    def _settle(self, outcome, was_waiting):
        super()._settle(outcome, was_waiting)
        if self.source == UPKEEP:
            self._leave_jet_as_it_was()

    def _leave_jet_as_it_was(self):
        problem = self.problem_before
        self.jet_id._write_moves({"movement": PROBLEM if problem else IDLE, "last_problem": problem or False})

    def _follow_end(self, outcome):
        if self.source == UPKEEP:
            self._on_transition_ended()
            self._offer_jet()
        else:
            super()._follow_end(outcome)

    def _end_without_following(self, error):
        super()._end_without_following(error)
        if self.source == UPKEEP:
            self._leave_jet_as_it_was()


class CxTowerPlanLog(models.Model):
    """Runs of delete plans that nobody asked for."""

    _inherit = "cx.tower.plan.log"

    def _notify_starter(self):
        # sudo: what began the run; nothing of it is shown
        if self.jet_transition_id.sudo().source != UPKEEP:
            super()._notify_starter()
