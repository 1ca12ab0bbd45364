"""Two transfers, and a switch and an action, at the same time: over real connections, whose rows are removed at the end."""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import mute_logger
from psycopg2.errors import SerializationFailure

from ...engine.asking import Asking

NAME = "Race of transfers"


@tagged("post_install", "-at_install")
class TestTransferRaces(BaseCase):
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
            servers = env["cx.tower.server"].create(
                [
                    {
                        "name": NAME,
                        "ip_v4_address": f"192.0.2.{number}",
                        "ssh_username": "tower",
                        "ssh_password": "x",
                    }
                    for number in (10, 11)
                ]
            )
            self.other_id = servers[1].id
            create = {"name": "Create", "access_level": "1"}
            for field, reference in (("transit", "building"), ("to", "stopped")):
                create[f"state_{field}_id"] = self._state(env, reference).id
            start = {"name": "Start", "access_level": "1"}
            for field, reference in (("from", "stopped"), ("transit", "starting"), ("to", "running")):
                start[f"state_{field}_id"] = self._state(env, reference).id
            # Its only step is skipped, so it ends at once, without a process that executes it.
            command = env["cx.tower.command"].create(
                {"name": NAME, "code": "true", "allow_parallel_run": True}
            )
            line = {"command_id": command.id, "condition": "1 == 2"}
            plan = env["cx.tower.plan"].create(
                {"name": NAME, "allow_parallel_run": True, "line_ids": [(0, 0, line)]}
            )
            template = env["cx.tower.jet.template"].create(
                {
                    "name": NAME,
                    "server_ids": [(6, 0, servers.ids)],
                    "plan_clone_different_server_id": plan.id,
                    "action_ids": [(0, 0, create), (0, 0, start)],
                }
            )
            jet = env["cx.tower.jet"].create(
                {"name": NAME, "server_id": servers[0].id, "jet_template_id": template.id}
            )
            jet._set_state(self._state(env, "stopped"))
            self.jet_id, self.start_id = jet.id, template.action_ids[1].id

    @staticmethod
    def _state(env, reference):
        return env["cx.tower.jet.state"].search([("reference", "=", reference)])

    def _remove_all(self):
        with self._connection() as env:
            templates = env["cx.tower.jet.template"].search([("name", "=", NAME)])
            jets = env["cx.tower.jet"].with_context(active_test=False)
            jets = jets.search([("jet_template_id", "in", templates.ids)], order="id desc")
            for transition in jets.current_transition_id:
                transition._end("stopped")
            transfers = env["cx.tower.jet.transfer"].search([("jet_id", "in", jets.ids)])
            transfers.state = "failed"
            transfers.unlink()
            for jet in jets:
                jet.unlink()
            templates.server_ids = False
            templates.unlink()
            env["cx.tower.plan"].search([("name", "=", NAME)]).unlink()
            env["cx.tower.command"].search([("name", "=", NAME)]).unlink()
            env["cx.tower.server"].search([("name", "=", NAME)]).unlink()

    def _transfer(self, env):
        return env["cx.tower.jet"].browse(self.jet_id).transfer(self.other_id)["transfer"]

    def _start(self, env):
        env["cx.tower.jet.action"].browse(self.start_id).trigger(self.jet_id)

    def _collides(self, slower, faster):
        """Do one thing in a transaction that has begun before another thing was done: it is undone."""
        with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure), self._connection() as env:
            env.cr.execute("SELECT 1")  # from now on it sees nothing that others commit
            with self._connection() as other:
                faster(other)
            slower(env)
            env.flush_all()

    def _hold_the_original(self):
        """Let the original be busy, without a run that somebody would execute."""
        with self._connection() as env:
            jet = env["cx.tower.jet"].browse(self.jet_id)
            jet._claim(env["cx.tower.jet.action"].browse(self.start_id), Asking("3"), waits=True)

    def test_of_two_transfers_one_begins(self):
        self._hold_the_original()
        self._collides(self._transfer, self._transfer)
        with self._connection() as env, self.assertRaisesRegex(UserError, "is being transferred"):
            self._transfer(env)
        with self._connection() as env:
            self.assertEqual(env["cx.tower.jet.transfer"].search_count([("jet_id", "=", self.jet_id)]), 1)

    def test_a_switch_that_misses_an_action_of_the_original_collides_with_it(self):
        self._collides(self._transfer, self._start)
        with self._connection() as env:
            transfer = env["cx.tower.jet.transfer"].browse(self._transfer(env))
            self.assertEqual((transfer.state, transfer.new_jet_id.state), ("done", "running"))

    def test_an_end_of_the_original_that_misses_the_transfer_collides_with_it(self):
        self._hold_the_original()

        def end(env):
            env["cx.tower.jet"].browse(self.jet_id).current_transition_id._end("stopped")

        self._collides(end, self._transfer)
        with self._connection() as env:
            transfer = env["cx.tower.jet.transfer"].search([("jet_id", "=", self.jet_id)])
            self.assertEqual(transfer.state, "switching")
            end(env)
            self.assertEqual(transfer.state, "done")

    def test_an_action_that_misses_the_switch_collides_with_it(self):
        self._collides(self._start, self._transfer)
        with self._connection() as env:
            old = env["cx.tower.jet"].browse(self.jet_id)
            self.assertEqual(old.name, f"{NAME} (transferred)")
