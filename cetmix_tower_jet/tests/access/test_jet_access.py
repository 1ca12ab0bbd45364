"""Who may do what with jets, and with what belongs to them."""

from odoo.addons.cetmix_tower_server.tests.access_case import ANY, LEVELS, OWN, ROLES
from odoo.tests import tagged

from .jet_access_case import JetAccessCase, telling

ON_JET = {"role": ROLES, "server": ROLES}


def user_reads(s):
    """Return whether a person of level User reads the jet."""
    return s.role == "users" and s.server == "users"


def manager_reads(s):
    return s.role in ANY and s.server in ANY


def manager_writes(s):
    return s.role == "managers" and s.server in ANY


def follows_jet(level=lambda s: "1"):
    """Return the lines of what belongs to a jet.

    :param level: function of a situation that returns the level of the record
    """
    return [
        ("u", "R", lambda s: level(s) == "1" and user_reads(s)),
        ("m", "R", lambda s: level(s) <= "2" and manager_reads(s)),
        ("m", "CRU", lambda s: level(s) <= "2" and manager_writes(s)),
        ("m", "D", lambda s: level(s) <= "2" and manager_writes(s) and s.own),
        ("r", "CRUD", lambda s: True),
    ]


@tagged("post_install", "-at_install")
class TestJetAccess(JetAccessCase):
    def test_jet(self):
        self._check_all(
            follows_jet(),
            {**ON_JET, "own": OWN},
            lambda name, s: self._make(
                "cx.tower.jet", self._jet_vals(name, s.role, s.server), s.own, self.people[name]
            ),
            change={"note": "changed"},
            create=lambda name, s: self._jet_vals(name, s.role, s.server),
        )

    def _belonging(self, model, person, s, **values):
        """Create a record of a jet in a situation towards a person."""
        return self._make(
            model,
            {"jet_id": self._jet(person, s.role, s.server).id, **values},
            getattr(s, "own", False),
            self.people[person],
        )

    def test_values(self):
        """They follow the jet and their own level."""
        variable = self.env["cx.tower.variable"].create({"name": "port", "access_level": "1"})

        def values(s):
            return {"variable_id": variable.id, "access_level": s.level, "value_char": "8000"}

        self._check_all(
            follows_jet(lambda s: s.level),
            {"level": LEVELS, **ON_JET, "own": OWN},
            lambda name, s: self._fresh(
                self._jet(name, s.role, s.server).variable_value_ids,
                lambda: self._belonging("cx.tower.variable.value", name, s, **values(s)),
            ),
            change={"value_char": "8001"},
        )

    @staticmethod
    def _fresh(others, make):
        """Delete the records of other situations, then make one."""
        others.unlink()
        return make()

    def test_creating_values(self):
        variable = self.env["cx.tower.variable"].create({"name": "port", "access_level": "1"})
        for name in self.people:
            for s in self._situations(level=LEVELS, **ON_JET):
                vals = {
                    "variable_id": variable.id,
                    "access_level": s.level,
                    "jet_id": self._jet(name, s.role, s.server).id,
                    "value_char": "8000",
                }
                Value = self.env["cx.tower.variable.value"].with_user(self.people[name])
                s.own = True
                with self.subTest(person=name, **vars(s)):
                    allowed = "C" in self._allowed(follows_jet(lambda s: s.level), s, name)
                    self.assertEqual(self._tries(lambda Value=Value, vals=vals: Value.create(vals)), allowed)

    def test_files(self):
        def values(_name=None, _s=None):
            return {"name": f"file_{len(self.kept)}", "server_dir": "/tmp"}

        self._check_all(
            follows_jet(),
            {**ON_JET, "own": OWN},
            lambda name, s: self._belonging("cx.tower.file", name, s, **values()),
            change={"code": "changed"},
            create=lambda name, s: {**values(), "jet_id": self._jet(name, s.role, s.server).id},
        )

    def test_server_logs(self):
        command = self._new_command("Log", access_level="2")

        def values(s):
            return {"name": "Log", "command_id": command.id, "access_level": s.level}

        self._check_all(
            follows_jet(lambda s: s.level),
            {"level": LEVELS, **ON_JET, "own": OWN},
            lambda name, s: self._belonging("cx.tower.server.log", name, s, **values(s)),
            change={"name": "changed"},
            create=lambda name, s: {**values(s), "jet_id": self._jet(name, s.role, s.server).id},
        )

    def test_dependencies(self):
        """Everybody who reads one of the two jets reads the link; who may change the jet that has it changes it."""
        lines = [
            ("u", "R", lambda s: user_reads(s) or (s.other_role == "users" and s.other_server == "users")),
            ("m", "R", lambda s: manager_reads(s) or (s.other_role in ANY and s.other_server in ANY)),
            ("m", "UD", manager_writes),
            ("m", "C", lambda s: manager_writes(s) and s.other_role in ANY and s.other_server in ANY),
            ("r", "CRUD", lambda s: True),
        ]

        def ends(name, s):
            return {
                "jet_id": self._jet(name, s.role, s.server).id,
                "jet_depends_on_id": self._other(name, s.other_role, s.other_server).id,
            }

        self._check_all(
            lines,
            {**ON_JET, "other_role": ROLES, "other_server": ROLES},
            lambda name, s: self._make("cx.tower.jet.dependency", ends(name, s), False, self.people[name]),
            change={"jet_depends_on_id": False},
        )
        self.env["cx.tower.jet.dependency"].search([]).unlink()
        for name in self.people:
            Dependency = self.env["cx.tower.jet.dependency"].with_user(self.people[name])
            for s in filter(telling, self._situations(**ON_JET, other_role=ROLES, other_server=ROLES)):
                with self.subTest(person=name, **vars(s)):
                    allowed = "C" in self._allowed(lines, s, name)
                    vals = ends(name, s)
                    self.assertEqual(
                        self._tries(lambda vals=vals, Dependency=Dependency: Dependency.create(vals)), allowed
                    )

    def _other(self, name, role, server):
        key = ("other", name, role, server)
        if key not in self.kept:
            self.kept[key] = self.env["cx.tower.jet"].create(self._jet_vals(name, role, server))
        return self.kept[key]

    def test_dependencies_that_no_jet_serves(self):
        self._check_all(
            [
                ("u", "R", user_reads),
                ("m", "R", manager_reads),
                ("m", "CRUD", manager_writes),
                ("r", "CRUD", lambda s: True),
            ],
            ON_JET,
            lambda name, s: self._belonging("cx.tower.jet.dependency", name, s),
            change={"jet_depends_on_id": False},
            create=lambda name, s: {"jet_id": self._jet(name, s.role, s.server).id},
        )

    def test_requests(self):
        """Only Root sees requests."""
        self._check_all(
            [("r", "CRUD", lambda s: True)],
            ON_JET,
            lambda name, s: self._belonging(
                "cx.tower.jet.request",
                name,
                s,
                server_id=self.servers[name, s.server].id,
                jet_template_id=self.template.id,
                state_requested_id=self.running.id,
            ),
            change={"message": "changed"},
        )


