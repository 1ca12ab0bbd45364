from odoo.addons.cetmix_tower_server.tests.common import TowerCommon
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..jet_records import make_jet_records


@tagged("post_install", "-at_install")
class TestReading(TowerCommon):
    """Whoever may read a record may read all that the form of their level shows of it, whatever they see of its neighbours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls._new_server("Host", users=cls.user, managers=cls.manager)
        cls.records = make_jet_records(cls.env, cls.server, cls.user, cls.manager)
        cls.jet, cls.template = cls.records[:2]
        cls.served_by = cls.jet.jet_requires_ids.jet_depends_on_id
        cls.needed = cls.served_by.jet_template_id
        hidden = cls.template | cls.needed
        hidden.access_level = "3"
        hidden.action_ids.access_level = "3"
        cls.jet.state_id.access_level = "3"
        cls.records += [cls.served_by, cls.needed, cls.served_by.transition_ids[:1]]

    def unreadable(self, person):
        """Return what of the records that a person may read they cannot read."""
        found = []
        for record in self.records:
            record = record.with_user(person)
            if not record.has_access("read"):
                continue
            readable = {
                name: {"fields": {"display_name": {}}} if field.relational else {}
                for name, field in record._fields.items()
                if record._has_field_access(field, "read")
            }
            if self.refusal(record, readable):
                errors = {name: self.refusal(record, {name: spec}) for name, spec in readable.items()}
                found += [f"{record}.{name}: {error}" for name, error in errors.items() if error]
        return found

    def refusal(self, record, spec):
        """Return why fields cannot be read, "" if they can."""
        self.env.invalidate_all()
        try:
            with mute_logger("odoo.addons.base.models.ir_rule"):
                record.web_read(spec)
        except AccessError as error:
            return str(error)
        return ""

    def test_every_rule_can_be_evaluated(self):
        rules = self.env["ir.model.data"].search(
            [("module", "=", "cetmix_tower_jet"), ("model", "=", "ir.rule")]
        )
        models = sorted(set(self.env["ir.rule"].browse(rules.mapped("res_id")).model_id.mapped("model")))
        self.assertGreater(len(models), 10)
        for model in models:
            for person in (self.user, self.manager, self.root):
                records = self.env[model].with_user(person)
                if records.has_access("read"):
                    with self.subTest(model=model, person=person.name):
                        records.search([], limit=1)

    def test_with_one_role_and_a_role_on_the_server(self):
        self.server.user_ids += self.user_2 | self.manager_2
        for person in (self.user_2, self.manager_2):
            for record in (self.jet, self.served_by, self.template, self.needed):
                for role in ("user_ids", "manager_ids") if person == self.manager_2 else ("user_ids",):
                    with self.subTest(person=person.name, role=role, of=record):
                        record[role] += person
                        self.assertTrue(record.with_user(person).has_access("read"))
                        self.assertEqual(self.unreadable(person), [])
                        record[role] -= person
