"""Who may do what with jet templates, what belongs to them, states and installations."""

from odoo.addons.cetmix_tower_server.tests.access_case import ANY, LEVELS, OWN, ROLES
from odoo.tests import tagged

from .jet_access_case import JetAccessCase, telling

# of the template that a record belongs to
OF_TEMPLATE = {"template": LEVELS, "role": ROLES, "jet": ROLES}


def user_reads(s):
    """Return whether a person of level User, or a Manager, reads the template because of a line for Users."""
    return s.template == "1" or s.role == "users" or s.jet == "users"


def manager_reads(s):
    return s.template <= "2" or s.role in ANY


def manager_writes(s):
    return s.template <= "2" and s.role == "managers"


@tagged("post_install", "-at_install")
class TestTemplateAccess(JetAccessCase):
    def _template_in(self, name, s):
        return self._template_of(name, s.template, s.role, s.jet)

    def test_template(self):
        lines = [
            ("u", "R", user_reads),
            ("m", "R", manager_reads),
            ("m", "CRU", manager_writes),
            ("m", "D", lambda s: manager_writes(s) and s.own),
            ("r", "CRUD", lambda s: True),
        ]

        def make(name, s):
            vals = self._template_vals(name, s.template, s.role)
            template = self._make("cx.tower.jet.template", vals, s.own, self.people[name])
            return self._with_jet(template, name, s.jet)

        self._check_all(
            lines,
            {**OF_TEMPLATE, "own": OWN},
            make,
            change={"note": "changed"},
            create=lambda name, s: self._template_vals(name, s.template, s.role),
        )

    def test_action(self):
        lines = [
            ("u", "R", lambda s: s.level == "1" and user_reads(s)),
            ("m", "R", lambda s: s.level <= "2" and manager_reads(s)),
            ("m", "CRUD", lambda s: s.level <= "2" and s.role == "managers"),
            ("r", "CRUD", lambda s: True),
        ]

        def values(name, s):
            return {
                "name": "Start",
                "jet_template_id": self._template_in(name, s).id,
                "access_level": s.level,
                "state_from_id": self.draft.id,
                "state_transit_id": self.running.id,
                "state_to_id": self.draft.id,
            }

        self._check_all(
            lines,
            {"level": LEVELS, **OF_TEMPLATE},
            lambda name, s: self._make("cx.tower.jet.action", values(name, s), False, self.people[name]),
            change={"note": "changed"},
            create=values,
        )

    def test_dependency(self):
        """It follows the template that has it; Users see none."""
        lines = [
            ("m", "R", lambda s: manager_reads(s) or user_reads(s)),
            ("m", "CRUD", manager_writes),
            ("r", "CRUD", lambda s: True),
        ]

        def values(name, s):
            return {
                "template_id": self._template_in(name, s).id,
                "template_required_id": self.template.id,
                "state_required_id": self.running.id,
            }

        def make(name, s):
            self._template_in(name, s).template_requires_ids.unlink()
            return self._make("cx.tower.jet.template.dependency", values(name, s), False, self.people[name])

        self._check_all(lines, OF_TEMPLATE, make, change={"where": "any"})
        for name, person in self.people.items():
            Dependency = self.env["cx.tower.jet.template.dependency"].with_user(person)
            for s in filter(telling, self._situations(**OF_TEMPLATE)):
                self._template_in(name, s).template_requires_ids.unlink()
                with self.subTest(person=name, **vars(s)):
                    vals = values(name, s)
                    allowed = "C" in self._allowed(lines, s, name)
                    self.assertEqual(
                        self._tries(lambda vals=vals, Dependency=Dependency: Dependency.create(vals)), allowed
                    )

    def test_values(self):
        """They follow the template and their own level."""
        variable = self.env["cx.tower.variable"].create({"name": "image", "access_level": "1"})
        lines = [
            ("u", "R", lambda s: s.level == "1" and user_reads(s)),
            ("m", "R", lambda s: s.level <= "2" and manager_reads(s)),
            ("m", "CRU", lambda s: s.level <= "2" and manager_writes(s)),
            ("m", "D", lambda s: s.level <= "2" and manager_writes(s) and s.own),
            ("r", "CRUD", lambda s: True),
        ]

        def make(name, s):
            template = self._template_in(name, s)
            template.variable_value_ids.unlink()
            vals = {
                "variable_id": variable.id,
                "access_level": s.level,
                "jet_template_id": template.id,
                "value_char": "nginx",
            }
            return self._make("cx.tower.variable.value", vals, s.own, self.people[name])

        self._check_all(
            lines, {"level": LEVELS, **OF_TEMPLATE, "own": OWN}, make, change={"value_char": "httpd"}
        )

    def test_files(self):
        """They follow the template; Users see none."""
        lines = [
            ("m", "R", lambda s: manager_reads(s) or user_reads(s)),
            ("m", "CRU", manager_writes),
            ("m", "D", lambda s: manager_writes(s) and s.own),
            ("r", "CRUD", lambda s: True),
        ]

        def values(name, s):
            return {"name": "f", "server_dir": "/tmp", "jet_template_id": self._template_in(name, s).id}

        self._check_all(
            lines,
            {**OF_TEMPLATE, "own": OWN},
            lambda name, s: self._make("cx.tower.file", values(name, s), s.own, self.people[name]),
            change={"code": "changed"},
            create=values,
        )

    def test_server_logs(self):
        """They follow the template and their own level; Users see none."""
        command = self._new_command("Log", access_level="2")
        lines = [
            ("m", "R", lambda s: s.level <= "2" and (manager_reads(s) or user_reads(s))),
            ("m", "CRU", lambda s: s.level <= "2" and manager_writes(s)),
            ("m", "D", lambda s: s.level <= "2" and manager_writes(s) and s.own),
            ("r", "CRUD", lambda s: True),
        ]

        def values(name, s):
            return {
                "name": "Log",
                "command_id": command.id,
                "access_level": s.level,
                "jet_template_id": self._template_in(name, s).id,
            }

        self._check_all(
            lines,
            {"level": LEVELS, **OF_TEMPLATE, "own": OWN},
            lambda name, s: self._make("cx.tower.server.log", values(name, s), s.own, self.people[name]),
            change={"name": "changed"},
            create=values,
        )


