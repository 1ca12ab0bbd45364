from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...engine import states
from .cx_tower_fleet_run import ACTIVE
from .turns import MEMBERS

PAGE_LIMIT = 500
NOT_SUCCEEDED = (states.FAILED, states.INTERRUPTED)
# What the screen tells apart; "held" is queued without having had its turn.
GROUPS = {
    "active": (states.QUEUED, states.RUNNING, states.WAITING),
    "failed": NOT_SUCCEEDED,
    "stopped": (states.STOPPED,),
    "done": (states.DONE, states.SKIPPED),
}


class CxTowerFleetRun(models.Model):
    """What people and scripts do with a fleet run: see how far it is, wait for it, stop it, repeat what failed."""

    _inherit = "cx.tower.fleet.run"

    progress = fields.Integer(compute="_compute_progress", string="Ended (%)")
    succeeded_count = fields.Integer(compute="_compute_progress", string="Succeeded")
    failed_count = fields.Integer(compute="_compute_progress", string="Failed")
    stopped_count = fields.Integer(compute="_compute_progress", string="Stopped or not started")
    active_count = fields.Integer(compute="_compute_progress", string="At work or waiting")

    def _compute_progress(self):
        """Two queries for any number of fleet runs; the counts are those of all members, whoever asks."""
        counts = {fleet.id: {} for fleet in self}
        for action, table in MEMBERS.items():
            ids = self.filtered(lambda fleet, action=action: fleet.action == action).ids
            if ids:
                self.env.cr.execute(
                    SQL(
                        "SELECT fleet_run_id, state, count(*) FROM %s WHERE fleet_run_id = ANY(%s) GROUP BY 1, 2",
                        table,
                        ids,
                    )
                )
                for fleet_id, state, count in self.env.cr.fetchall():
                    counts[fleet_id][state] = count
        for fleet in self:
            found = counts.get(fleet.id, {})
            group = {name: sum(found.get(state, 0) for state in members) for name, members in GROUPS.items()}
            total = sum(group.values())
            fleet.succeeded_count, fleet.failed_count = group["done"], group["failed"]
            fleet.stopped_count, fleet.active_count = group["stopped"], group["active"]
            fleet.progress = 100 * (total - group["active"]) // total if total else 100

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def read_progress(self, offset=0, limit=100, only=""):
        """Return how the fleet run stands, and its servers one by one.

        The number of queries does not grow with the number of servers.

        :param int offset: servers to leave out from the start
        :param int limit: servers to return at most, up to 500
        :param str only: "active", "failed", "stopped", "done"; "" for all
        :return: dict: ``id``, ``reference``, ``name``, ``state``, ``finished``, ``message``, ``duration`` (s), ``concurrency_limit``,
            ``stop_after_failures``, ``stop_after_percent``, ``is_halted``, ``can_stop``, ``can_retry``, ``retry`` ({"failed", "unfinished"}:
            on how many servers the caller may repeat it), ``total``, ``counts`` ({"active", "held", "failed", "stopped", "done"}), ``matching`` (servers that ``only`` lets through) and ``rows``: list of
            ``model``, ``log_id``, ``server``, ``server_id``, ``state``, ``is_held``, ``exit_code``, ``message``, ``duration``, ``steps_done``,
            ``steps_total`` (0 for a command), ``step`` (name of what is at work). Servers whose runs the caller may not read are
            counted, not listed.
        :raise AccessError: the caller may not read the fleet run
        """
        self.ensure_one()
        self.check_access("read")
        wanted = GROUPS.get(only)
        domain = [("fleet_run_id", "=", self.id)]
        if wanted:
            domain.append(("state", "in", wanted))
        Member = self.env["cx.tower.command.log" if self.action == "command" else "cx.tower.plan.log"]
        members = Member.search(
            domain,
            offset=max(0, int(offset or 0)),
            limit=min(max(1, int(limit or 1)), PAGE_LIMIT),
            order="id",
        )
        fleet = self.sudo()  # sudo: of the fleet run itself, whose access was checked
        retry = self._retry_counts()
        return {
            **fleet._state_values(),
            "name": fleet.name,
            "concurrency_limit": fleet.concurrency_limit,
            "stop_after_failures": fleet.stop_after_failures,
            "stop_after_percent": fleet.stop_after_percent,
            "is_halted": fleet.is_halted,
            "can_stop": fleet.state in ACTIVE and self._may_stop(),
            "can_retry": any(retry.values()),
            "retry": retry,
            "total": fleet.server_count,
            "matching": Member.search_count(domain),
            "rows": self._progress_rows(members),
        }

    def _progress_rows(self, members):
        is_plan = self.action == "plan"
        rows = members.sudo()  # sudo: the rules of the logs were applied when they were searched
        rows.fetch(
            [
                "server_id",
                "kept_server_name",
                "state",
                "is_held",
                "message",
                "start_date",
                "finish_date",
                "duration",
            ]
        )
        rows.server_id.fetch(["name"])
        at_work = self._steps_at_work(members.ids) if is_plan else {}
        return [
            {
                "model": members._name,
                "log_id": row.id,
                "server": row.server_name,
                "server_id": row.server_id.id,
                "state": row.state,
                "is_held": row.is_held,
                "exit_code": row.plan_status if is_plan else row.command_status,
                "message": row.message or "",
                "duration": row.duration_current,
                "steps_done": row.steps_done if is_plan else 0,
                "steps_total": row.steps_total if is_plan else 0,
                "step": at_work.get(row.id, ""),
            }
            for row in rows
        ]

    def _steps_at_work(self, plan_log_ids):
        """Return {outermost plan run: name of the command at work in it}. Names are no secrets, codes may be."""
        self.env.cr.execute(
            """SELECT DISTINCT ON (run.top_plan_log_id) run.top_plan_log_id, command.name
                 FROM cx_tower_plan_log run
                 JOIN cx_tower_command_log step ON step.plan_log_id = run.id AND step.state IN ('queued', 'running')
                 JOIN cx_tower_command command ON command.id = step.command_id
                WHERE run.top_plan_log_id = ANY(%s) AND run.state IN ('queued', 'running', 'waiting')
                ORDER BY run.top_plan_log_id, step.id DESC""",
            (list(plan_log_ids),),
        )
        return dict(self.env.cr.fetchall())

    def _state_values(self):
        """Return how a fleet run stands, as plain values that every RPC protocol can carry."""
        end = self.finish_date or fields.Datetime.now()
        return {
            "id": self.id,
            "reference": self.reference,
            "state": self.state,
            "finished": self.state not in ACTIVE,
            "message": self.message or "",
            "duration": max(0.0, (end - self.start_date).total_seconds()),
            "stop_requested_by": self.stop_requested_by_id.name or "",
            "counts": {
                "active": self.active_count,
                "held": self._members().search_count(
                    [
                        ("fleet_run_id", "=", self.id),
                        ("is_held", "=", True),
                        ("state", "in", states.ACTIVE),
                    ]
                ),
                "failed": self.failed_count,
                "stopped": self.stopped_count,
                "done": self.succeeded_count,
            },
        }

    # ------------------------------------------------------------------
    # Stopping
    # ------------------------------------------------------------------

    def stop(self):
        """Ask for the end of these fleet runs: servers whose turn has not come are left alone, the others' runs are stopped.

        :return: True
        :raise AccessError: unless the caller started it, manages all of its servers or is Root
        """
        self._check_may_stop()
        # sudo: nobody may write runs; the right to stop was checked
        active = self.sudo().filtered(lambda fleet: fleet.state in ACTIVE)
        self.env["cx.tower.run.stop"]._ask(active, self.env.user)
        return True

    def action_stop(self):
        """Ask for the end of these fleet runs (button)."""
        return self.stop()

    def _check_may_stop(self):
        """Raise AccessError unless the caller may stop these fleet runs.

        Source: access matrix, "Actions are rights too": who started it, Managers of the servers, Root.
        """
        self.check_access("read")
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        user = self.env.user
        for fleet in self.sudo():  # sudo: only to compare roles of the servers with the caller
            if fleet.user_id != user and not all(user in server.manager_ids for server in fleet.server_ids):
                raise AccessError(
                    self.env._(
                        "You may not stop “%s”: only the person who started it, managers of all its servers and Root"
                        " may. You may stop the runs on your own servers one by one.",
                        fleet.name,
                    )
                )

    def _may_stop(self):
        try:
            self._check_may_stop()
        except AccessError:
            return False
        return True

    # ------------------------------------------------------------------
    # Repeating
    # ------------------------------------------------------------------

    def retry_failed(self, include_not_started=True):
        """Run the same again, as it is defined now, on the servers where it failed; with the same own values and limits.

        :param bool include_not_started: also where it was stopped or never had its turn
        :return: dict ``id``, ``reference``, ``state``, ``servers`` of the new fleet run
        :raise AccessError: the caller may not run that there
        :raise UserError: it has not ended, or there is nothing to repeat
        """
        return self._retry(include_not_started)._start_result()

    def action_retry_failed(self):
        """Run it again where it failed, and open the new fleet run (button)."""
        return self._retry(include_not_started=False)._action_open()

    def action_retry_all_unfinished(self):
        """Run it again where it failed, was stopped or never had its turn, and open the new fleet run (button)."""
        return self._retry(include_not_started=True)._action_open()

    def _what(self):
        """Return the command or the flight plan that is run."""
        return self.command_id if self.action == "command" else self.plan_id

    def _repeatable_servers(self, wanted):
        """Return the servers with a run in one of these states on which the caller may repeat it: of runs that he sees.

        Own values are for those who may write the server.
        """
        if not self.sudo()._what().with_env(self.env)._filtered_access("read"):
            return self.env["cx.tower.server"]
        # not _members(): the rules of the logs say whose runs these are
        Member = self.env["cx.tower.command.log" if self.action == "command" else "cx.tower.plan.log"]
        members = Member.search([("fleet_run_id", "=", self.id), ("state", "in", wanted)], order="id")
        # sudo: which servers; access is filtered in the next line
        servers = members.sudo().server_id.with_env(self.env)
        return servers._filtered_access("write" if self.sudo().variable_values else "read")

    def _retry_counts(self):
        """Return on how many servers the caller may repeat it, as the buttons show it; 0 until it has ended."""
        if self.sudo().state in ACTIVE:
            return {"failed": 0, "unfinished": 0}
        return {
            "failed": len(self._repeatable_servers(NOT_SUCCEEDED)),
            "unfinished": len(self._repeatable_servers((*NOT_SUCCEEDED, states.STOPPED))),
        }

    def _retry(self, include_not_started):
        self.ensure_one()
        self.check_access("read")
        # sudo: what ran and where; that the caller may run it there is checked when it starts
        fleet = self.sudo()
        if fleet.state in ACTIVE:
            raise UserError(self.env._("“%s” has not ended. Wait for its end or stop it.", fleet.name))
        wanted = NOT_SUCCEEDED + ((states.STOPPED,) if include_not_started else ())
        if not self._members().search_count(
            [("fleet_run_id", "=", self.id), ("state", "in", wanted)], limit=1
        ):
            raise UserError(self.env._("There is no server left on which “%s” did not succeed.", fleet.name))
        if not fleet._what():
            raise UserError(self.env._("“%s” cannot be run again: what it ran was deleted.", fleet.name))
        servers = self._repeatable_servers(wanted)
        if not servers:
            raise AccessError(
                self.env._(
                    "You may not repeat “%s” on any of the servers where it did not succeed. Ask the person who"
                    " started it, Managers of these servers, or Root.",
                    fleet.name,
                )
            )
        what = fleet._what()
        limits = {
            name: fleet[name] for name in ("concurrency_limit", "stop_after_failures", "stop_after_percent")
        }
        return self._start(
            servers,
            **{fleet.action: what.with_env(self.env)},
            limits=limits,
            variable_values=fleet.variable_values or {},
            label=fleet.label,
            retry_of_id=fleet.id,
            **(fleet.run_input or {}),
        )

    # ------------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------------

    def _action_open(self):
        """Return the action that shows this fleet run."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Fleet Run"),
            "res_model": self._name,
            "view_mode": "form",
            "views": [(False, "form")],
            "res_id": self.id,
            "context": {"active_id": False},
        }

    def action_open_members(self):
        """Open the runs of this fleet run in their list.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        xmlid = "action_cx_tower_command_log" if self.action == "command" else "action_cx_tower_plan_log"
        action = self.env["ir.actions.act_window"]._for_xml_id(f"cetmix_tower_server.{xmlid}")
        return action | {"domain": [("fleet_run_id", "=", self.id)], "context": {}}
