from odoo import fields, models
from odoo.tools import SQL

from ...engine import states
from .cx_tower_fleet_run import ACTIVE
from .turns import MEMBERS, NOT_SUCCEEDED

PAGE_LIMIT = 500
#: The groups of states that the screen distinguishes. A held run is queued and counts as active.
GROUPS = {
    "active": (states.QUEUED, states.RUNNING, states.WAITING),
    "failed": NOT_SUCCEEDED,
    "stopped": (states.STOPPED,),
    "done": (states.DONE, states.SKIPPED),
}


class CxTowerFleetRun(models.Model):
    """How far a fleet run is, for screens and scripts."""

    _inherit = "cx.tower.fleet.run"

    progress = fields.Integer(compute="_compute_progress", string="Progress (%)")
    succeeded_count = fields.Integer(compute="_compute_progress", string="Succeeded")
    failed_count = fields.Integer(compute="_compute_progress", string="Failed")
    stopped_count = fields.Integer(compute="_compute_progress", string="Stopped or not started")
    active_count = fields.Integer(compute="_compute_progress", string="Running or waiting")

    def _compute_progress(self):
        """Two queries for any number of fleet runs. All members are counted, also those the caller may not read."""
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

    def read_progress(self, offset=0, limit=100, only=""):
        """Return the state of the fleet run and a page of its servers.

        The number of queries does not grow with the number of servers.

        :param int offset: number of servers to skip
        :param int limit: number of servers to return, at most 500
        :param str only: "active", "failed", "stopped", "done"; "" for all
        :return: dict: ``id``, ``reference``, ``name``, ``state``, ``finished``, ``message``, ``duration`` (s),
            ``concurrency_limit``, ``stop_after_failures``, ``stop_after_percent``, ``is_halted``, ``can_stop``, ``can_retry``,
            ``retry`` ({"failed", "unfinished"}: on how many servers the caller may retry it), ``total``,
            ``counts`` ({"active", "held", "failed", "stopped", "done"}), ``matching`` (number of servers that match ``only``)
            and ``rows``: list of ``model``, ``log_id``, ``server``, ``server_id``, ``state``, ``is_held``, ``exit_code``,
            ``message``, ``duration``, ``steps_done``, ``steps_total`` (0 for a command), ``step`` (name of the running
            command). Servers whose runs the caller may not read are counted but not listed.
        :raise AccessError: the caller may not read the fleet run
        """
        self.ensure_one()
        self.check_access("read")
        wanted = GROUPS.get(only)
        domain = [("fleet_run_id", "=", self.id)]
        if wanted:
            domain.append(("state", "in", wanted))
        Member = self._member_model()
        members = Member.search(
            domain,
            offset=max(0, int(offset or 0)),
            limit=min(max(1, int(limit or 1)), PAGE_LIMIT),
            order="id",
        )
        fleet = self.sudo()  # sudo: values of the fleet run itself, which the caller may read
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
        rows = members.sudo()  # sudo: the search above returned only logs that the caller may read
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
        running_steps = self._running_steps(members.ids) if is_plan else {}
        return [
            {
                "model": members._name,
                "log_id": row.id,
                "server": row._place_name(),
                "server_id": row.server_id.id,
                "state": row.state,
                "is_held": row.is_held,
                "exit_code": row.plan_status if is_plan else row.command_status,
                "message": row.message or "",
                "duration": row.duration_current,
                "steps_done": row.steps_done if is_plan else 0,
                "steps_total": row.steps_total if is_plan else 0,
                "step": running_steps.get(row.id, ""),
            }
            for row in rows
        ]

    def _running_steps(self, plan_log_ids):
        """Return {id of outermost plan run: name of its running command}. Names are never secret, code may be."""
        self.env.cr.execute(
            """SELECT DISTINCT ON (run.top_plan_log_id) run.top_plan_log_id, command.name
                 FROM cx_tower_plan_log run
                 JOIN cx_tower_command_log step ON step.plan_log_id = run.id AND step.state IN ('queued', 'running', 'waiting')
                 JOIN cx_tower_command command ON command.id = step.command_id
                WHERE run.top_plan_log_id = ANY(%s) AND run.state IN ('queued', 'running', 'waiting')
                ORDER BY run.top_plan_log_id, step.id DESC""",
            (list(plan_log_ids),),
        )
        return dict(self.env.cr.fetchall())

    def _state_values(self):
        """Return the state of a fleet run as plain values that every RPC protocol can carry."""
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
