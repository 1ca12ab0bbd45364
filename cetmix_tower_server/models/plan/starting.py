from odoo import models
from odoo.exceptions import ValidationError

from ...engine.exit_codes import ExitCode
from ...engine.masking.in_use import known_secrets__
from ...engine.run_end import RunEnd
from ...engine.run_request import RunRequest


class CxTowerRunTargetMixin(models.AbstractModel):
    """Starting flight plans on targets: check the caller's rights, freeze the inputs, make the first steps."""

    _inherit = "cx.tower.run.target.mixin"

    # ------------------------------------------------------------------
    # Public
    # ------------------------------------------------------------------

    def run_flight_plan(self, flight_plan, jet_template=None, jet=None, **kwargs):
        """Start a flight plan on each of these servers.

        :param flight_plan: record, id or reference of the plan
        :param jet_template: used by the jet addon
        :param jet: used by the jet addon
        :param kwargs: ``variable_values`` ({reference: value}, custom values of this run), ``plan_log`` (dict; its
            ``label`` is stored), ``label``
        :return: logs of the runs, in the order of the servers (their ids over RPC). A run that may not begin has a
            finished log that says why.
        :raise AccessError: without the right to read the server or the plan, or to set custom values
        :raise ValidationError: unknown plan
        """
        plan = self._plan_argument(flight_plan)
        label = kwargs.get("label") or (kwargs.get("plan_log") or kwargs.get("log") or {}).get("label")
        request = RunRequest(variable_values=kwargs.get("variable_values") or {}, label=label)
        return self._start_plan_runs(plan, request)

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
                self.env._("There is no flight plan “%s”, or you do not have access to it.", plan or "")
            )
        return record

    def _start_plan_runs(self, plan, request):
        """Start a flight plan on these targets: see :meth:`_create_plan_runs`, whose runs are then dispatched."""
        runs = self._create_plan_runs(plan, request)
        self.env["cx.tower.run.backend"]._chosen()._dispatch(runs)
        return runs

    def _create_plan_runs(self, plan, request):
        """Create the logs of a plan's runs on these targets, with their first steps, checked and queued.

        Who calls dispatches them. What may not begin gets a finished log that says why.

        :param request: :class:`engine.run_request.RunRequest`
        :return: logs, readable by the caller, in the order of ``self``
        :raise AccessError: the caller may not run that here
        """
        self._check_request(request)
        self._check_may_run_plan(plan, request.variable_values)
        # sudo: nobody may create logs by hand; the right to run was checked
        PlanLog = self.env["cx.tower.plan.log"].sudo()
        runs = PlanLog._create_runs(
            self,
            plan,
            PlanLog._freeze_inputs(plan, request.variable_values),
            (*request.secrets, *known_secrets__()),
            user_id=self.env.user.id,
            label=request.label,
            variable_values=request.variable_values or False,
            **request.log_values,
        )
        refusals = self.sudo()._find_refusals(plan.sudo())  # sudo: what restricts it counts, whoever asks
        busy = self.sudo()._find_busy(request)  # sudo: whether something may begin there, whoever asks
        for target, run in zip(self, runs, strict=True):
            if target.id in refusals:
                run._finish(RunEnd(int(ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER), refusals[target.id]))
            elif target.id in busy:
                run._finish(RunEnd(int(ExitCode.ANOTHER_PLAN_RUNNING), busy[target.id]))
        runs.filtered(lambda run: run.state == "queued")._try_begin()._begin()
        runs.invalidate_recordset(["command_log_ids"])  # steps are created past the ORM
        return runs.sudo(self.env.su)

    def _check_may_run_plan(self, plan, variable_values):
        """Raise AccessError unless the caller may run this plan here with these custom values.

        What is inside the plan was its author's decision: it may be above the caller's level.
        """
        self.check_access("read")
        plan.check_access("read")
        if variable_values:
            self._check_custom_values(variable_values)
