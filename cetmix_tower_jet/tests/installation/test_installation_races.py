"""Uninstalling and creating a jet at the same time, over two real connections: their rows are committed, and removed at the end."""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import mute_logger
from psycopg2.errors import SerializationFailure

NAME = "Race of installations"


@tagged("post_install", "-at_install")
class TestInstallationRaces(BaseCase):
    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.addCleanup(self._remove_all)
        with self._connection() as env:
            server = env["cx.tower.server"].create(
                {"name": NAME, "ip_v4_address": "192.0.2.10", "ssh_username": "tower", "ssh_password": "x"}
            )
            template = env["cx.tower.jet.template"].create(
                {"name": NAME, "server_ids": [(6, 0, server.ids)], "access_level": "1"}
            )
            self.server_id, self.template_id = server.id, template.id

    @contextmanager
    def _connection(self):
        """Give an environment on a connection of its own, whose transaction is committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _remove_all(self):
        with self._connection() as env:
            named = [("name", "=", NAME)]
            env["cx.tower.jet"].search(named).unlink()
            template = env["cx.tower.jet.template"].search(named)
            template.server_ids = False
            template.unlink()
            env["cx.tower.server"].search(named).unlink()

    def _create_jet(self, env):
        return env["cx.tower.jet"].create(
            {"name": NAME, "jet_template_id": self.template_id, "server_id": self.server_id}
        )

    def _uninstall(self, env):
        return env["cx.tower.jet.template"].browse(self.template_id).uninstall_from_servers(self.server_id)

    def test_a_jet_that_was_created_a_moment_ago_prevents_it(self):
        with self._connection() as remover:
            # from here on it sees the rows as they are now
            self.assertTrue(remover["cx.tower.jet.template"].browse(self.template_id).name)
            with self._connection() as creator:
                self._create_jet(creator)
            with self.assertRaisesRegex(UserError, "while jets of it are there"):
                self._uninstall(remover)

    @mute_logger("odoo.sql_db")
    def test_a_jet_is_not_created_where_it_was_uninstalled_a_moment_ago(self):
        with self.assertRaises(SerializationFailure), self._connection() as creator:
            self.assertTrue(creator["cx.tower.jet.template"].browse(self.template_id).server_ids)
            with self._connection() as remover:
                self._uninstall(remover)
            self._create_jet(creator)
        with self._connection() as again, self.assertRaisesRegex(UserError, "not installed"):
            self._create_jet(again)
