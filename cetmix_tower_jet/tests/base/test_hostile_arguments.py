import json

from odoo.addons.cetmix_tower_server.tests.base.hostile_arguments_case import (
    HOSTILE,
    LOGGER,
    HostileArgumentsCase,
)
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..jet_records import JetRecords


@tagged("post_install", "-at_install")
class TestJetHostileArguments(JetRecords, HostileArgumentsCase):
    """Public methods and columns of this addon."""

    at_least = {"calls": 300, "numbers": 20}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = cls.make_records(cls.env, cls.server, cls.user, cls.manager)

    def test_new_jets_and_buttons_with_hostile_values(self):
        """What introspection does not see: keywords of a new jet, and the context that names what a button acts on."""
        template = self.records[1].with_user(self.root)
        raw, tried = {}, 0
        for kind, value in HOSTILE.items():
            calls = [
                (template, "create_jet", {"server": self.server.id, name: value})
                for name in (*template._allowed_jet_fields(), "variable_values")
            ]
            calls.append(
                (template, "create_jet", {"server": self.server.id, "variable_values": {"nowhere": value}})
            )
            context = dict.fromkeys(("jet_id", "jet_template_id", "server_id", "active_ids"), value)
            records = [record.with_user(self.root).with_context(**context) for record in self.records]
            calls += [
                (records[2], "trigger", {}),
                (records[3], "set_state", {}),
                (records[1], "action_uninstall_from_server", {}),
                (records[0].server_id, "action_uninstall_jet_template", {}),
            ]
            with mute_logger("odoo.sql_db", LOGGER), self.ended_when_endless():
                for record, name, arguments in calls:
                    tried += 1
                    error = self.raw_answer(record, name, arguments)
                    if error:
                        raw[f"{name} {sorted(arguments)} {kind}"] = f"{type(error).__name__}: {error}"
        self.assertGreater(tried, 200)
        self.assertFalse(raw, json.dumps(raw, indent=1))
