import time

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ...engine import states
from ...engine.run_lease import LEASE_S

OK, WARNING, ERROR = "ok", "warning", "error"
STATUSES = (OK, WARNING, ERROR)  # from good to bad

#: Seconds. Queued runs start within a second unless they wait for a free slot or for a process.
WAITING_WARNING_S = 5 * 60
WAITING_ERROR_S = 60 * 60
NOBODY_TAKES_IT_S = 2 * 60
#: Seconds since the last run of the cron that is due every minute.
CRON_WARNING_S = 5 * 60
CRON_ERROR_S = 15 * 60
#: Seconds between Odoo's clock and the database's.
CLOCK_WARNING_S = 2
CLOCK_ERROR_S = LEASE_S
#: Megabytes of logs on disk, when the settings set no limit.
SIZE_WARNING_MB = 2048
#: Seconds that a scheduled task may be overdue; the cron looks every five minutes.
SCHEDULE_LATE_S = 15 * 60
INTERRUPTED_DAYS = 1
NAMED_SERVERS = 3
#: Checks whose details are the settings.
SETTINGS_CHECKS = ("vault", "output")


def grade(value, warning, error):
    """Return the status of a value for which lower is better."""
    return ERROR if value >= error else WARNING if value >= warning else OK


class CetmixTower(models.AbstractModel):
    """The health of Tower itself, for the health page and for monitoring systems.

    :meth:`_health_facts` measures, :meth:`_health_checks` judges, and :meth:`_health_lists` knows the records behind a check.
    """

    _inherit = "cetmix.tower"

    @api.model
    def get_health(self):
        """Return the health of Tower: everything for Root; for Managers, what concerns their servers.

        The number of queries does not depend on the number of records.

        :return: dict: ``status`` ("ok", "warning" or "error": the worst of all checks), ``checked`` (text, UTC),
            ``checks``: list of dict: ``name``, ``label``, ``status``, ``value`` (number; seconds for ages, megabytes for
            sizes), ``text`` (what was found), ``advice`` (what to do; "" while ``status`` is "ok"), ``has_details``
            (whether :meth:`open_health_check` shows more)
        :raise AccessError: the caller is neither Manager nor Root
        """
        self._check_may_see_health()
        checks = self._health_checks(self._health_facts())
        with_details = {*self._health_lists(), *(SETTINGS_CHECKS if self._health_is_for_root() else ())}
        for check in checks:
            check["has_details"] = check["name"] in with_details
        worst = max((check["status"] for check in checks), key=STATUSES.index)
        return {
            "status": worst,
            "checked": fields.Datetime.to_string(fields.Datetime.now()),
            "checks": checks,
        }

    @api.model
    def open_health_check(self, name):
        """Return the action that shows the details of a check: its records, or the settings it depends on.

        :param str name: ``name`` of a check of :meth:`get_health` that ``has_details``
        :raise AccessError: the caller is neither Manager nor Root
        :raise ValidationError: the check has no details
        """
        self._check_may_see_health()
        if name in SETTINGS_CHECKS and self._health_is_for_root():
            return self.env["ir.actions.act_window"]._for_xml_id(
                "cetmix_tower_server.action_cx_tower_settings"
            )
        found = self._health_lists().get(name)
        if not found:
            raise ValidationError(self.env._("The check “%s” has no details to open.", name))
        model, title, domain = found
        self.env[model].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "views": [(False, "list"), (False, "form")],
            "domain": list(domain),
            "context": {"active_test": model == "cx.tower.server"},
        }

    @api.model
    def _check_may_see_health(self):
        if not (self.env.su or self.env.user.has_group("cetmix_tower_server.group_manager")):
            raise AccessError(self.env._("Only Managers and Root can see the health of Tower."))

    @api.model
    def _health_is_for_root(self):
        return self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")

    # ------------------------------------------------------------------ records and facts

    @api.model
    def _health_lists(self):
        """Return {name of a check: (model, title, domain)}. Extension point, with :meth:`_health_checks`."""
        now = fields.Datetime.now()
        waiting = Domain("state", "=", states.QUEUED) & Domain("is_held", "=", False)
        retry = Domain("retry_at", ">", now)
        late = fields.Datetime.subtract(now, seconds=SCHEDULE_LATE_S)
        since = fields.Datetime.subtract(now, days=INTERRUPTED_DAYS)
        runs = "cx.tower.command.log"
        lists = {
            "queue": (runs, self.env._("Waiting runs"), waiting & ~retry),
            "oldest": (runs, self.env._("Waiting runs"), waiting & ~retry),
            "retries": (runs, self.env._("Runs waiting for a retry"), waiting & retry),
            "running": (runs, self.env._("Running"), Domain("state", "=", states.RUNNING)),
            "interrupted": (
                runs,
                self.env._("Interrupted"),
                Domain("state", "=", states.INTERRUPTED) & Domain("finish_date", ">", since),
            ),
            "servers": (
                "cx.tower.server",
                self.env._("Servers with a failed connection"),
                Domain("connection_state", "=", "failed"),
            ),
            "fleets": (
                "cx.tower.fleet.run",
                self.env._("Active fleet runs"),
                Domain("state", "in", ["running", "stopping"]),
            ),
            "schedules": (
                "cx.tower.scheduled.task",
                self.env._("Overdue schedules"),
                Domain("active", "=", True) & Domain("next_call", "<", late),
            ),
            "failing": (
                "cx.tower.scheduled.task",
                self.env._("Failing scheduled tasks"),
                Domain("active", "=", True) & Domain("failing_since", "!=", False),
            ),
        }
        if self._health_is_for_root():
            lists["workers"] = ("cx.tower.worker", self.env._("Workers"), Domain.TRUE)
        return lists

    @api.model
    def _health_facts(self):
        """Return the facts that the checks judge, {name: number, text or list}. Counts only what the caller may see."""
        lists = self._health_lists()
        facts = {
            name: self.env[model].search_count(domain)
            for name, (model, _title, domain) in lists.items()
            if name not in ("workers", "oldest", "failing")
        }
        _model, _title, waiting = lists["queue"]
        [(oldest,)] = self.env["cx.tower.command.log"]._read_group(waiting, [], ["queued_date:min"])
        facts["oldest"] = oldest
        failed = self.env["cx.tower.server"].search_fetch(
            lists["servers"][2], ["name", "connection_message"], limit=NAMED_SERVERS, order="name"
        )
        facts["failed"] = [(server.name, server.connection_message or "") for server in failed]
        [(names,)] = self.env["cx.tower.scheduled.task"]._read_group(
            lists["failing"][2], [], ["name:array_agg"]
        )
        facts["failing"] = len(names or [])
        facts["failing_names"] = sorted(names or [])[:NAMED_SERVERS]
        return facts | self._health_system_facts()

    @api.model
    def _health_system_facts(self):
        """Return the facts that are the same for everybody, with one query.

        The query bypasses access rights: it returns only numbers about processes, crons and disk usage.
        """
        self.env["ir.cron"].flush_model(["active", "lastcall"])
        cron = self.env.ref("cetmix_tower_server.ir_cron_dispatch_runs", raise_if_not_found=False)
        self.env.cr.execute(
            SQL(
                """SELECT (SELECT count(*) FROM (%(alive)s) living),
                          (SELECT EXTRACT(EPOCH FROM %(now)s - COALESCE(lastcall, create_date)) FROM ir_cron WHERE id = %(cron)s),
                          COALESCE((SELECT active FROM ir_cron WHERE id = %(cron)s), FALSE),
                          EXTRACT(EPOCH FROM %(now)s),
                          pg_total_relation_size('cx_tower_command_log') + pg_total_relation_size('cx_tower_command_log_output')
                """,
                alive=self.env["cx.tower.worker"]._alive_sql(),
                now=SQL("(clock_timestamp() AT TIME ZONE 'UTC')"),
                cron=cron.id if cron else 0,
            )
        )
        alive, cron_age, cron_active, database_time, size = self.env.cr.fetchone()
        return {
            "alive": alive,
            "cron_age": float(cron_age or 0),
            "cron_active": cron_active,
            "clock": time.time() - float(database_time),
            "size_mb": size / 1024 / 1024,
        }

    # ------------------------------------------------------------------ checks

    @api.model
    def _health_checks(self, facts):
        """Return the checks for these facts, see :meth:`get_health`. Extension point, with :meth:`_health_facts`."""
        checks = [
            self._health_queue(facts),
            self._health_oldest(facts),
            self._health_running(facts),
            self._health_interrupted(facts),
            self._health_retries(facts),
            self._health_workers(facts),
            self._health_cron(facts),
            self._health_servers(facts),
            self._health_schedules(facts),
            self._health_failing(facts),
            self._health_fleets(facts),
        ]
        if self._health_is_for_root():
            checks += [self._health_vault(), self._health_output(facts), self._health_clock(facts)]
        return checks

    @api.model
    def _health_check(self, name, label, status, value, text, advice=""):
        """Return one check as plain values."""
        return {
            "name": name,
            "label": label,
            "status": status,
            "value": value,
            "text": text,
            "advice": "" if status == OK else advice,
        }

    @api.model
    def _health_age_text(self, seconds):
        """Return a duration in words."""
        if seconds < 120:
            return self.env._("%s seconds", int(seconds))
        if seconds < 2 * 3600:
            return self.env._("%s minutes", int(seconds // 60))
        return self.env._("%s hours", int(seconds // 3600))

    # ------------------------------------------------------------------ checks of runs

    @api.model
    def _health_waiting_age(self, facts):
        """Return for how many seconds the oldest startable run has been waiting."""
        return max(0.0, (fields.Datetime.now() - facts["oldest"]).total_seconds()) if facts["oldest"] else 0.0

    @api.model
    def _health_queue(self, facts):
        waiting = facts["queue"]
        nobody = not facts["alive"] and self._health_waiting_age(facts) > NOBODY_TAKES_IT_S
        text = (
            self.env._("Runs waiting for a free slot: %s.", waiting)
            if waiting
            else self.env._("No run is waiting.")
        )
        advice = self.env._(
            "No process is picking up runs. Check that Odoo runs with cron threads (max_cron_threads), "
            "then check its log."
        )
        return self._health_check(
            "queue", self.env._("Queue"), ERROR if nobody else OK, waiting, text, advice
        )

    @api.model
    def _health_oldest(self, facts):
        age = self._health_waiting_age(facts)
        status = grade(age, WAITING_WARNING_S, WAITING_ERROR_S)
        text = (
            self.env._("The oldest run has been waiting for %s.", self._health_age_text(age))
            if facts["oldest"]
            else self.env._("Runs start immediately.")
        )
        advice = self.env._(
            "All slots are in use. Stop runs that hang, or raise the limit of parallel runs in the "
            "settings or on the server."
        )
        return self._health_check(
            "oldest", self.env._("Oldest waiting run"), status, round(age), text, advice
        )

    @api.model
    def _health_running(self, facts):
        running = facts["running"]
        limit = self.env["cx.tower.settings"]._get().max_parallel_runs
        text = self.env._("%(running)s of at most %(limit)s parallel runs.", running=running, limit=limit)
        return self._health_check("running", self.env._("Running"), OK, running, text)

    @api.model
    def _health_interrupted(self, facts):
        interrupted = facts["interrupted"]
        text = (
            self.env._("Runs interrupted in the last 24 hours: %s.", interrupted)
            if interrupted
            else self.env._("No run was interrupted in the last 24 hours.")
        )
        advice = self.env._("Check on the hosts how far they got, then resume them or run them again.")
        status = WARNING if interrupted else OK
        return self._health_check("interrupted", self.env._("Interrupted"), status, interrupted, text, advice)

    @api.model
    def _health_retries(self, facts):
        retries = facts["retries"]
        text = (
            self.env._("Failed runs that will be retried: %s.", retries)
            if retries
            else self.env._("No run is waiting for a retry.")
        )
        return self._health_check("retries", self.env._("Waiting for a retry"), OK, retries, text)

    @api.model
    def _health_fleets(self, facts):
        fleets = facts["fleets"]
        text = self.env._("Active: %s.", fleets) if fleets else self.env._("None is active.")
        return self._health_check("fleets", self.env._("Fleet runs"), OK, fleets, text)

    # ------------------------------------------------------------------ checks of processes

    @api.model
    def _health_workers(self, facts):
        alive = facts["alive"]
        is_needed = facts["running"] or self._health_waiting_age(facts) > NOBODY_TAKES_IT_S
        if alive:
            text = self.env._("Processes executing runs: %s.", alive)
        elif is_needed:
            text = self.env._("There are runs, but no process executes them.")
        else:
            text = self.env._("None needed: nothing is running.")
        advice = self.env._("Check that Odoo runs with cron threads (max_cron_threads), then check its log.")
        status = ERROR if is_needed and not alive else OK
        return self._health_check("workers", self.env._("Workers"), status, alive, text, advice)

    @api.model
    def _health_cron(self, facts):
        age = facts["cron_age"]
        if not facts["cron_active"]:
            status, text = ERROR, self.env._("The scheduled action that starts runs is switched off.")
            advice = self.env._(
                "Switch on “Tower: start queued runs, find lost ones” under Scheduled Actions."
            )
        else:
            status = grade(age, CRON_WARNING_S, CRON_ERROR_S)
            text = self.env._("Last seen %s ago.", self._health_age_text(age))
            advice = self.env._(
                "Check that Odoo runs with cron threads (max_cron_threads). Scheduled actions do not run "
                "without them."
            )
        return self._health_check("cron", self.env._("Dispatcher"), status, round(age), text, advice)

    @api.model
    def _health_clock(self, facts):
        difference = facts["clock"]
        status = grade(abs(difference), CLOCK_WARNING_S, CLOCK_ERROR_S)
        text = self.env._("The clocks of Odoo and the database differ by %.1f seconds.", difference)
        advice = self.env._("Synchronize both machines with a time server (NTP).")
        return self._health_check("clock", self.env._("Clocks"), status, round(difference, 1), text, advice)

    # ------------------------------------------------------------------ checks of servers, tasks and storage

    @api.model
    def _health_servers(self, facts):
        count = facts["servers"]
        if not count:
            text = self.env._("All servers were reachable when last used.")
        else:
            named = [f"{name}: {message}" if message else name for name, message in facts["failed"]]
            more = count - len(named)
            text = "\n".join([*named, *([self.env._("… and %s more.", more)] if more > 0 else [])])
        advice = self.env._("Open the server and press “Test Connection” to see where the connection fails.")
        return self._health_check(
            "servers", self.env._("Failed connections"), ERROR if count else OK, count, text, advice
        )

    @api.model
    def _health_schedules(self, facts):
        late = facts["schedules"]
        text = (
            self.env._("Overdue scheduled tasks: %s.", late)
            if late
            else self.env._("All scheduled tasks are on time.")
        )
        advice = self.env._(
            "Check the scheduled action “Tower: run scheduled tasks”. The form of each task shows why it "
            "did not run."
        )
        status = WARNING if late else OK
        return self._health_check("schedules", self.env._("Overdue schedules"), status, late, text, advice)

    @api.model
    def _health_failing(self, facts):
        failing, names = facts["failing"], facts["failing_names"]
        more = failing - len(names)
        named = ", ".join([*names, *([self.env._("… and %s more.", more)] if more > 0 else [])])
        text = (
            self.env._("Scheduled tasks whose last runs failed: %s", named)
            if failing
            else self.env._("No scheduled task is failing.")
        )
        advice = self.env._("Open the task to see the result of its last runs and their logs.")
        status = WARNING if failing else OK
        return self._health_check(
            "failing", self.env._("Failing scheduled tasks"), status, failing, text, advice
        )

    @api.model
    def _health_vault(self):
        usage = self.env["cx.tower.vault"]._get_key_usage()
        status, advice = OK, ""
        text = self.env._("Secrets: %(count)s. Keys: %(place)s", count=usage["values"], place=usage["source"])
        if usage["problem"] or usage["lost"]:
            status = ERROR
            lost = self.env._("Secrets that cannot be read because their key is missing: %s.", usage["lost"])
            text = usage["problem"] or lost
            advice = self.env._("Restore the key they were encrypted with, or enter the secrets again.")
        elif usage["old"]:
            status = WARNING
            text = self.env._("Secrets encrypted with an older key: %s.", usage["old"])
            advice = self.env._("Encrypt all secrets with the new key in the settings.")
        return self._health_check("vault", self.env._("Vault"), status, usage["values"], text, advice)

    @api.model
    def _health_output(self, facts):
        size = facts["size_mb"]
        settings = self.env["cx.tower.settings"]._get()
        limit = settings.log_retention_mb
        if limit:
            # on disk there are also indexes, and rows that the database has not freed yet
            status = WARNING if size > 2 * limit + 100 else OK
            text = self.env._(
                "Runs take %(size).0f MB on the disk; output is kept up to %(limit)s MB.",
                size=size,
                limit=limit,
            )
        else:
            status = WARNING if size > SIZE_WARNING_MB and not settings.log_retention_days else OK
            days = settings.log_retention_days
            kept = self.env._("kept for %s days", days) if days else self.env._("kept forever")
            text = self.env._("Runs take %(size).0f MB on the disk and are %(kept)s.", size=size, kept=kept)
        advice = self.env._("Limit the age or the size of kept logs in the settings.")
        return self._health_check("output", self.env._("Stored output"), status, round(size), text, advice)
