"""Who may do what with flight plans, their lines and post-run actions."""

from odoo.tests import tagged

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase
from ..common import slow

SERVERS = ("none", *ROLES)


def _plan_lines(level, own):
    """Return the lines of the matrix for something that belongs to a plan.

    :param level: function of a situation: the level that counts
    :param own: function of a situation: whether the person created the plan
    """
    return [
        ("u", "R", lambda s: level(s) == "1" and s.role == "users"),
        ("u", "R", lambda s: level(s) == "1" and s.server == "users"),
        ("m", "R", lambda s: level(s) <= "2" and s.server == "none"),
        ("m", "R", lambda s: level(s) <= "2" and s.role in ANY),
        ("m", "R", lambda s: level(s) <= "2" and s.server in ANY),
        ("m", "CRU", lambda s: level(s) <= "2" and s.role == "managers"),
        ("m", "CRUD", lambda s: level(s) <= "2" and s.role == "managers" and own(s)),
        ("r", "CRUD", lambda s: True),
    ]


class PlanMatrixCase(AccessMatrixCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.command = cls._new_command("For all", access_level="2")

    def _plan_vals(self, s, name):
        """Return values of a plan; its server: "none" when none is set, else the person's role on the one that is."""
        server = self.servers[name, s.server] if s.server != "none" else None
        return {
            "name": "Plan",
            "access_level": s.level,
            "server_ids": [(6, 0, server.ids if server else [])],
            **self._roles(**self._role(self.people[name], s.role)),
        }

    def _make_plan(self, s, name, mine):
        return self._make("cx.tower.plan", self._plan_vals(s, name), mine, self.people[name])

    def _make_line(self, plan):
        return self.env["cx.tower.plan.line"].create({"plan_id": plan.id, "command_id": self.command.id})

    def _make_action(self, line):
        vals = {"line_id": line.id, "condition": "!=", "value_char": "0", "action": "n"}
        return self.env["cx.tower.plan.line.action"].create(vals)


@tagged("post_install", "-at_install")
class TestPlanAccess(PlanMatrixCase):
    @slow
    def test_plan(self):
        for name in self.people:

            def create(s, name=name):
                # linking a server changes it, too: one that is not managed has a test of its own
                not_managed = s.server in ("", "users")
                return {**self._plan_vals(s, name), **({"server_ids": []} if not_managed else {})}

            self._check(
                _plan_lines(lambda s: s.level, lambda s: s.own),
                self._situations(level=LEVELS, role=ROLES, server=SERVERS, own=OWN),
                lambda s, name=name: self._make_plan(s, name, s.own),
                name,
                change={"note": "changed"},
                create=create,
            )

    @slow
    def test_line(self):
        """As its plan: "mine" is who created the plan, whoever added the line."""
        for name in self.people:
            self._check(
                _plan_lines(lambda s: s.level, lambda s: s.mine),
                self._situations(level=LEVELS, role=ROLES, server=SERVERS, mine=OWN),
                lambda s, name=name: self._make_line(self._make_plan(s, name, s.mine)),
                name,
                change={"condition": "1 == 1"},
                create=lambda s, name=name: {
                    "plan_id": self._make_plan(s, name, s.mine).id,
                    "command_id": self.command.id,
                },
            )

    @slow
    def test_post_run_action(self):
        for name in self.people:
            self._check(
                _plan_lines(lambda s: s.level, lambda s: s.mine),
                self._situations(level=LEVELS, role=ROLES, server=SERVERS, mine=OWN),
                lambda s, name=name: self._make_action(self._make_line(self._make_plan(s, name, s.mine))),
                name,
                change={"custom_exit_code": 7},
                create=lambda s, name=name: {
                    "line_id": self._make_line(self._make_plan(s, name, s.mine)).id,
                    "condition": "==",
                    "value_char": "1",
                    "action": "e",
                },
            )

    @slow
    def test_value_of_a_post_run_action(self):
        """As the plan and its own level; a plan of level "3" hides what is open to users."""
        variable = self.env["cx.tower.variable"].create({"name": "Of an action", "access_level": "1"})
        levels = [("1", "1"), ("2", "1"), ("3", "1"), ("1", "2"), ("2", "2"), ("1", "3")]
        for name in self.people:

            def vals(s, name=name):
                s.level, s.value_level = s.levels
                line = self._make_line(self._make_plan(s, name, s.mine))
                return {
                    "variable_id": variable.id,
                    "plan_line_action_id": self._make_action(line).id,
                    "value_char": "v",
                    "access_level": s.value_level,
                }

            self._check(
                _plan_lines(lambda s: max(s.levels), lambda s: s.mine),
                self._situations(levels=levels, role=ROLES, server=("none", "", "users"), mine=OWN),
                lambda s, vals=vals: self.env["cx.tower.variable.value"].create(vals(s)),
                name,
                change={"value_char": "changed"},
                create=vals,
            )

    def test_plan_of_an_archived_server_is_not_for_all_servers(self):
        server = self._new_server()
        plan = self._new_plan("A", [self.command], access_level="2", server_ids=[(6, 0, server.ids)])
        action = self._make_action(plan.line_ids)
        server.action_archive()
        self.env.invalidate_all()
        for record in (plan, plan.line_ids, action):
            with self.subTest(record._name):
                self.assertFalse(record.with_user(self.manager).has_access("read"))
                self.assertFalse(record.with_user(self.manager).search([("id", "=", record.id)]))


@tagged("post_install", "-at_install")
class TestPlanAccessBypass(PlanMatrixCase):
    """Ways around the table are closed, too."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mine = cls._new_plan("Mine", [cls.command], managers=cls.manager)
        cls.others = cls._new_plan("Others", [cls.command])
        cls.hidden_command = cls._new_command("Hidden", access_level="3")
        cls.hidden_plan = cls._new_plan("Hidden", access_level="3")

    def test_a_record_cannot_be_moved_to_where_creating_it_is_refused(self):
        variable = self.env["cx.tower.variable"].create({"name": "V", "access_level": "1"})
        mine, others = (self._make_action(plan.line_ids) for plan in (self.mine, self.others))
        value = self.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "plan_line_action_id": mine.id, "value_char": "x"}
        )
        for record, vals in [
            (self.mine, {"access_level": "3"}),
            (self.mine.line_ids, {"plan_id": self.others.id}),
            (mine, {"line_id": self.others.line_ids.id}),
            (value, {"plan_line_action_id": others.id}),
            (value, {"plan_line_action_id": False}),
            (value, {"access_level": "3"}),
        ]:
            with self.subTest(model=record._name, **vals):
                own = record.with_user(self.manager)
                self.assertTrue(own.has_access("write"))
                self.assertFalse(self._tries(lambda own=own, vals=vals: own.write(vals)))

    def test_running_something_needs_the_right_to_read_it(self):
        mine = self.mine.with_user(self.manager)
        line = mine.line_ids
        hidden, plan = self.hidden_command, self.hidden_plan
        own_command = self._new_command("Own", managers=self.manager).with_user(self.manager)
        runs_plan = {"name": "Runs it", "action": "plan", "flight_plan_id": plan.id}
        for number, attempt in enumerate(
            (
                lambda: line.write({"command_id": hidden.id}),
                lambda: line.create({"plan_id": mine.id, "command_id": hidden.id}),
                lambda: line.with_context(default_command_id=hidden.id).create({"plan_id": mine.id}),
                lambda: mine.write({"line_ids": [(0, 0, {"command_id": hidden.id})]}),
                lambda: mine.write({"line_ids": [(1, line.id, {"command_id": hidden.id})]}),
                lambda: own_command.write({"action": "plan", "flight_plan_id": plan.id}),
                lambda: own_command.create(runs_plan),
                lambda: mine.write({"server_ids": [(4, self.servers["manager", ""].id)]}),
            )
        ):
            with self.subTest(number):
                self.assertFalse(self._tries(attempt))
        self.assertTrue(self._tries(lambda: line.write({"command_id": own_command.id})))
        self.assertTrue(
            self._tries(lambda: own_command.write({"action": "plan", "flight_plan_id": self.others.id}))
        )

    def test_a_plan_keeps_commands_above_the_level_of_its_manager(self):
        """Root may put them there; managers go on changing the plan, but take them nowhere else."""
        self.mine.line_ids = [(0, 0, {"command_id": self.hidden_command.id})]
        self.env.invalidate_all()
        mine = self.mine.with_user(self.manager)
        mine.write({"name": "Changed", "line_ids": [(1, mine.line_ids[1].id, {"condition": "True"})]})
        self.assertFalse(self._tries(lambda: mine.copy()))

    def test_managers_use_python_commands_that_they_may_read(self):
        python = self._new_command("Python", action="python_code", code="pass")
        self.mine.with_user(self.manager).write({"line_ids": [(0, 0, {"command_id": python.id})]})
        self.assertEqual(self.mine.line_ids[-1].command_id, python)
        # which gives no right on its code
        self.assertFalse(self._tries(lambda: python.with_user(self.manager).write({"code": "raise"})))

    def test_a_copy_belongs_to_who_made_it(self):
        copy = self.others.with_user(self.manager).copy()
        self.assertEqual((copy.sudo().user_ids, copy.sudo().manager_ids), (self.manager, self.manager))
        copy.line_ids.unlink()
        copy.unlink()
        self.assertFalse(self._tries(lambda: self.others.with_user(self.manager).unlink()))

    def test_a_whole_plan_in_one_call(self):
        """As a form saves it: lines, actions and values are written with the rights on their new plan."""
        variable = self.env["cx.tower.variable"].create({"name": "V", "access_level": "2"})
        value = {"variable_id": variable.id, "value_char": "x"}
        action = {"condition": "==", "value_char": "1", "variable_value_ids": [(0, 0, value)]}
        line = {"command_id": self.command.id, "action_ids": [(0, 0, action)]}
        plan = (
            self.env["cx.tower.plan"]
            .with_user(self.manager)
            .create({"name": "Whole", "line_ids": [(0, 0, line)]})
        )
        self.assertEqual(plan.line_ids.action_ids.variable_value_ids.value_char, "x")

    def test_fields_and_methods_that_are_closed(self):
        own = self._new_plan("Own", [self.command], users=self.user, access_level="1")
        self.assertFalse(self._tries(lambda: own.with_user(self.user).read(["manager_ids"])))
        action = self._make_action(self.hidden_plan.line_ids or self._make_line(self.hidden_plan))
        attempts = (
            lambda p: self.hidden_plan.with_user(p).action_run_flight_plan(),
            lambda p: self.hidden_command.with_user(p).action_open_plans(),
            lambda p: action.with_user(p).get_variable_value("x"),
            lambda p: action.with_user(p).set_variable_value("x", "y"),
            lambda p: self.hidden_plan.with_user(p).copy(),
        )
        for person in (self.outsider, self.user, self.manager):
            for number, attempt in enumerate(attempts):
                with self.subTest(person=person.login, number=number):
                    self.assertFalse(self._tries(lambda attempt=attempt, person=person: attempt(person)))

    def test_tagging_a_plan_is_changing_it(self):
        tag = self.env["cx.tower.tag"].with_user(self.manager).create({"name": "Tag"})
        self.assertFalse(self._tries(lambda: tag.write({"plan_ids": [(4, self.others.id)]})))
        tag.write({"plan_ids": [(4, self.mine.id)]})
        self.assertEqual(self.mine.tag_ids, tag)
