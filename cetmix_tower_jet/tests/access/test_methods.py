"""Public methods, called by id by people of Tower who may not."""

from odoo.addons.cetmix_tower_server.tests.addon_case import AddonCase
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestMethods(AddonCase, JetCase):
    """Every public method of a jet, its template, action, ...: without a role nothing happens."""

    addon = "cetmix_tower_jet"
    at_least = {"methods": 10}

    def setUp(self):
        super().setUp()
        self.hidden = self._new_template("Hidden", access_level="3")
        jet = self._new_jet("Hidden", "stopped", template=self.hidden)
        link = self.env["cx.tower.jet.dependency"].create({"jet_id": jet.id})
        self.records = {
            record._name: record
            for record in (
                jet,
                self.hidden,
                self.hidden.action_ids[0],
                link,
                self.env["cx.tower.jet.transition"].create({"jet_id": jet.id, "state": "done"}),
                self.env["cx.tower.jet.template.install"].create(
                    {"jet_template_id": self.hidden.id, "server_id": self.server.id, "state": "failed"}
                ),
            )
        }

    def footprint(self):
        """Return what the tables of the addon hold."""
        self.env.flush_all()
        found = {}
        for model in (*self.records, "cx.tower.plan.log", "cx.tower.command.log"):
            table = self.env[model]._table
            self.env.cr.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t")  # pylint: disable=sql-injection
            found[table] = self.env.cr.fetchone()
        return found

    @mute_logger("odoo.addons.base.models.ir_rule", "odoo.models", "odoo.sql_db")
    def test_people_without_a_role_get_nowhere(self):
        methods = [one for one in self.own_methods() if one[0] in self.records]
        self.assert_found("methods", len(methods))
        before = self.footprint()
        for model, name, arguments in methods:
            for person in (self.outsider, self.user, self.manager_2):
                with self.subTest(model=model, method=name, person=person.name):
                    record = self.records[model].with_user(person)
                    if getattr(getattr(self.env.registry[model], name), "_api_model", False):
                        record = record.browse()
                    self.env.invalidate_all()
                    with self.assertRaises(UserError), self.env.cr.savepoint():
                        getattr(record, name)(**arguments)
        self.assertEqual(self.footprint(), before)
