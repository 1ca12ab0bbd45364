from unittest.mock import patch

from odoo.tests import TransactionCase, tagged

from ...engine.bounded.pool import TooSlowHere


@tagged("post_install", "-at_install")
class TestFileResults(TransactionCase):
    def test_slow_texts_are_looked_at_again_instead_of_losing_the_file(self):
        server = self.env["cx.tower.server"].create(
            {"name": "Host", "ip_v4_address": "192.0.2.1", "ssh_username": "tower", "ssh_password": "x"}
        )
        log = self.env["cx.tower.command.log"].create(
            {
                "server_id": server.id,
                "command_id": self.env.ref("cetmix_tower_server.command_file_push").id,
                "run_input": {"action": "file_push", "nonce": "", "files": []},
            }
        )
        File = self.env.registry["cx.tower.file"]
        with patch.object(File, "_take_over_results", side_effect=TooSlowHere()):
            with self.assertRaises(TooSlowHere):
                log._take_over_files()
