from odoo import models
from odoo.exceptions import AccessError, UserError

from ...engine import states
from ...engine.run_request import RunRequest
from .cx_tower_fleet_run import ACTIVE
from .turns import NOT_SUCCEEDED


class CxTowerFleetRun(models.Model):
    """Running a fleet run again on the servers where it did not succeed."""

    _inherit = "cx.tower.fleet.run"

    def retry_failed(self, include_not_started=True):
        """Start a new fleet run on the servers where this one failed, with the same custom values and limits.

        The current definition of the command or flight plan is run.

        :param bool include_not_started: also retry servers where it was stopped or never started
        :return: dict ``id``, ``reference``, ``state``, ``servers`` of the new fleet run
        :raise AccessError: the caller may not run it on these servers
        :raise UserError: it is still running, or there is nothing to retry
        """
        return self._retry(include_not_started)._start_result()

    def action_retry_failed(self):
        """Retry the failed servers and open the new fleet run (button)."""
        return self._retry(include_not_started=False)._action_open()

    def action_retry_all_unfinished(self):
        """Retry all servers that failed, were stopped or never started, and open the new fleet run (button)."""
        return self._retry(include_not_started=True)._action_open()

    def _repeated_log_values(self):
        """Return further fields that the logs of the repeated runs get. Extension point."""
        return {}

    def _what(self):
        """Return the command or flight plan that this fleet run runs."""
        return self.command_id if self.action == "command" else self.plan_id

    def _repeatable_servers(self, wanted):
        """Return the servers with a member in one of the ``wanted`` states on which the caller may run it again.

        Only members that the caller may read count. Passing custom values requires write access to the server.
        """
        # sudo: only which targets there are; access to them is filtered below
        targets = self.sudo()._run_targets().with_env(self.env)
        if not self.sudo()._what().with_env(self.env)._filtered_access("read"):
            return targets.browse()
        # As the caller: the record rules of the logs decide which members count.
        domain = [("fleet_run_id", "=", self.id), ("state", "in", wanted)]
        members = self._member_model().search(domain, order="id")
        # sudo: only to read the link
        found = targets.browse(members.sudo()[members._target_field(targets)].ids)
        return found._filtered_access("write" if self.sudo().variable_values else "read")

    def _retry_counts(self):
        """Return on how many servers the caller may retry it, for the buttons. 0 while it is running."""
        if self.sudo().state in ACTIVE:
            return {"failed": 0, "unfinished": 0}
        return {
            "failed": len(self._repeatable_servers(NOT_SUCCEEDED)),
            "unfinished": len(self._repeatable_servers((*NOT_SUCCEEDED, states.STOPPED))),
        }

    def _retry(self, include_not_started):
        self.ensure_one()
        self.check_access("read")
        # sudo: the fleet run's custom values; whether the caller may run them is checked when the new one starts
        fleet = self.sudo()
        if fleet.state in ACTIVE:
            raise UserError(
                self.env._("“%s” is still running. Wait for it to finish or stop it.", fleet.name)
            )
        wanted = NOT_SUCCEEDED + ((states.STOPPED,) if include_not_started else ())
        if not self._members().search_count(
            [("fleet_run_id", "=", self.id), ("state", "in", wanted)], limit=1
        ):
            raise UserError(self.env._("“%s” has no failed or stopped servers to retry.", fleet.name))
        if not fleet._what():
            raise UserError(
                self.env._("“%s” cannot be run again: its command or flight plan was deleted.", fleet.name)
            )
        servers = self._repeatable_servers(wanted)
        if not servers:
            raise AccessError(
                self.env._(
                    "You may not retry “%s” on any of the servers where it did not succeed. Ask the person "
                    "who started it, a Manager of these servers, or Root.",
                    fleet.name,
                )
            )
        what = fleet._what()
        limits = {
            name: fleet[name] for name in ("concurrency_limit", "stop_after_failures", "stop_after_percent")
        }
        request = RunRequest(
            variable_values=fleet.variable_values or {},
            label=fleet.label,
            log_values=fleet._repeated_log_values(),
            **(fleet.run_input or {}),
        )
        return self._start(servers, what.with_env(self.env), request, limits, retry_of_id=fleet.id)
