from markupsafe import Markup
from odoo import api, fields, models
from psycopg2.errors import LockNotAvailable, UniqueViolation

from ...engine import ansi
from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ..base.fields import BigInteger
from ..base.transactions import GUARD_WAIT_S, brief_locks

# Characters of a result that a page shows; the whole text is in the fields it is made of.
SHOWN_LIMIT = 200_000
ROOT = "cetmix_tower_server.group_root"
#: Characters of typed code that stand for a run in lists.
MAX_TITLE = 80


class CxTowerCommandLog(models.Model):
    """One run of one command on one server: queue entry, state machine and log in one row.

    ``cx.tower.run.queue`` decides which process takes a run; the threads in ``worker/`` execute it.
    """

    _name = "cx.tower.command.log"
    _description = "Tower Command Log"
    _inherit = ["cx.tower.run.mixin", "bus.listener.mixin"]
    _order = "start_date desc, id desc"

    command_id = fields.Many2one("cx.tower.command", ondelete="set null", help="Empty when it was deleted.")
    command_action = fields.Selection(related="command_id.action", store=True, string="Action")
    access_level = fields.Selection(
        selection=lambda self: self.env["cx.tower.command"]._selection_access_level(),
        compute="_compute_access_level",
        store=True,
    )
    is_ad_hoc = fields.Boolean(string="Ad-hoc code", readonly=True, help="The code was entered for this run.")
    path = fields.Char(readonly=True)
    code = fields.Text(readonly=True, help="What was run; secrets are shown by name only.")
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")], string="Sudo", readonly=True
    )
    command_status = fields.Integer(string="Exit code", readonly=True, aggregator=None)
    exit_signal = fields.Char(readonly=True)
    outcome = fields.Char(readonly=True)
    stop_confirmed = fields.Selection(
        [("yes", "All its processes have ended"), ("no", "Could not be confirmed")], readonly=True
    )
    command_response = fields.Text(string="Output", readonly=True)
    command_error = fields.Text(string="Error output", readonly=True)
    output_size = BigInteger(string="Characters of output", readonly=True, aggregator=None)
    output_skipped = BigInteger(string="Omitted characters", readonly=True, aggregator=None)
    timings = fields.Json(readonly=True)
    condition = fields.Char(
        readonly=True, help="Condition of the flight plan line, as written by its author."
    )
    is_skipped = fields.Boolean(readonly=True)
    plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Flight plan run",
        readonly=True,
        ondelete="cascade",
        help="The run of which this is a step.",
    )
    plan_line_id = fields.Many2one(
        "cx.tower.plan.line", readonly=True, ondelete="set null", index="btree_not_null"
    )
    position = fields.Integer(readonly=True, aggregator=None, help="Index of the plan's line.")
    triggered_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Nested flight plan",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    triggered_plan_command_log_ids = fields.One2many(
        related="triggered_plan_log_id.command_log_ids", string="Steps inside"
    )
    attempt = fields.Integer(readonly=True, default=1, aggregator=None)
    attempts_total = fields.Integer(string="Maximum attempts", readonly=True, default=1, aggregator=None)
    retry_delay_s = fields.Integer(string="Retry delay (s)", readonly=True, aggregator=None)
    retry_at = fields.Datetime(string="Next attempt", readonly=True)
    output_ids = fields.One2many("cx.tower.command.log.output", "log_id", string="Output blocks")
    command_result_html = fields.Html(
        string="Result",
        compute="_compute_command_result_html",
        sanitize=False,  # made of nothing but escaped text and spans, see engine/ansi.py
    )
    # Of a run that a shortcut opened to people who may not read its code, see run/source.py.
    hidden_code = fields.Text(string="Code (Root only)", readonly=True, groups=ROOT)
    hidden_path = fields.Char(string="Path (Root only)", readonly=True, groups=ROOT)
    hidden_condition = fields.Char(string="Condition (Root only)", readonly=True, groups=ROOT)

    # The queue's own columns.
    priority = fields.Integer(default=10, readonly=True, help="Lower runs first.")
    run_input = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="The frozen inputs of the run; secrets by name only."
    )
    guard_key = fields.Char(groups=fields.NO_ACCESS, copy=False)
    worker = fields.Char(readonly=True, copy=False, help="The process that executes the run.")
    fence = fields.Integer(readonly=True, copy=False, aggregator=None)
    # Without a foreign key: it is read a moment later and never again, and must not slow down deleting logs.
    follows = fields.Integer(
        readonly=True, copy=False, aggregator=None, help="ID of the previous step of the flight plan."
    )
    host_slot = fields.Integer(readonly=True, copy=False, aggregator=None)
    global_slot = fields.Integer(readonly=True, copy=False, aggregator=None)

    _guard = models.UniqueIndex(
        "(guard_key) WHERE guard_key IS NOT NULL AND state IN ('queued', 'running', 'waiting')",
        "This command is already running on this server.",
    )
    _host_seat = models.UniqueIndex("(server_id, host_slot) WHERE state = 'running'")
    _global_seat = models.UniqueIndex("(global_slot) WHERE state = 'running'")
    _newest_of_command = models.Index("(command_id, start_date DESC, id DESC)")
    # The last runs of a server may all be steps.
    _newest_started_on_server = models.Index(
        "(server_id, start_date DESC, id DESC) WHERE plan_log_id IS NULL"
    )
    _queue = models.Index("(priority, id) WHERE state = 'queued' AND is_held IS NOT TRUE")
    _held = models.Index("(worker) WHERE state = 'running'")

    @api.depends("command_id", "kept_target_name", "number", "is_ad_hoc", "code")
    def _compute_title(self):
        for log in self:
            first_line = log._first_line_of_code() if log.is_ad_hoc else ""
            log.title = log._numbered(first_line or log._target_name())

    def _first_line_of_code(self):
        """Return the first line that says what typed code does."""
        lines = (line.strip() for line in (self.code or "").splitlines())
        return next((line[:MAX_TITLE] for line in lines if line and not line.startswith("#")), "")

    @api.model
    def _number_by(self):
        return "command_id", "plan_log_id"

    @api.depends("command_id.access_level", "shortcut_level", "is_code_hidden")
    def _compute_access_level(self):
        for log in self:
            log.access_level = log._level_of_run(log.command_id.access_level)

    @api.depends("command_response", "command_error")
    def _compute_command_result_html(self):
        """Show the output of the run in the colours of a terminal, then its errors."""
        for log in self:
            parts = [text[-SHOWN_LIMIT:] for text in (log.command_response, log.command_error) if text]
            # the engine's promise, tested in tests/engine/test_ansi.py
            log.command_result_html = (
                Markup("<br/>").join(Markup(ansi.to_html(part)) for part in parts) or False
            )

    @api.model
    def _get_title(self):
        return self.env._("Command Log")

    @api.model
    def _get_log_action(self):
        return "cetmix_tower_server.action_cx_tower_command_log"

    def _has_been_executed(self):
        """A claim gives a run its fencing token; a run that waits for a plan is executed when that plan's steps are."""
        return bool(self.fence) or self.triggered_plan_log_id._has_been_executed()

    def _exit_code(self):
        return self.command_status

    # ------------------------------------------------------------------
    # Guards
    # ------------------------------------------------------------------

    def _take_guards(self, keys):
        """Give runs their guard keys; a run whose key is taken ends as ANOTHER_COMMAND_RUNNING.

        The unique index decides, also between two transactions that have not seen each other: the second
        one waits for the first one's commit.

        :param keys: key or False, a run each
        """
        wanted = [(log, key) for log, key in zip(self, keys, strict=True) if key]
        if not wanted:
            return
        if not self._try_guards(wanted):
            for log, key in wanted:
                if not self._try_guards([(log, key)]):
                    log._refuse_parallel()

    def _try_guards(self, wanted):
        self.flush_recordset()
        try:
            with brief_locks(self.env, GUARD_WAIT_S, flush=False):
                self.env.cr.execute(
                    "UPDATE cx_tower_command_log log SET guard_key = wanted.key"
                    " FROM unnest(%s, %s) AS wanted (id, key) WHERE log.id = wanted.id",
                    ([log.id for log, _key in wanted], [key for _log, key in wanted]),
                    log_exceptions=False,  # a taken key is not an error
                )
        except (UniqueViolation, LockNotAvailable):
            return False
        return True

    @api.model
    def _parallel_refusal(self, command, target):
        """Return why a command does not run on a target on which it is already running."""
        return self.env._(
            "“%(command)s” is already running on %(server)s. Wait for it to end or stop it, or switch on “Allow "
            "parallel"
            " run” if it may run twice at the same time.",
            command=command.name,
            server=target.name,
        )

    def _refuse_parallel(self):
        text = self._parallel_refusal(self.command_id, self._run_target())
        self._finish(RunEnd.prevented(ExitCode.ANOTHER_COMMAND_RUNNING, text))
