from unittest.mock import patch

from odoo.tests import tagged

from ...worker import file_work
from ..browser import BrowserCase
from .file_case import FakeHost


@tagged("post_install", "-at_install")
class TestFileTour(BrowserCase):
    """An operator compares a file with what is on its server and pushes it; the host is a dictionary."""

    def test_push_with_diff(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        server = (
            self.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                {
                    "name": "Tour one",
                    "ip_v4_address": "127.0.0.1",
                    "ssh_username": "nobody",
                    "ssh_password": "x",
                    "skip_host_key": True,
                }
            )
        )
        variable = self.env["cx.tower.variable"].create({"name": "Tour port", "reference": "tour_port"})
        self.env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "8080"})
        self.env["cx.tower.key"].create(
            {"name": "Tour token", "reference": "tour_token", "key_type": "s", "secret_value": "tour hush"}
        )
        self.env["cx.tower.file"].create(
            {
                "name": "tour.conf",
                "server_dir": "/etc/tour",
                "server_id": server.id,
                "code": "port = {{ tour_port }}\ntoken = #!cxtower.secret.tour_token!#\n",
            }
        )
        host = FakeHost()
        host.files["/etc/tour/tour.conf"] = (b"port = 80\ntoken = tour hush\n", 0o644)
        with patch.object(file_work, "FileSession", host.session):
            self.start_tour(
                "/odoo/cetmix_tower_files", "tower_file_push_with_diff", login="admin", timeout=120
            )
        self.assertEqual(host.files["/etc/tour/tour.conf"][0], b"port = 8080\ntoken = tour hush\n")
