from odoo.addons.cetmix_tower_server.tests.addon_case import AddonCase
from odoo.addons.cetmix_tower_server.tests.common import TowerCommon
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..jet_records import make_jet_records

#: Arguments that are only optional because a button passes them in the context.
OPTIONAL = {
    ("cx.tower.jet.action", "trigger"): ["jet"],
    ("cx.tower.jet.state", "set_state"): ["jet"],
    ("cx.tower.jet.template", "action_uninstall_from_server"): ["server"],
    ("cx.tower.server", "action_uninstall_jet_template"): ["jet_template"],
}
LOGGERS = ("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model", "odoo.sql_db")


@tagged("post_install", "-at_install")
class TestMethods(AddonCase, TowerCommon):
    """People without a role on a record get nowhere with any public method of it."""

    addon = "cetmix_tower_jet"
    at_least = {"calls": 80}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = cls._new_server("Host", users=cls.user, managers=cls.manager)
        cls.records = {
            record._name: record for record in make_jet_records(cls.env, server, cls.user, cls.manager)
        }
        cls.records["cx.tower.server"] = cls.hidden_server = server
        cls.records["cx.tower.plan"] = cls.env["cx.tower.plan"].search([], limit=1, order="id desc")
        for model in ("cx.tower.jet.template", "cx.tower.jet.action", "cx.tower.jet.state", "cx.tower.plan"):
            cls.records[model].access_level = "3"
        cls.arguments = cls._readable_arguments()

    @classmethod
    def _readable_arguments(cls):
        """Return {name of an argument: record that everybody of the test may use}, so that only the target is refused."""
        people = cls.user_2 | cls.manager_2
        command = cls._new_command("Own", access_level="1", users=people, managers=cls.manager_2)
        plan = cls._new_plan("Own", [command], access_level="1", users=people, managers=cls.manager_2)
        server = cls._new_server("Own", users=people, managers=cls.manager_2)
        roles = cls._roles(people, cls.manager_2)
        template = cls.env["cx.tower.jet.template"].create(
            {"name": "Own", "access_level": "1", "server_ids": server.ids, **roles}
        )
        jet = cls.env["cx.tower.jet"].create(
            {"name": "Own", "jet_template_id": template.id, "server_id": server.id, **roles}
        )
        return {
            "command": command.reference,
            "flight_plan": plan.reference,
            "server": server.reference,
            "servers": server.ids,
            "jet": jet.reference,
            "jet_template": template.reference,
            "state_reference": "running",
            "reason": "none",
            "code": "true",
        }

    def refusal(self, record, name, arguments):
        """Return the exception that a call raises, None if it returns."""
        try:
            with mute_logger(*LOGGERS), self.env.cr.savepoint() as savepoint:
                getattr(record, name)(**arguments)
                savepoint.rollback()
        except Exception as error:
            self.env.invalidate_all()
            return error
        return None

    def test_every_public_method_is_refused_by_the_right_and_nothing_else(self):
        called, wrong = 0, []
        for model, name, arguments in self.own_methods():
            if model not in self.records:
                continue
            arguments = {name: self.arguments.get(name, "nowhere") for name in arguments}
            arguments |= {key: self.arguments[key] for key in OPTIONAL.get((model, name), ())}
            if getattr(getattr(self.env.registry[model], name), "_api_model", False):  # acts on its arguments
                hidden = {
                    "template": self.records["cx.tower.jet.template"].id,
                    "server": self.hidden_server.id,
                }
                arguments |= {key: hidden[key] for key in hidden.keys() & arguments.keys()}
            for person in (self.outsider, self.user_2, self.manager_2):
                called += 1
                record = self.records[model].with_user(person)
                self.assertFalse(record.has_access("read"), (model, person.name))
                error = self.refusal(record, name, arguments)
                if not isinstance(error, AccessError):
                    wrong.append(f"{model}.{name} as {person.name}: {error!r}")
        self.assert_found("calls", called)
        self.assertFalse(wrong, "\n".join(wrong))
