import logging

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import states
from ...engine.database_errors import may_succeed_later
from ..base.transactions import must_be_repeated
from .cx_tower_fleet_run import ACTIVE, RUNNING, STOPPING

_logger = logging.getLogger(__name__)

#: Members that end at the same moment in different processes do not see each other. With so few left that have their turn,
#: look again after the commit.
LAST_FEW = 8
NOT_SUCCEEDED = (states.FAILED, states.INTERRUPTED)
MEMBERS = {"command": SQL.identifier("cx_tower_command_log"), "plan": SQL.identifier("cx_tower_plan_log")}


class CxTowerFleetRun(models.Model):
    """Limits how many members of a fleet run are active at once by passing turns from one to the next.

    When the fleet run starts, the first members get a turn. The others are held: they exist but cannot be claimed. A member
    that ends passes its turn to the next held one in the transaction that records its end. So the limit holds for any number
    of processes, without counting under a lock. If the process dies before that commit, the end is not recorded either:
    the member's lease expires, and its end as *interrupted* passes the turn on.
    """

    _inherit = "cx.tower.fleet.run"

    # ------------------------------------------------------------------
    # Turns
    # ------------------------------------------------------------------

    def _give_first_turns(self, members):
        """Hold the members beyond the limit. Members that were refused count as failed."""
        self.ensure_one()
        waiting = members.filtered(lambda member: member.state in states.ACTIVE)
        self.start_date = fields.Datetime.now()
        self.failures = len((members - waiting).filtered(self._is_failure))
        self.flush_recordset()
        if self._has_failed_enough():
            self._hold(waiting)
            self._halt()
        elif self._find_to_begin(waiting.ids):
            self._hold(waiting)
            for _turn in range(self.concurrency_limit or len(waiting)):
                if self.is_halted or not self._pass_turn_on():
                    break
        elif self.concurrency_limit:
            self._hold(waiting[self.concurrency_limit :])
        self._end_if_nothing_is_left()

    def _hold(self, members):
        """Keep members, and the steps prepared inside them, from being claimed."""
        if not members:
            return
        self._set_held(members, True)
        self._set_held_inside(members.ids, held=True)

    def _pass_turn_on(self, lane=None):
        """Give the next held member its turn.

        Two processes that pick the same member collide, and one of them records its end again.

        :param lane: :class:`engine.run_end.Lane` of the member that has ended; None outside of lanes
        :return: whether there was a held member
        """
        while member_id := self._release_next():
            to_begin = self._find_to_begin([member_id])
            if not to_begin or self._begin_in_turn(member_id, to_begin):
                self.env["cx.tower.run.backend"]._chosen()._wake(lane=lane)
                return True
            if self.is_halted:
                return False
        return False

    def _release_next(self):
        """Release the next held member. :return: its id, None when there is none"""
        self.env.cr.execute(
            SQL(
                """UPDATE %(members)s SET is_held = FALSE
                    WHERE id = (SELECT id FROM %(members)s
                                 WHERE fleet_run_id = %(fleet)s AND is_held AND state = ANY(%(active)s)
                                 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING id""",
                members=MEMBERS[self.action],
                fleet=self.id,
                active=list(states.ACTIVE),
            ),
            log_exceptions=False,  # losing the race against another process is not an error
        )
        row = self.env.cr.fetchone()
        if not row:
            return None
        self._set_held_inside([row[0]], held=False)
        return row[0]

    def _find_to_begin(self, member_ids):
        """Return the waiting runs that begin with the turn of these members: members, or steps inside them; as superuser."""
        if not member_ids:
            return self.env["cx.tower.command.log"]
        is_member = SQL("log.id = ANY(%s)", list(member_ids)) if self.action == "command" else SQL("FALSE")
        rows = self.env.execute_query(
            SQL(
                """SELECT log.id FROM cx_tower_command_log log LEFT JOIN cx_tower_plan_log run ON run.id = log.plan_log_id
                    WHERE log.state = 'waiting' AND log.awaits_begin
                      AND (%s OR run.top_plan_log_id = ANY(%s))
                    ORDER BY log.id""",
                is_member,
                self._tops_sql(member_ids),
            )
        )
        # sudo: bookkeeping over all members, as in _members
        return self.env["cx.tower.command.log"].sudo().browse(row[0] for row in rows)

    def _begin_in_turn(self, member_id, to_begin):
        """Let the waiting runs of a member begin whose turn has come.

        Meanwhile the member counts as held: if it ends at once, its end does not pass the turn on, because whoever called
        this does. So a long row of such members is a loop, not a recursion.

        :return: whether the member is still active
        """
        member = self._members().browse(member_id)
        self._set_held(member, True)
        for log in to_begin:
            self.env["cx.tower.plan.log"].sudo()._carry_out(log._begin_or_end())  # sudo: as in _find_to_begin
        member.invalidate_recordset(["state"], flush=False)
        if member.state not in states.ACTIVE:
            return False
        self._set_held(member, False)
        return True

    def _set_held(self, members, held):
        members.flush_recordset()
        self.env.cr.execute(
            SQL("UPDATE %s SET is_held = %s WHERE id = ANY(%s)", MEMBERS[self.action], held, members.ids)
        )
        members.invalidate_recordset(["is_held"], flush=False)

    def _tops_sql(self, member_ids):
        """Return the ids of the outermost flight plan runs of these members, as an SQL array."""
        if self.action == "plan":
            return SQL("%s", list(member_ids))
        return SQL(
            """ARRAY(SELECT triggered_plan_log_id FROM cx_tower_command_log
                      WHERE id = ANY(%s) AND triggered_plan_log_id IS NOT NULL)""",
            list(member_ids),
        )

    def _set_held_inside(self, member_ids, held):
        """Hold or release the flight plan runs of these members and the steps prepared in them.

        The time limit of a flight plan starts with its turn.
        """
        tops = self._tops_sql(member_ids)
        now = SQL("(clock_timestamp() AT TIME ZONE 'UTC')")
        deadline = SQL("deadline") if held else SQL("deadline + (%s - queued_date)", now)
        self.env.cr.execute(
            SQL(
                "UPDATE cx_tower_plan_log SET is_held = %s, deadline = %s WHERE top_plan_log_id = ANY(%s)",
                held,
                deadline,
                tops,
            )
        )
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_command_log step SET is_held = %s FROM cx_tower_plan_log run
                    WHERE run.id = step.plan_log_id AND run.top_plan_log_id = ANY(%s) AND step.state = 'queued'""",
                held,
                tops,
            )
        )
        self.env["cx.tower.command.log"].invalidate_model(["is_held"], flush=False)
        self.env["cx.tower.plan.log"].invalidate_model(["is_held", "deadline"], flush=False)

    # ------------------------------------------------------------------
    # The end of a member
    # ------------------------------------------------------------------

    def _member_ended(self, member, lane=None):
        """Continue the fleet run after the end of a member, in the transaction that records that end.

        An error in here must not undo the record of what happened on the host; :meth:`_look_after` makes up for it.
        """
        # sudo: nobody has write access to fleet runs; the engine continues what was started
        fleet = self.sudo()
        if not fleet.start_date or (member.is_held and (fleet.is_halted or fleet.state == STOPPING)):
            return  # whoever starts it, or ends the held ones, continues it once for all of them
        had_turn = not member.is_held
        try:
            with self.env.cr.savepoint(flush=False):
                fleet._continue_after(fleet._is_failure(member), had_turn, lane)
        except Exception as error:
            if must_be_repeated(error):
                raise  # the database went away or another process was faster: the whole end is tried again
            _logger.exception("fleet run %s could not continue after run %s", self.id, member.id)
            self.env.invalidate_all(flush=False)

    def _continue_after(self, is_failure, had_turn, lane):
        halted = is_failure and self._count_failure()
        if halted:
            self._halt()
        elif had_turn and self.state == RUNNING and self._pass_turn_on(lane):
            return  # the next member is active, and its end leads here again
        self._end_if_nothing_is_left()

    @api.model
    def _is_failure(self, member):
        return member.state in NOT_SUCCEEDED

    def _count_failure(self):
        """Count a failed member. :return: whether the limit of failures has been reached"""
        self.env.cr.execute(
            "UPDATE cx_tower_fleet_run SET failures = failures + 1 WHERE id = %s",
            (self.id,),
            log_exceptions=False,  # losing the race against another process is not an error
        )
        self.invalidate_recordset(["failures"], flush=False)
        return self._has_failed_enough()

    def _has_failed_enough(self):
        if self.is_halted or self.state != RUNNING:
            return False
        by_number = self.stop_after_failures and self.failures >= self.stop_after_failures
        percent = self.failures * 100 / (self.server_count or 1)
        return bool(by_number or (self.stop_after_percent and percent >= self.stop_after_percent))

    def _halt(self):
        """Start no further members because too many failed. Active ones run to their end."""
        self.write({"is_halted": True})
        failures = self.failures
        self._end_held(
            self.env._("Not started: a server in the fleet run failed.")
            if failures == 1
            else self.env._("Not started: %(count)s servers in the fleet run failed.", count=failures)
        )

    def _end_held(self, text):
        """End the held members."""
        held = self._members().search(
            [("fleet_run_id", "=", self.id), ("is_held", "=", True), ("state", "in", states.ACTIVE)],
            order="id",
        )
        held._end_before_turn(text)

    def _member_model(self):
        """Return the model of this fleet run's members, as the caller."""
        return self.env["cx.tower.command.log" if self.action == "command" else "cx.tower.plan.log"]

    def _members(self):
        """Return the model of this fleet run's members, with all rights."""
        # sudo: internal bookkeeping over all members; people read them through the record rules of the logs
        return self._member_model().sudo()

    def _end_if_nothing_is_left(self):
        """End the fleet run when its last member has ended. Only the first end counts.

        Held members do not count as left over: whoever stops or halts the fleet run may be ending them in another
        transaction, which does not see the end of this member either.
        """
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """SELECT count(*) FROM (SELECT FROM %s WHERE fleet_run_id = %s AND state = ANY(%s)
                                            AND is_held IS NOT TRUE LIMIT %s) left_over""",
                MEMBERS[self.action],
                self.id,
                list(states.ACTIVE),
                LAST_FEW,
            )
        )
        left = self.env.cr.fetchone()[0]
        if not left and not self._has_active_members():
            self._finish()
        elif left < LAST_FEW:
            self._look_again_after_commit()

    def _look_again_after_commit(self):
        """Check for the end again after the commit: members ending now in other processes are invisible until then."""
        registry, fleet_id = self.env.registry, self.id

        def look():
            try:
                with registry.cursor() as cr:
                    # su: the end of a fleet run follows from that of its members, whoever started them
                    env = api.Environment(cr, self.env.uid, {}, su=True)
                    env[self._name].browse(fleet_id)._end_if_all_ended()
            except Exception as error:
                if not may_succeed_later(error):
                    raise
                # another process is ending it right now, or _look_after does it later

        self.env.cr.postcommit.add(look)

    def _end_if_all_ended(self):
        fleet = self.exists()
        if fleet.state in ACTIVE and not fleet._has_active_members():
            fleet._finish()

    def _has_active_members(self):
        self.env.cr.execute(
            SQL(
                "SELECT EXISTS (SELECT FROM %s WHERE fleet_run_id = %s AND state = ANY(%s))",
                MEMBERS[self.action],
                self.id,
                list(states.ACTIVE),
            )
        )
        return self.env.cr.fetchone()[0]

    def _finish(self):
        """End the fleet run with the state and message that follow from its members."""
        counts = self._count_states()
        failed = counts.get(states.FAILED, 0) + counts.get(states.INTERRUPTED, 0)
        stopped = counts.get(states.STOPPED, 0)
        if self.stop_requested_date:
            state = states.STOPPED
        elif failed or self.is_halted:
            state = states.FAILED
        else:
            state = states.STOPPED if stopped else states.DONE
        self.flush_recordset()
        self.env.cr.execute(
            """UPDATE cx_tower_fleet_run SET state = %s, message = %s, finish_date = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE id = %s AND state = ANY(%s)""",
            (state, self._end_message(counts, failed, stopped), self.id, list(ACTIVE)),
            log_exceptions=False,
        )
        ended = bool(self.env.cr.rowcount)
        self.invalidate_recordset(["state", "message", "finish_date"], flush=False)
        if ended:
            self._on_fleet_run_finished()

    def _on_fleet_run_finished(self):
        """Do what follows from the end of a fleet run, in its transaction. Extension point."""
        self._notify_starter()
        self._send_hint()

    def _send_hint(self):
        """Tell open screens that these fleet runs have changed. The message carries no content."""
        for fleet in self:
            fleet._bus_send("cetmix_tower_fleet_run", {"id": fleet.id})

    def _end_message(self, counts, failed, stopped):
        succeeded = counts.get(states.DONE, 0)
        skipped = counts.get(states.SKIPPED, 0)
        parts = [
            self.env._("%(count)s of %(total)s servers succeeded", count=succeeded, total=self.server_count)
        ]
        if skipped:
            parts.append(self.env._("%s had nothing to do", skipped))
        if failed:
            parts.append(self.env._("%s failed", failed))
        if stopped:
            parts.append(
                self.env._("%s not started", stopped) if self.is_halted else self.env._("%s stopped", stopped)
            )
        return ", ".join(parts) + "."

    def _count_states(self):
        """Return {state: number of members}, for one fleet run."""
        self.env.cr.execute(
            SQL(
                "SELECT state, count(*) FROM %s WHERE fleet_run_id = %s GROUP BY state",
                MEMBERS[self.action],
                self.id,
            )
        )
        return dict(self.env.cr.fetchall())

    def _notify_starter(self):
        """Notify the person who started the fleet run of its end, as configured in the settings."""
        settings = self.env["cx.tower.settings"]._get()
        succeeded = self.state == states.DONE
        wanted = settings.notification_type_success if succeeded else settings.notification_type_error
        if wanted:
            self.user_id._bus_send(
                "simple_notification",
                {
                    "type": self._notification_type(),
                    "title": self.name,
                    "message": self.message,
                    "sticky": wanted == "sticky" and not self._was_wanted(),
                },
            )

    # ------------------------------------------------------------------
    # Making up for what was missed
    # ------------------------------------------------------------------

    @api.model
    def _look_after(self):
        """Continue fleet runs that lost turns, and end those whose members have all ended (cron).

        Needed only after an error in Tower, or when the last two members ended at the same moment in two processes.
        An error in one fleet run affects neither the others nor the recovery of lost runs in the same transaction.
        """
        # sudo: maintenance by the cron, for all fleet runs
        for fleet in self.sudo().search([("state", "in", ACTIVE)]):
            self.env["cx.tower.run.queue"]._do_in_savepoint(fleet._look_after_one, f"looking after {fleet}")

    def _look_after_one(self):
        if not self._has_active_members():
            self._finish()
        elif self.state == RUNNING and not self.is_halted:
            self._make_up_for_lost_turns()

    def _make_up_for_lost_turns(self):
        self.env.cr.execute(
            SQL(
                """SELECT count(*) FILTER (WHERE NOT COALESCE(is_held, FALSE)), count(*) FILTER (WHERE is_held)
                     FROM %s WHERE fleet_run_id = %s AND state = ANY(%s)""",
                MEMBERS[self.action],
                self.id,
                list(states.ACTIVE),
            )
        )
        active, held = self.env.cr.fetchone()
        lost = min(max(self.concurrency_limit - active, 0), held)
        if not lost:
            return
        _logger.warning("fleet run %s: %s lost turns are assigned again", self.id, lost)
        # This write makes two processes that do this at the same moment collide instead of giving the turns twice.
        self.env.cr.execute("UPDATE cx_tower_fleet_run SET write_date = now() WHERE id = %s", (self.id,))
        for _turn in range(lost):
            self._pass_turn_on()
