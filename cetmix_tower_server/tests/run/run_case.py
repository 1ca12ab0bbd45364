from odoo.tests import TransactionCase, new_test_user

from ...engine.bounded import pool
from .. import backends


class RunCase(TransactionCase):
    """Runs are executed inline and see the test's data: every cursor of the run engine is the test's own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(pool.end_idle)  # Odoo's tests complain about processes that are left
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.root = new_test_user(cls.env, "run_root", "cetmix_tower_server.group_root")
        cls.manager = new_test_user(cls.env, "run_manager", "cetmix_tower_server.group_manager")
        cls.user = new_test_user(cls.env, "run_user", "cetmix_tower_server.group_user")
        cls.server = (
            cls.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                {
                    "name": "Run test",
                    "ip_v4_address": "127.0.0.1",
                    "ssh_username": "tower",
                    "user_ids": [(4, cls.user.id)],
                    "manager_ids": [(4, cls.manager.id)],
                }
            )
        )

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def nobody_executes(self):
        """Runs that are started in this context stay queued."""
        return backends.nobody_executes(self.env)

    def execute(self, runs):
        """Execute runs that were left in the queue."""
        backends.execute(runs)

    def python(self, code, **values):
        """Return a Python command with this code."""
        return self.env["cx.tower.command"].create(
            {"name": "Test", "action": "python_code", "code": code, **values}
        )

    def run_as(self, user, command, **arguments):
        """Start a command on the server as ``user`` and return its log as superuser sees it."""
        started = self.server.with_user(user).run_command(command.with_user(user), **arguments)
        return self.env["cx.tower.command.log"].browse(started["id"])
