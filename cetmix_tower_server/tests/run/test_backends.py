from unittest.mock import patch

from odoo.tests import tagged

from ...worker.conductor import Conductor
from . import backend_scenarios


@tagged("post_install", "-at_install")
class TestInlineBackend(backend_scenarios.BackendScenarios):
    """The backend of the tests: everything has been executed when the start returns."""

    backend = "inline"

    def execute_dispatched(self):
        """Nothing is left to execute."""


@tagged("post_install", "-at_install")
class TestCronBackend(backend_scenarios.BackendScenarios):
    """The default backend, with a worker that takes what is queued when it is woken."""

    backend = "cron"

    def setUp(self):
        super().setUp()
        # A thread of the process that looks at the database by itself would look into the tests behind this one, too.
        self.startPatcher(patch.object(Conductor, "ensure", lambda conductor, claim=False: None))

    def execute_dispatched(self):
        Log = self.env["cx.tower.command.log"]
        inline = self.env["cx.tower.run.backend.inline"]
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("cetmix_tower_server.ir_cron_dispatch_runs").id)]
        )
        self.assertTrue(triggers or not Log.search([("state", "=", "queued")]), "the cron was not asked")
        while queued := Log.search([("state", "=", "queued"), ("is_held", "=", False)], order="id"):
            inline._dispatch(queued)
