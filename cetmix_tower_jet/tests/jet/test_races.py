"""Creations at the same time, over two real connections: their rows are committed, and removed at the end.

A statement that waits for another connection would wait forever in one thread, so the faster one commits first. What the
slower one has seen before makes no difference: it meets the rows of the faster one in the unique indexes only.
"""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name

NAME = "Race of jets"


@tagged("post_install", "-at_install")
class TestRaces(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        cls.addClassCleanup(cls._remove_all)
        with cls._connection() as env:
            server = env["cx.tower.server"].create(
                {"name": NAME, "ip_v4_address": "192.0.2.10", "ssh_username": "tower", "ssh_password": "x"}
            )
            port = env["cx.tower.variable"].create(
                {"name": NAME, "reference": "race_port", "allocation": "server", "allocation_range": "1-50"}
            )
            template = env["cx.tower.jet.template"].create(
                {
                    "name": NAME,
                    "server_ids": [(6, 0, server.ids)],
                    "variable_value_ids": [(0, 0, {"variable_id": port.id})],
                }
            )
            cls.server_id, cls.template_id, cls.port_id = server.id, template.id, port.id

    @classmethod
    @contextmanager
    def _connection(cls):
        """Give an environment on a connection of its own, whose transaction is committed at the end."""
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    @classmethod
    def _remove_all(cls):
        with cls._connection() as env:
            env["cx.tower.jet"].with_context(active_test=False).search(
                [("name", "=like", f"{NAME}%")]
            ).unlink()
            for model in ("cx.tower.jet.template", "cx.tower.server", "cx.tower.variable"):
                records = env[model].search([("name", "=", NAME)])
                if model == "cx.tower.jet.template":
                    records.server_ids = False
                records.unlink()

    def setUp(self):
        super().setUp()
        self._set(limit=0, allocation_range="1-50")

    def tearDown(self):
        with self._connection() as env:
            env["cx.tower.jet"].search([("jet_template_id", "=", self.template_id)]).unlink()
        super().tearDown()

    def _set(self, limit=0, allocation_range="1-50"):
        with self._connection() as env:
            env["cx.tower.jet.template"].browse(self.template_id).limit_per_server = limit
            env["cx.tower.variable"].browse(self.port_id).allocation_range = allocation_range

    def _create(self, env):
        jet = env["cx.tower.jet.template"].browse(self.template_id).create_jet(self.server_id)
        return jet.get_variable_value("race_port"), jet.seat

    def _create_after_another(self):
        """Create a jet in a transaction that began before another one created a jet. :return: (first, second)"""
        with self._connection() as env:
            env.cr.execute("SELECT 1")  # from now on it sees nothing that others commit
            with self._connection() as faster:
                first = self._create(faster)
            try:
                return first, self._create(env)
            except UserError as error:
                return first, str(error)

    def test_the_second_gets_the_next_value_and_seat(self):
        self.assertEqual(self._create_after_another(), (("1", 1), ("2", 2)))

    def test_the_last_seat_is_given_once(self):
        self._set(limit=1)
        first, second = self._create_after_another()
        self.assertEqual(first, ("1", 1))
        self.assertIn("jets per server: 1", second)
        with self._connection() as env:
            self.assertEqual(
                env["cx.tower.jet"].search_count([("jet_template_id", "=", self.template_id)]), 1
            )

    def test_the_last_value_is_given_once(self):
        self._set(allocation_range="7-7")
        first, second = self._create_after_another()
        self.assertEqual(first, ("7", 1))
        self.assertIn("is free", second)

    def test_a_limit_that_was_lowered_holds_for_free_seats_below_taken_ones(self):
        with self._connection() as env:
            jets = [self._create(env) for _ in range(3)]
            template = env["cx.tower.jet.template"].browse(self.template_id)
            template.jet_ids.filtered(lambda jet: jet.seat in (1, 2)).unlink()
        self.assertEqual([seat for _port, seat in jets], [1, 2, 3])
        self._set(limit=2)
        first, second = self._create_after_another()
        self.assertEqual(first[1], 1)
        self.assertIn("jets per server: 2", second)

    def test_several_that_are_faster_are_passed_one_by_one(self):
        with self._connection() as env:
            env.cr.execute("SELECT 1")
            for _ in range(3):
                with self._connection() as faster:
                    self._create(faster)
            self.assertEqual(self._create(env), ("4", 4))
