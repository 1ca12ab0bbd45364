from odoo import models
from odoo.exceptions import ValidationError

from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd


class CxTowerRunTargetMixin(models.AbstractModel):
    """The part of a run target that starts flight plans."""

    _inherit = "cx.tower.run.target.mixin"

    # ------------------------------------------------------------------
    # Public
    # ------------------------------------------------------------------

    def run_flight_plan(self, flight_plan, jet_template=None, jet=None, **kwargs):
        """Start a flight plan on each of these servers.

        :param flight_plan: record, id or reference of the plan
        :param jet_template: used by the jet addon
        :param jet: used by the jet addon
        :param kwargs: ``variable_values`` ({reference: value}, own values of this run), ``plan_log`` (dict; its
            ``label`` is stored), ``label``
        :return: logs of the runs, in the order of the servers (their ids over RPC). A run that may not begin has a
            finished log that says why.
        :raise AccessError: without the right to read the server or the plan, or to set own values
        :raise ValidationError: unknown plan
        """
        plan = self._plan_argument(flight_plan)
        label = kwargs.get("label") or (kwargs.get("plan_log") or kwargs.get("log") or {}).get("label")
        return self._start_plan_runs(plan, kwargs.get("variable_values") or {}, label=label)

    # ------------------------------------------------------------------
    # Starting
    # ------------------------------------------------------------------

    def _plan_argument(self, plan):
        """Return the flight plan that a record, an id or a reference names, readable by the caller."""
        Plan = self.env["cx.tower.plan"]
        if isinstance(plan, str):
            record = Plan.get_by_reference(plan)
        elif isinstance(plan, int):
            record = Plan.browse(plan).exists()
        else:
            record = plan.with_env(self.env) if plan else Plan
        if not record:
            raise ValidationError(
                self.env._("There is no flight plan “%s”, or you may not see it.", plan or "")
            )
        return record

    def _start_plan_runs(self, plan, variable_values, label=None, **log_values):
        """Create the logs of a plan's runs on these servers, with their first steps, checked and queued.

        :return: logs, readable by the caller, in the order of ``self``
        """
        self._check_arguments(None, variable_values, None)
        self._check_may_run_plan(plan, variable_values)
        # sudo: nobody may create logs by hand; the right to run was checked
        PlanLog = self.env["cx.tower.plan.log"].sudo()
        inputs = PlanLog._freeze_inputs(plan, variable_values)
        runs = PlanLog._create_runs(
            self,
            plan,
            inputs,
            self._known_secrets__(log_values),
            user_id=self.env.user.id,
            label=label,
            variable_values=variable_values or False,
            **log_values,
        )
        for server_id, reason in plan.sudo()._get_incompatibilities(self).items():
            if reason:
                refused = runs.filtered(lambda run, server_id=server_id: run.server_id.id == server_id)
                refused._finish(RunEnd(int(ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER), reason))
        runs.filtered(lambda run: run.state == "queued")._try_begin()._begin()
        runs.invalidate_recordset(["command_log_ids"])  # steps are created past the ORM
        self._dispatch(runs.command_log_ids)
        return runs.sudo(self.env.su)

    def _check_may_run_plan(self, plan, variable_values):
        """Raise unless the caller may run this plan here with these own values.

        What is inside the plan is its author's matter: it may be above the caller's level.
        Source: access matrix, "Actions are rights too".
        """
        self.check_access("read")
        plan.check_access("read")
        if variable_values:
            self._check_own_values(variable_values)

    def _prepare_step(self, run, line, own):
        """Return the values of the log of one step: rendered code, limits and guard.

        :param run: log of the flight plan's run
        :param own: its :class:`engine.values.own.OwnValues`; the caller seals what comes of them
        :param line: the line's document, see ``cx.tower.plan._definition``
        :raise engine.errors.EngineError: the step cannot run
        """
        # sudo: the plan's author decided what runs
        server, command = self.sudo(), self.env["cx.tower.command"].browse(line["command_id"]).sudo()
        is_ssh = line["action"] == "ssh_command"
        values = {
            **self._retry_values(line["settings"]),
            "state": "queued",
            "use_sudo": server._sudo_mode(line["use_sudo"]) if is_ssh else False,
            "guard_key": False if line["settings"]["allow_parallel_run"] else self._guard_key(self, command),
        }
        source_path = line["path"] or line["command_path"]
        values |= self._render_run(
            server, command, line["code"], source_path, own.values, run._tools(), document=line
        )
        self._refuse_secrets_in_paths(values["run_input"], own.secrets)
        values["run_input"]["settings"] = line["settings"]
        return values