@tagged("post_install", "-at_install")
class TestStateAccess(JetAccessCase):
    def test_state(self):
        """Everybody reads the states of their level, Root changes them."""
        self._check_all(
            [
                ("u", "R", lambda s: s.level == "1"),
                ("m", "R", lambda s: s.level <= "2"),
                ("r", "CRUD", lambda s: True),
            ],
            {"level": LEVELS},
            lambda name, s: self.env["cx.tower.jet.state"].create({"name": "New", "access_level": s.level}),
            change={"note": "changed"},
            create=lambda name, s: {"name": "New", "access_level": s.level},
        )


@tagged("post_install", "-at_install")
class TestInstallationAccess(JetAccessCase):
    """Managers read installations where they may read both the server and the template. Installing creates them."""

    LINES = [
        ("m", "R", lambda s: s.server in ANY and (manager_reads(s) or user_reads(s))),
        ("r", "CRUD", lambda s: True),
    ]

    def _installation_values(self, name, s):
        return {
            "server_id": self.servers[name, s.server].id,
            "jet_template_id": self._template_of(name, s.template, s.role, s.jet).id,
            "state": "done",
        }

    def test_installation(self):
        self._check_all(
            self.LINES,
            {"server": ROLES, **OF_TEMPLATE},
            lambda name, s: self.env["cx.tower.jet.template.install"].create(
                self._installation_values(name, s)
            ),
            change={"message": "forged"},
            create=self._installation_values,
        )

    def test_lines(self):
        def make(name, s):
            values = self._installation_values(name, s)
            installation = self.env["cx.tower.jet.template.install"].create(values)
            return self.env["cx.tower.jet.template.install.line"].create(
                {"jet_template_install_id": installation.id, "jet_template_id": values["jet_template_id"]}
            )

        self._check_all(self.LINES, {"server": ROLES, **OF_TEMPLATE}, make, change={"message": "forged"})
