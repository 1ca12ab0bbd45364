import time

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ...engine import states
from .health_checks import STATUSES

#: Seconds that a schedule may be behind; they are looked at every five minutes.
SCHEDULE_LATE_S = 15 * 60
INTERRUPTED_DAYS = 1
NAMED_SERVERS = 3
#: Checks that lead to the settings.
SETTINGS_CHECKS = ("vault", "output")


class CetmixTower(models.AbstractModel):
    """How Tower itself is doing: for the health page, and for monitoring to read."""

    _inherit = "cetmix.tower"

    @api.model
    def get_health(self):
        """Return how Tower is doing: all of it for Root, for Managers what concerns their servers.

        The same number of queries however much there is to look at.

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
        """Return the action that shows what is behind a check: its records, or the settings it depends on.

        :param str name: ``name`` of a check of :meth:`get_health` that ``has_details``
        :raise AccessError: the caller is neither Manager nor Root
        :raise ValidationError: there is no list behind this check
        """
        self._check_may_see_health()
        if name in SETTINGS_CHECKS and self._health_is_for_root():
            return self.env["ir.actions.act_window"]._for_xml_id(
                "cetmix_tower_server.action_cx_tower_settings"
            )
        found = self._health_lists().get(name)
        if not found:
            raise ValidationError(self.env._("There is nothing to open behind the check “%s”.", name))
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
            raise AccessError(self.env._("Only managers and Root may see how Tower is doing."))

    @api.model
    def _health_is_for_root(self):
        return self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")

    # ------------------------------------------------------------------ what is looked at

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
            "retries": (runs, self.env._("Runs that are tried again"), waiting & retry),
            "running": (runs, self.env._("Running"), Domain("state", "=", states.RUNNING)),
            "interrupted": (
                runs,
                self.env._("Interrupted"),
                Domain("state", "=", states.INTERRUPTED) & Domain("finish_date", ">", since),
            ),
            "servers": (
                "cx.tower.server",
                self.env._("Servers whose connection failed"),
                Domain("connection_state", "=", "failed"),
            ),
            "fleets": (
                "cx.tower.fleet.run",
                self.env._("Fleet runs going on"),
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
        """Return what the checks judge, as {name: number, text or list}. What a Manager may not see is not counted."""
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
        """Return the facts that are the same for everybody; one query, numbers only.

        Read past access rights: how many processes live and when the cron ran tells nothing about anybody's servers.
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
