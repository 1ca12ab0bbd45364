from datetime import datetime

from freezegun import freeze_time
from odoo.tests import new_test_user

from ..run.run_case import RunCase

SATURDAY = datetime(2026, 11, 21, 12, 0)


class ScheduledTaskCase(RunCase):
    """A scheduled task that runs a command, people who may own it, and a cron that runs when the test says so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Task = cls.env["cx.tower.scheduled.task"]
        cls.Log = cls.env["cx.tower.command.log"]
        cls.Task.search([]).active = False
        cls.command = cls.env["cx.tower.command"].create(
            {
                "name": "Routine",
                "action": "python_code",
                "code": 'result = {"exit_code": 0, "message": user.login}',
                "access_level": "2",
            }
        )
        cls.manager_2 = new_test_user(cls.env, "run_manager_2", "cetmix_tower_server.group_manager")
        people = cls.root | cls.manager | cls.manager_2 | cls.user
        people.write({"group_ids": [(4, cls.env.ref("base.group_user").id)]})

    def new_task(self, person=None, **values):
        facts = {
            "name": "Task",
            "command_id": self.command.id,
            "server_ids": self.server.ids,
            "interval_number": 1,
            "interval_type": "days",
            "next_call": SATURDAY,
        }
        return self.Task.with_user(person or self.manager).create(facts | values).with_env(self.env)

    def new_server(self, name="Other", **values):
        facts = {"name": name, "ip_v4_address": "127.0.0.1", "ssh_username": "tower"}
        facts |= {"user_ids": False, "manager_ids": self.manager.ids}
        return self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True).create(facts | values)

    def tick(self, now=SATURDAY):
        self.env.flush_all()  # tasks have transactions of their own
        with freeze_time(now):
            self.Task._run_scheduled_tasks()
        self.env.invalidate_all()

    def runs(self, task):
        return self.Log.search([("scheduled_task_id", "=", task.id)], order="id")
