from odoo.tests import tagged

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase
from ..common import slow


@tagged("post_install", "-at_install")
class TestCommandAccess(AccessMatrixCase):
    @slow
    def test_command(self):
        """Server: "none" when none is set on the command, else the person's role on the one that is."""
        lines = [
            ("u", "R", lambda s: s.level == "1" and s.role == "users"),
            ("u", "R", lambda s: s.level == "1" and s.server == "users"),
            ("m", "R", lambda s: s.level <= "2" and s.server == "none"),
            ("m", "R", lambda s: s.level <= "2" and s.role in ANY),
            ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
            ("m", "CRU", lambda s: s.level <= "2" and s.role == "managers"),
            ("m", "CRUD", lambda s: s.level <= "2" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                server = self.servers[name, s.server] if s.server != "none" else None
                return {
                    "name": "Command",
                    "code": "true",
                    "access_level": s.level,
                    "server_ids": [(6, 0, server.ids if server else [])],
                    **self._roles(**self._role(person, s.role)),
                }

            def create(s, vals=vals):
                # linking a server changes it, too: one that is not managed has a test of its own
                return {**vals(s), **({"server_ids": []} if s.server in ("", "users") else {})}

            self._check(
                lines,
                self._situations(level=LEVELS, role=ROLES, server=("none", *ROLES), own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.command", vals(s), s.own, person),
                name,
                change={"note": "changed"},
                create=create,
            )

    def test_command_of_an_archived_server_is_not_for_all_servers(self):
        server = self._new_server()
        command = self._new_command(access_level="2", server_ids=[(6, 0, server.ids)])
        server.action_archive()
        self.assertFalse(command.with_user(self.manager).has_access("read"))

    def test_linking_needs_the_right_to_read(self):
        others = self.servers["manager", ""]
        mine = self.servers["manager", "managers"].with_user(self.manager)
        command = self._new_command(managers=self.manager).with_user(self.manager)
        key = self._new_ssh_key()
        for attempt in (
            lambda: command.write({"server_ids": [(4, others.id)]}),
            lambda: command.write({"server_ids": [(6, 0, others.ids)]}),
            lambda: self._new_command(person=self.manager, server_ids=[others.id]),
            lambda: mine.write({"ssh_key_id": key.id}),
            lambda: mine.write({"jump_server_id": others.id}),
            lambda: mine.write({"command_ids": [(4, self._new_command(server_ids=[others.id]).id)]}),
        ):
            self.assertFalse(self._tries(attempt))
        self.assertTrue(self._tries(lambda: command.write({"server_ids": [(4, mine.id)]})))

    def test_servers_one_cannot_see_may_stay_on_a_command(self):
        others = self.servers["manager", ""]
        command = self._new_command(managers=self.manager, server_ids=[(6, 0, others.ids)])
        self.env.flush_all()
        self.env.invalidate_all()  # or what the test created would be found in the cache
        own = command.with_user(self.manager)
        own.write({"server_ids": [(4, self.servers["manager", "managers"].id)]})
        self.env.invalidate_all()
        self.assertEqual(len(command.server_ids), 2)
