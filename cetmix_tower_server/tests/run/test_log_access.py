from odoo.tests import tagged

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase


@tagged("post_install", "-at_install")
class TestLogAccess(AccessMatrixCase):
    def _make_log(self, s, name, person):
        command = self._new_command(access_level=s.level)
        return self.env["cx.tower.command.log"].create(
            {
                "command_id": command.id,
                "server_id": self.servers[name, s.server].id,
                "user_id": (person if s.started else self.manager_2).id,
                "state": "done",
            }
        )

    LOG_LINES = (
        ("u", "R", lambda s: s.started and s.server == "users"),
        ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
        ("r", "RD", lambda s: True),
    )

    def test_command_log(self):
        """Nobody writes by hand; Root deletes."""
        for name, person in self.people.items():
            self._check(
                self.LOG_LINES,
                self._situations(level=LEVELS, server=ROLES, started=OWN),
                lambda s, name=name, person=person: self._make_log(s, name, person),
                name,
                change={"label": "changed"},
                create=lambda s, name=name, person=person: {
                    "command_id": self._new_command(access_level=s.level).id,
                    "server_id": self.servers[name, s.server].id,
                    "user_id": person.id,
                },
            )

    def test_command_log_output(self):
        """Read where the log is; written by the run engine only."""

        def make(s, name, person):
            vals = {"log_id": self._make_log(s, name, person).id, "start_offset": 0, "end_offset": 1}
            return self.env["cx.tower.command.log.output"].create({**vals, "segments": [["o", "x"]]})

        lines = [(group, "R", condition) for group, _operations, condition in self.LOG_LINES]
        for name, person in self.people.items():
            self._check(
                lines,
                self._situations(level=LEVELS, server=ROLES, started=OWN),
                lambda s, name=name, person=person: make(s, name, person),
                name,
                change={"end_offset": 2},
            )
