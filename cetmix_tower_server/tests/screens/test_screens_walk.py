from odoo.tests import tagged

from ...models.base.engine_context import engine_says
from .screens_walk_case import ScreensWalkCase


@tagged("post_install", "-at_install")
class TestScreensWalk(ScreensWalkCase):
    """Screens of this addon."""

    def make_read_only_records(self):
        env = self.env
        theirs = {"user_ids": [(6, 0, self.manager.ids)], "manager_ids": False}
        theirs["name"] = "Theirs"
        server = self.make_server(**theirs)
        command = env["cx.tower.command"].create({"code": "true", **theirs})
        quiet = env["cx.tower.file"].with_context(**engine_says(from_yaml=True))
        return [
            server,
            command,
            env["cx.tower.plan"].create(theirs),
            quiet.create({"name": "theirs", "server_id": server.id, "server_dir": "/tmp", "source": "tower"}),
            env["cx.tower.server.log"].create(
                {"name": "Theirs", "server_id": server.id, "command_id": command.id}
            ),
            env["cx.tower.file.template"].create({"file_name": "a", "server_dir": "/tmp", **theirs}),
            env["cx.tower.server.template"].create(theirs),
            env["cx.tower.scheduled.task"].create(
                {"command_id": command.id, "server_ids": server.ids, **theirs}
            ),
            env["cx.tower.key"].create({"key_type": "s", "secret_value": "hush", **theirs}),
            env["cx.tower.variable"].create({"name": "Theirs", "access_level": "1"}),
        ]
