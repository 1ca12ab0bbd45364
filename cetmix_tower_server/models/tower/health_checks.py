from odoo import api, fields, models

from ..run.cx_tower_worker import LEASE_S

OK, WARNING, ERROR = "ok", "warning", "error"
STATUSES = (OK, WARNING, ERROR)  # from good to bad

#: Seconds. Queued runs begin within a second; what waits longer waits for a free slot, or for a process.
WAITING_WARNING_S = 5 * 60
WAITING_ERROR_S = 60 * 60
NOBODY_TAKES_IT_S = 2 * 60
#: Seconds since the cron has run that is due every minute.
CRON_WARNING_S = 5 * 60
CRON_ERROR_S = 15 * 60
#: Seconds between Odoo's clock and the database's.
CLOCK_WARNING_S = 2
CLOCK_ERROR_S = LEASE_S
#: Megabytes that the logs take on the disk while nothing limits them.
SIZE_WARNING_MB = 2048


def grade(value, warning, error):
    """Return the status of a number that is better the smaller it is."""
    return ERROR if value >= error else WARNING if value >= warning else OK


class CetmixTower(models.AbstractModel):
    """What the facts about Tower's health mean, and what to do about them."""

    _inherit = "cetmix.tower"

    @api.model
    def _health_checks(self, facts):
        """Return the checks of these facts, see :meth:`get_health`. Extension point, with :meth:`_health_facts`."""
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
        """Return a time span as people say it."""
        if seconds < 120:
            return self.env._("%s seconds", int(seconds))
        if seconds < 2 * 3600:
            return self.env._("%s minutes", int(seconds // 60))
        return self.env._("%s hours", int(seconds // 3600))

    # ------------------------------------------------------------------ runs

    @api.model
    def _health_waiting_age(self, facts):
        """Return for how many seconds the oldest run that could begin has been waiting."""
        return max(0.0, (fields.Datetime.now() - facts["oldest"]).total_seconds()) if facts["oldest"] else 0.0

    @api.model
    def _health_queue(self, facts):
        waiting = facts["queue"]
        nobody = not facts["alive"] and self._health_waiting_age(facts) > NOBODY_TAKES_IT_S
        text = (
            self.env._("Runs that wait for a free slot: %s.", waiting)
            if waiting
            else self.env._("Nothing waits.")
        )
        advice = self.env._(
            "No process takes runs: check that Odoo runs with cron threads (max_cron_threads) and look at its log."
        )
        return self._health_check(
            "queue", self.env._("Queue"), ERROR if nobody else OK, waiting, text, advice
        )

    @api.model
    def _health_oldest(self, facts):
        age = self._health_waiting_age(facts)
        status = grade(age, WAITING_WARNING_S, WAITING_ERROR_S)
        text = (
            self.env._("The oldest one has been waiting for %s.", self._health_age_text(age))
            if facts["oldest"]
            else self.env._("Runs begin at once.")
        )
        advice = self.env._(
            "All slots are taken: stop runs that hang, or allow more runs at once in the settings or on the server."
        )
        return self._health_check(
            "oldest", self.env._("Oldest waiting run"), status, round(age), text, advice
        )

    @api.model
    def _health_running(self, facts):
        running = facts["running"]
        limit = self.env["cx.tower.settings"]._get().max_parallel_runs
        text = self.env._("%(running)s of at most %(limit)s at once.", running=running, limit=limit)
        return self._health_check("running", self.env._("Running"), OK, running, text)

    @api.model
    def _health_interrupted(self, facts):
        interrupted = facts["interrupted"]
        text = (
            self.env._("Runs that lost their process in the last 24 hours: %s.", interrupted)
            if interrupted
            else self.env._("No run lost its process in the last 24 hours.")
        )
        advice = self.env._("Look on the hosts what became of them, then resume or run them again.")
        status = WARNING if interrupted else OK
        return self._health_check("interrupted", self.env._("Interrupted"), status, interrupted, text, advice)

    @api.model
    def _health_retries(self, facts):
        retries = facts["retries"]
        text = (
            self.env._("Runs that failed and are tried again soon: %s.", retries)
            if retries
            else self.env._("No run waits to be tried again.")
        )
        return self._health_check("retries", self.env._("Waiting for a retry"), OK, retries, text)

    @api.model
    def _health_fleets(self, facts):
        fleets = facts["fleets"]
        text = self.env._("Going on: %s.", fleets) if fleets else self.env._("None goes on.")
        return self._health_check("fleets", self.env._("Fleet runs"), OK, fleets, text)

    # ------------------------------------------------------------------ processes

    @api.model
    def _health_workers(self, facts):
        alive = facts["alive"]
        is_needed = facts["running"] or self._health_waiting_age(facts) > NOBODY_TAKES_IT_S
        if alive:
            text = self.env._("Processes that execute runs: %s.", alive)
        elif is_needed:
            text = self.env._("No process executes runs, although there are some.")
        else:
            text = self.env._("None is needed: nothing runs.")
        advice = self.env._("Check that Odoo runs with cron threads (max_cron_threads) and look at its log.")
        status = ERROR if is_needed and not alive else OK
        return self._health_check("workers", self.env._("Workers"), status, alive, text, advice)

    @api.model
    def _health_cron(self, facts):
        age = facts["cron_age"]
        if not facts["cron_active"]:
            status, text = ERROR, self.env._("The scheduled action that starts runs is switched off.")
            advice = self.env._(
                "Switch “Tower: start queued runs, find lost ones” on under Scheduled Actions."
            )
        else:
            status = grade(age, CRON_WARNING_S, CRON_ERROR_S)
            text = self.env._("Last seen %s ago.", self._health_age_text(age))
            advice = self.env._(
                "Check that Odoo runs with cron threads (max_cron_threads): nothing is due without them."
            )
        return self._health_check("cron", self.env._("Dispatcher"), status, round(age), text, advice)

    @api.model
    def _health_clock(self, facts):
        difference = facts["clock"]
        status = grade(abs(difference), CLOCK_WARNING_S, CLOCK_ERROR_S)
        text = self.env._("Odoo and the database differ by %.1f seconds.", difference)
        advice = self.env._("Let both machines take their time from a time server (NTP).")
        return self._health_check("clock", self.env._("Clocks"), status, round(difference, 1), text, advice)

    # ------------------------------------------------------------------ what is worked with

    @api.model
    def _health_servers(self, facts):
        count = facts["servers"]
        if not count:
            text = self.env._("All servers could be reached when they were last used.")
        else:
            named = [f"{name}: {message}" if message else name for name, message in facts["failed"]]
            more = count - len(named)
            text = "\n".join([*named, *([self.env._("… and %s more.", more)] if more > 0 else [])])
        advice = self.env._(
            "Open the server and press “Test Connection”: it says which part of the way fails."
        )
        return self._health_check(
            "servers", self.env._("Failed connections"), ERROR if count else OK, count, text, advice
        )

    @api.model
    def _health_schedules(self, facts):
        late = facts["schedules"]
        text = (
            self.env._("Scheduled tasks that are behind their time: %s.", late)
            if late
            else self.env._("All scheduled tasks are on time.")
        )
        advice = self.env._(
            "Check the scheduled action of Tower's tasks; each task shows on its form why it did not run."
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
            else self.env._("No scheduled task fails.")
        )
        advice = self.env._("Open the task: it shows what came of its last runs and leads to their logs.")
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
            lost = self.env._("Secrets that cannot be read, because their key is missing: %s.", usage["lost"])
            text = usage["problem"] or lost
            advice = self.env._("Bring back the key they were encrypted with, or enter them again.")
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
            # indexes, and rows that the database has not freed yet, count on the disk only
            status = WARNING if size > 2 * limit + 100 else OK
            text = self.env._(
                "Runs take %(size).0f MB on the disk; output is kept up to %(limit)s MB.",
                size=size,
                limit=limit,
            )
        else:
            status = WARNING if size > SIZE_WARNING_MB and not settings.log_retention_days else OK
            days = settings.log_retention_days
            kept = self.env._("kept for %s days", days) if days else self.env._("kept for ever")
            text = self.env._("Runs take %(size).0f MB on the disk and are %(kept)s.", size=size, kept=kept)
        advice = self.env._("Set in the settings how long logs are kept, or how much of them.")
        return self._health_check("output", self.env._("Stored output"), status, round(size), text, advice)
