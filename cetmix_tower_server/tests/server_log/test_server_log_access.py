"""Who may do what with server logs."""

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase


@tagged("post_install", "-at_install")
class TestServerLogAccess(AccessMatrixCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.command = cls._new_command("For all", access_level="2")

    def _log_vals(self, s, name):
        return {
            "name": "Log",
            "server_id": self.servers[name, s.server].id,
            "command_id": self.command.id,
            "access_level": s.level,
        }

    def test_server_log(self):
        """Follows its server and its own level."""
        lines = [
            ("u", "R", lambda s: s.level == "1" and s.server == "users"),
            ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
            ("m", "CRU", lambda s: s.level <= "2" and s.server == "managers"),
            ("m", "CRUD", lambda s: s.level <= "2" and s.server == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():
            self._check(
                lines,
                self._situations(level=LEVELS, server=ROLES, own=OWN),
                lambda s, name=name, person=person: self._make(
                    "cx.tower.server.log", self._log_vals(s, name), s.own, person
                ),
                name,
                change={"name": "changed"},
                create=lambda s, name=name: self._log_vals(s, name),
            )

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_a_command_one_may_not_read_cannot_be_made_a_log(self):
        server = self.servers["manager", "managers"]
        hidden = self._new_command("Hidden", access_level="3")
        vals = {"name": "Log", "server_id": server.id, "command_id": hidden.id}
        Log = self.env["cx.tower.server.log"].with_user(self.manager)
        with self.assertRaises(AccessError):
            Log.create(vals)
        log = Log.create({**vals, "command_id": self.command.id})
        with self.assertRaises(AccessError):
            log.write({"command_id": hidden.id})

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_a_log_cannot_be_moved_out_of_ones_rights(self):
        log = (
            self.env["cx.tower.server.log"]
            .with_user(self.manager)
            .create(
                {
                    "name": "Log",
                    "server_id": self.servers["manager", "managers"].id,
                    "command_id": self.command.id,
                }
            )
        )
        for vals in ({"access_level": "3"}, {"server_id": self.servers["manager", "users"].id}):
            with self.subTest(**vals), self.assertRaises(AccessError), self.env.cr.savepoint():
                log.write(vals)

    def test_users_do_not_see_how_a_log_is_fetched(self):
        log = self.env["cx.tower.server.log"].create(
            {
                "name": "Log",
                "access_level": "1",
                "server_id": self.servers["user", "users"].id,
                "command_id": self.command.id,
            }
        )
        own = log.with_user(self.user)
        self.assertEqual(own.read(["name"])[0]["name"], "Log")
        self.assertNotIn("command_id", own.fields_get())
        for name in ("command_id", "log_type", "use_sudo", "vouched_by_id"):
            with self.subTest(field=name), self.assertRaises(AccessError):
                own.read([name])

    def test_nobody_writes_the_text_by_hand(self):
        log = self.env["cx.tower.server.log"].create(
            {
                "name": "Log",
                "server_id": self.servers["manager", "managers"].id,
                "command_id": self.command.id,
            }
        )
        for person in (self.manager, self.root):
            own = log.with_user(person)
            for vals in ({"log_text": "forged"}, {"log_state": "done"}, {"log_date": "2020-01-01"}):
                with self.subTest(person=person.name, **vals), self.assertRaises(AccessError):
                    own.write(vals)
            with self.assertRaises(AccessError):
                own.copy({"log_text": "forged"})

    def test_an_owner_and_a_command_are_needed(self):
        Log = self.env["cx.tower.server.log"]
        server = self.servers["root", ""]
        plan = self._new_command(action="plan", flight_plan_id=self._new_plan().id)
        for vals in (
            {"command_id": self.command.id},
            {"server_id": server.id},
            {"server_id": server.id, "command_id": plan.id},
        ):
            with self.subTest(**vals), self.assertRaises(ValidationError):
                Log.create({"name": "Log", **vals})
