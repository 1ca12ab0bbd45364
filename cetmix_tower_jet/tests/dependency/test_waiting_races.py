"""A jet's end and a request for that jet at the same time, over two real connections whose rows are removed at the end."""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import mute_logger
from psycopg2.errors import SerializationFailure

from ...engine.asking import Asking

NAME = "Race of dependencies"


@tagged("post_install", "-at_install")
class TestWaitingRaces(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())

    @contextmanager
    def _connection(self):
        """Give an environment on a connection of its own, whose transaction is committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def setUp(self):
        super().setUp()
        self.addCleanup(self._remove_all)
        with self._connection() as env:
            server = env["cx.tower.server"].create(
                {"name": NAME, "ip_v4_address": "192.0.2.10", "ssh_username": "tower", "ssh_password": "x"}
            )
            shops, databases = (self._new_template(env, server) for _ in range(2))
            running = self._state(env, "running")
            env["cx.tower.jet.template.dependency"].create(
                {
                    "template_id": shops.id,
                    "template_required_id": databases.id,
                    "state_required_id": running.id,
                    "needed_in_state_ids": [(6, 0, running.ids)],
                }
            )
            self.shop_id, self.db_id = (
                self._new_jet(env, server, template) for template in (shops, databases)
            )
            # on its way, without a run that somebody would execute
            db = env["cx.tower.jet"].browse(self.db_id)
            db._claim(db.jet_template_id.action_ids, Asking("3"), waits=True)._change_live(
                {"state": "running"}
            )

    @staticmethod
    def _state(env, reference):
        return env["cx.tower.jet.state"].search([("reference", "=", reference)])

    def _new_template(self, env, server):
        start = {"name": "Start", "access_level": "1"}
        for field, reference in (("from", "stopped"), ("transit", "starting"), ("to", "running")):
            start[f"state_{field}_id"] = self._state(env, reference).id
        values = {"name": NAME, "server_ids": [(6, 0, server.ids)], "action_ids": [(0, 0, start)]}
        return env["cx.tower.jet.template"].create({**values, "limit_per_server": 1})

    def _new_jet(self, env, server, template):
        values = {"name": NAME, "server_id": server.id, "jet_template_id": template.id}
        jet = env["cx.tower.jet"].create(values)
        jet._set_state(self._state(env, "stopped"))
        return jet.id

    def _remove_all(self):
        with self._connection() as env:
            jets = env["cx.tower.jet"].with_context(active_test=False).search([("name", "=", NAME)])
            for transition in jets.current_transition_id:
                transition._end("stopped")
            jets.jet_requires_ids.unlink()
            jets.unlink()
            templates = env["cx.tower.jet.template"].search([("name", "=", NAME)], order="id")
            templates.server_ids = False
            for template in templates:  # shops first: databases are required
                template.unlink()
            env["cx.tower.server"].search([("name", "=", NAME)]).unlink()

    def _start_shop(self, env):
        shop = env["cx.tower.jet"].browse(self.shop_id)
        return shop.jet_template_id.action_ids.trigger(shop.id)["state"]

    def _end_of_database(self, env):
        env["cx.tower.jet"].browse(self.db_id).current_transition_id._end("done")

    def _at_the_same_time(self, slower, faster):
        """Do one thing in a transaction that has begun before another thing was done: it collides, and is done again.

        :return: what it returned in the end
        """
        with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure), self._connection() as env:
            env.cr.execute("SELECT 1")  # from now on it sees nothing that others commit
            with self._connection() as other:
                faster(other)
            slower(env)
            env.flush_all()
        with self._connection() as env:
            return slower(env)

    def test_a_request_that_misses_the_end_of_its_jet_collides_with_it(self):
        self.assertEqual(self._at_the_same_time(self._start_shop, self._end_of_database), "done")

    def test_an_end_that_misses_a_request_for_the_jet_collides_with_it(self):
        self._at_the_same_time(self._end_of_database, self._start_shop)
        with self._connection() as env:
            self.assertEqual(env["cx.tower.jet"].browse(self.shop_id).state, "running")