@tagged("post_install", "-at_install")
class TestTransitionAccess(JetAccessCase):
    def test_transitions(self):
        """The history is read with the jet, up to the level of the action. Nobody writes it, Root deletes what has ended."""
        lines = [
            ("u", "R", lambda s: s.level == "1" and user_reads(s)),
            ("m", "R", lambda s: s.level <= "2" and manager_reads(s)),
            ("r", "R", lambda s: True),
            ("r", "D", lambda s: s.state not in ("waiting", "running")),
        ]

        def values(name, s):
            return {
                "jet_id": self._jet(name, s.role, s.server).id,
                "access_level": s.level,
                "state": s.state,
                "user_id": self.people[name].id,
            }

        def make(name, s):
            self.env["cx.tower.jet.transition"].search([]).unlink()
            return self.env["cx.tower.jet.transition"].create(values(name, s))

        self._check_all(
            lines,
            {"level": LEVELS, **ON_JET, "state": ("waiting", "running", "done", "corrected")},
            make,
            change={"message": "forged"},
            create=values,
        )


@tagged("post_install", "-at_install")
class TestRunAccess(JetAccessCase):
    """Runs on jets: as on servers, and only for people of the jet."""

    LINES = [
        ("u", "R", lambda s: s.mine and user_reads(s)),
        ("m", "R", lambda s: s.mine and s.server == "users" and s.role in ANY),
        ("m", "R", lambda s: s.level <= "2" and manager_reads(s)),
        ("r", "RD", lambda s: True),
    ]
    SITUATIONS = {"level": LEVELS, **ON_JET, "mine": OWN}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.commands = {level: cls._new_command(access_level=level) for level in LEVELS}
        cls.plans = {level: cls._new_plan(access_level=level) for level in LEVELS}

    def _command_log(self, name, s):
        values = {**self._run_values(name, s), "command_id": self.commands[s.level].id}
        return self.env["cx.tower.command.log"].create(values)

    def _run_values(self, name, s):
        jet = self._jet(name, s.role, s.server)
        return {
            "jet_id": jet.id,
            "server_id": jet.server_id.id,
            "user_id": (self.people[name] if s.mine else self.manager_2).id,
            "state": "done",
        }

    def test_command_logs(self):
        self._check_all(
            self.LINES,
            self.SITUATIONS,
            self._command_log,
            change={"label": "forged"},
            create=lambda name, s: {**self._run_values(name, s), "command_id": self.commands[s.level].id},
        )

    def test_output(self):
        Output = self.env["cx.tower.command.log.output"]
        for name, person in self.people.items():
            for s in self._situations(**self.SITUATIONS):
                log = self._command_log(name, s)
                output = Output.create({"log_id": log.id, "start_offset": 0, "end_offset": 1})
                with self.subTest(person=name, **vars(s)):
                    found = self._search(output.with_user(person))
                    self.assertEqual(found, "R" in self._allowed(self.LINES, s, name))

    def test_plan_logs(self):
        self._check_all(
            self.LINES,
            self.SITUATIONS,
            lambda name, s: self.env["cx.tower.plan.log"].create(
                {**self._run_values(name, s), "plan_id": self.plans[s.level].id}
            ),
            change={"label": "forged"},
            create=lambda name, s: {**self._run_values(name, s), "plan_id": self.plans[s.level].id},
        )
