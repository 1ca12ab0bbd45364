"""How Tower is doing: what is found, who sees it, at which cost."""

import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestHealth(TowerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls._new_server("Mine", managers=cls.manager)
        cls.foreign = cls._new_server("Foreign", managers=cls.manager_2)
        cls.command = cls._new_command(access_level="2")
        cls.env["cx.tower.command.log"].search([("state", "in", ["queued", "running"])]).state = "done"
        cls.env.cr.execute(
            "UPDATE ir_cron SET lastcall = clock_timestamp() AT TIME ZONE 'UTC', active = TRUE"
        )
        cls.env["cx.tower.server"].search([]).connection_state = "ok"

    def _health(self, person=None):
        return self.env["cetmix.tower"].with_user(person or self.root).get_health()

    def _check(self, name, person=None):
        return next(check for check in self._health(person)["checks"] if check["name"] == name)

    def _status(self, name, person=None):
        return self._check(name, person)["status"]

    def _run(self, state, age_s=0, server=None, **values):
        moment = fields.Datetime.now() - timedelta(seconds=age_s)
        return self.env["cx.tower.command.log"].create(
            {
                "command_id": self.command.id,
                "server_id": (server or self.server).id,
                "state": state,
                "queued_date": moment,
                "finish_date": moment if state == "interrupted" else False,
                **values,
            }
        )

    def _worker(self, silent_s=0):
        self.env["cx.tower.worker"]._beat("health-test", "host", 1)
        self.env.cr.execute(
            # two days more: leases begin anew when the database was started, perhaps a moment ago
            "UPDATE cx_tower_worker SET heartbeat = heartbeat - make_interval(days => %s, secs => %s)"
            " WHERE code = 'health-test'",
            (2 if silent_s else 0, silent_s),
        )

    def test_all_is_well(self):
        health = self._health()
        self.assertEqual(
            [(check["name"], check["text"]) for check in health["checks"] if check["status"] != "ok"], []
        )
        self.assertEqual(health["status"], "ok")
        self.assertFalse([check for check in health["checks"] if check["advice"]])
        json.dumps(health, allow_nan=False)  # plain values, whatever the protocol

    def test_waiting_runs(self):
        self._worker()
        for age_s, expected in ((1, "ok"), (400, "warning"), (4000, "error")):
            run = self._run("queued", age_s)
            with self.subTest(age_s=age_s):
                check = self._check("oldest")
                self.assertEqual(check["status"], expected)
                self.assertAlmostEqual(check["value"], age_s, delta=5)
                self.assertEqual(self._check("queue")["value"], 1)
                self.assertEqual(self._status("queue"), "ok")
                self.assertEqual(bool(check["advice"]), expected != "ok")
            run.state = "done"

    def test_a_task_that_fails_is_told(self):
        task = self.env["cx.tower.scheduled.task"].create(
            {
                "name": "Nightly backup",
                "command_id": self.command.id,
                "server_ids": [(6, 0, self.server.ids)],
                "manager_ids": [(6, 0, self.manager.ids)],
            }
        )
        self.assertEqual(self._status("failing"), "ok")
        task.failing_since = fields.Datetime.now()
        check = self._check("failing", self.manager)
        self.assertEqual((check["status"], check["value"]), ("warning", 1))
        self.assertIn("Nightly backup", check["text"])
        self.assertTrue(check["advice"])
        action = self.env["cetmix.tower"].with_user(self.manager).open_health_check("failing")
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), task)
        self.assertEqual(self._check("failing", self.manager_2)["value"], 0)
        task.active = False
        self.assertEqual(self._status("failing"), "ok")

    def test_held_runs_and_retries_do_not_wait_for_a_slot(self):
        later = fields.Datetime.now() + timedelta(hours=1)
        self._run("queued", 4000, is_held=True)
        self._run("queued", 4000, retry_at=later)
        self._run("queued", 1, retry_at=fields.Datetime.now() - timedelta(minutes=1))
        self.assertEqual(self._check("queue")["value"], 1)
        self.assertEqual(self._status("oldest"), "ok")
        self.assertEqual(self._check("retries")["value"], 1)

    def test_nobody_takes_runs(self):
        self._run("queued", 200)
        self._worker(silent_s=60)
        self.assertEqual(self._check("workers")["value"], 0)
        self.assertEqual((self._status("workers"), self._status("queue")), ("error", "error"))
        self._worker()
        self.assertEqual((self._status("workers"), self._status("queue")), ("ok", "ok"))

    def test_running_and_interrupted(self):
        self._worker()
        self._run("running")
        self._run("interrupted", 3600)
        self._run("interrupted", 3 * 86400)  # too long ago
        self.assertEqual(self._check("running")["value"], 1)
        check = self._check("interrupted")
        self.assertEqual((check["value"], check["status"]), (1, "warning"))

    def test_dispatcher(self):
        cron = self.env.ref("cetmix_tower_server.ir_cron_dispatch_runs")
        for age_s, expected in ((60, "ok"), (400, "warning"), (1000, "error")):
            self.env.cr.execute(
                "UPDATE ir_cron SET lastcall = clock_timestamp() AT TIME ZONE 'UTC' - make_interval(secs => %s)"
                " WHERE id = %s",
                (age_s, cron.id),
            )
            with self.subTest(age_s=age_s):
                self.assertEqual(self._status("cron"), expected)
        cron.active = False
        check = self._check("cron")
        self.assertEqual(check["status"], "error")
        self.assertIn("switched off", check["text"])

    def test_servers_that_cannot_be_reached(self):
        servers = self.server
        for number in range(4):
            servers |= self._new_server(f"Broken {number}")
        servers.write({"connection_state": "failed", "connection_message": "no route to host"})
        check = self._check("servers")
        self.assertEqual((check["status"], check["value"]), ("error", 5))
        self.assertIn("Broken 0: no route to host", check["text"])
        self.assertIn("2 more", check["text"])
        action = self.env["cetmix.tower"].with_user(self.root).open_health_check("servers")
        found = self.env[action["res_model"]].with_user(self.root).search(action["domain"])
        self.assertEqual(found, servers)

    def test_overdue_schedules(self):
        task = self.env["cx.tower.scheduled.task"].create(
            {
                "name": "Late",
                "action": "command",
                "command_id": self.command.id,
                "server_ids": [(6, 0, self.server.ids)],
            }
        )
        task.next_call = fields.Datetime.now() + timedelta(hours=1)
        self.assertEqual(self._status("schedules"), "ok")
        self.env.cr.execute(
            "UPDATE cx_tower_scheduled_task SET next_call = now() - interval '1 hour' WHERE id = %s",
            (task.id,),
        )
        self.env.invalidate_all()
        self.assertEqual(self._status("schedules"), "warning")

    def test_vault(self):
        self._new_secret()
        self.assertEqual(self._status("vault"), "ok")
        self.env.cr.execute("UPDATE cx_tower_vault SET data = 'v1.0000000000000000.AAAA'")
        check = self._check("vault")
        self.assertEqual(check["status"], "error")
        self.assertIn("missing", check["text"])

    def test_clock_and_output(self):
        base = self.env["cetmix.tower"]._health_facts()
        checks = self.env["cetmix.tower"]
        for difference, expected in ((0.1, "ok"), (-5, "warning"), (300, "error")):
            self.assertEqual(checks._health_clock({**base, "clock": difference})["status"], expected)
        self.assertEqual(checks._health_output({**base, "size_mb": 100})["status"], "ok")
        self.assertEqual(checks._health_output({**base, "size_mb": 5000})["status"], "warning")
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.log_retention_days", "30")
        self.assertEqual(checks._health_output({**base, "size_mb": 5000})["status"], "ok")
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.log_retention_mb", "1000")
        self.assertEqual(checks._health_output({**base, "size_mb": 5000})["status"], "warning")

    def test_managers_see_what_concerns_their_servers(self):
        self._worker()
        self._run("queued", 4000)
        self._run("queued", 8000, self.foreign)
        self._run("interrupted", 60, self.foreign)
        self.foreign.write({"connection_state": "failed", "connection_message": "a foreign secret"})
        self.assertEqual(self._check("queue")["value"], 2)
        own = self._health(self.manager)
        values = {check["name"]: check["value"] for check in own["checks"]}
        self.assertEqual((values["queue"], values["interrupted"], values["servers"]), (1, 0, 0))
        self.assertAlmostEqual(values["oldest"], 4000, delta=5)
        self.assertNotIn("foreign", json.dumps(own).lower())
        self.assertFalse({"vault", "output", "clock"} & set(values))
        self.assertEqual(self._check("servers", self.manager_2)["value"], 1)

    def test_users_and_outsiders_see_nothing(self):
        for person in (self.user, self.outsider):
            tower = self.env["cetmix.tower"].with_user(person)
            with self.subTest(person=person.name):
                with self.assertRaises(AccessError):
                    tower.get_health()
                with self.assertRaises(AccessError):
                    tower.open_health_check("queue")

    def test_what_is_behind_the_checks(self):
        self._run("queued", 10)
        self._run("interrupted", 10)
        tower = self.env["cetmix.tower"].with_user(self.root)
        for check in tower.get_health()["checks"]:
            name = check["name"]
            with self.subTest(name):
                if not check["has_details"]:
                    with self.assertRaises(ValidationError):
                        tower.open_health_check(name)
                    continue
                action = tower.open_health_check(name)
                if name in ("vault", "output"):
                    self.assertEqual(action["res_model"], "cx.tower.settings.page")
                    continue
                count = self.env[action["res_model"]].with_user(self.root).search_count(action["domain"])
                if name != "oldest":
                    self.assertEqual(count, check["value"])
        for name in ("workers", "vault", "nonsense"):
            with self.subTest(name), self.assertRaises(ValidationError):
                self.env["cetmix.tower"].with_user(self.manager).open_health_check(name)

    def test_same_queries_for_any_number(self):
        self._health()
        self._health(self.manager)
        counts = []
        for number in (1, 20):
            for _index in range(number):
                self._run("queued", 500)
                self._run("interrupted", 60)
                server = self._new_server(managers=self.manager)
                server.write({"connection_state": "failed", "connection_message": "x"})
            for person in (self.root, self.manager):
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                self._health(person)
                counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[:2], counts[2:])
        self.assertLess(max(counts), 40)
