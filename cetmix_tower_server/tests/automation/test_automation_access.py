"""Who may do what with shortcuts, scheduled tasks and their values."""

from odoo.tests import tagged

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase

TASK_LINES = [
    ("m", "R", lambda s: s.role in ANY),
    ("m", "CRU", lambda s: s.role == "managers"),
    ("m", "CRUD", lambda s: s.role == "managers" and s.mine),
    ("r", "CRUD", lambda s: True),
]


@tagged("post_install", "-at_install")
class TestAutomationAccess(AccessMatrixCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.command = cls._new_command("For all", access_level="2")
        cls.variable = cls.env["cx.tower.variable"].create({"name": "V", "access_level": "2"})

    def test_shortcut(self):
        """Root's, for everybody of its level who may read one of its servers."""
        lines = [
            ("u", "R", lambda s: s.level == "1" and s.server == "users"),
            ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name):
                servers = self.servers[name, s.server] if s.server != "none" else self.command.server_ids
                return {
                    "name": "Shortcut",
                    "access_level": s.level,
                    "command_id": self.command.id,
                    "server_ids": [(6, 0, servers.ids)],
                }

            self._check(
                lines,
                self._situations(level=LEVELS, server=("none", *ROLES), own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.shortcut", vals(s), s.own, person),
                name,
                change={"note": "changed"},
                create=vals,
            )

    def _task_vals(self, s, name):
        return {
            "name": "Task",
            "command_id": self.command.id,
            **self._roles(**self._role(self.people[name], s.role)),
        }

    def _make_task(self, s, name):
        return self._make("cx.tower.scheduled.task", self._task_vals(s, name), s.mine, self.people[name])

    def test_scheduled_task(self):
        for name in self.people:
            self._check(
                TASK_LINES,
                self._situations(role=ROLES, mine=OWN),
                lambda s, name=name: self._make_task(s, name),
                name,
                change={"note": "changed"},
                create=lambda s, name=name: self._task_vals(s, name) if s.mine else self._task_vals(s, name),
            )

    def test_its_values_follow_it(self):
        for name in self.people:

            def vals(s, name=name):
                return {
                    "scheduled_task_id": self._make_task(s, name).id,
                    "variable_id": self.variable.id,
                    "value_char": "x",
                }

            self._check(
                TASK_LINES,
                self._situations(role=ROLES, mine=OWN),
                lambda s, vals=vals: self.env["cx.tower.scheduled.task.cv"].create(vals(s)),
                name,
                change={"value_char": "changed"},
                create=vals,
            )

    def test_nothing_by_a_link(self):
        """What is linked must be readable; what links to a record must be writable."""
        hidden = self._new_command("Hidden", access_level="3")
        hidden_plan = self._new_plan("Hidden", access_level="3")
        hidden_variable = self.env["cx.tower.variable"].create({"name": "H", "access_level": "3"})
        Task = self.env["cx.tower.scheduled.task"]
        values = {"name": "T", "command_id": self.command.id}
        mine = Task.with_user(self.manager).create(values)
        others = Task.with_user(self.manager_2).create(values).with_env(self.env)
        read_only = Task.with_user(self.manager_2).create(
            values | {"user_ids": [(4, self.manager.id)], "server_ids": []}
        )
        read_only = read_only.with_env(self.env)
        server = self.servers["manager", "managers"].with_user(self.manager)
        unseen = self.servers["manager", ""]
        Value = self.env["cx.tower.scheduled.task.cv"].with_user(self.manager)
        value = {"variable_id": self.variable.id, "value_char": "x"}
        own_value = Value.create(value | {"scheduled_task_id": mine.id})
        attempts = (
            lambda: mine.write({"command_id": hidden.id}),
            lambda: mine.write({"action": "plan", "plan_id": hidden_plan.id}),
            lambda: mine.with_context(default_command_id=hidden.id).create({"name": "x"}),
            lambda: mine.write({"server_ids": [(4, unseen.id)]}),
            lambda: mine.write(
                {
                    "custom_variable_value_ids": [
                        (0, 0, {"variable_id": hidden_variable.id, "value_char": "x"})
                    ]
                }
            ),
            lambda: Value.create(value | {"scheduled_task_id": others.id}),
            lambda: Value.create(value | {"scheduled_task_id": read_only.id}),
            lambda: own_value.write({"scheduled_task_id": others.id}),
            lambda: own_value.write({"scheduled_task_id": read_only.id}),
            lambda: server.write({"scheduled_task_ids": [(4, others.id)]}),
            lambda: server.write({"scheduled_task_ids": [(4, read_only.id)]}),
            lambda: server.with_context(default_scheduled_task_ids=read_only.ids).create(
                {"name": "x", "ip_v4_address": "192.0.2.1", "ssh_username": "u", "ssh_password": "p"}
            ),
            lambda: others.with_user(self.manager).action_run(),
            lambda: others.with_user(self.manager).action_open_runs(),
            lambda: mine.write({"user_id": self.root.id}),
        )
        for number, attempt in enumerate(attempts):
            with self.subTest(number):
                self.env.invalidate_all()
                self.assertFalse(self._tries(attempt))
        self.assertTrue(self._tries(lambda: server.write({"scheduled_task_ids": [(4, mine.id)]})))

    def test_users_know_nothing_of_tasks(self):
        task = self.env["cx.tower.scheduled.task"].create({"name": "T", "command_id": self.command.id})
        server = self.servers["user", "users"]
        for attempt in (
            lambda: task.with_user(self.user).read(["name"]),
            lambda: task.with_user(self.user).action_run(),
            lambda: server.with_user(self.user).read(["scheduled_task_ids"]),
            lambda: task.custom_variable_value_ids.with_user(self.user).search([]),
        ):
            self.assertFalse(self._tries(attempt))

    def test_a_server_leaves_without_its_tasks(self):
        task = self.env["cx.tower.scheduled.task"].create(
            {"name": "T", "command_id": self.command.id, "server_ids": self.servers["root", ""].ids}
        )
        self.servers["root", ""].unlink()
        self.assertFalse(task.server_ids)
