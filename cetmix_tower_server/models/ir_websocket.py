from odoo import models

CHANNEL = "cetmix_tower_log/"


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        return super()._build_bus_channel_list(self._prepare_tower_channels(channels))

    def _prepare_tower_channels(self, channels):
        """Let a client listen to the runs it may read: it asks for ``cetmix_tower_log/<id>``.

        The text itself is not a channel: only the record is, and only when the person may read it.

        :param channels: list of what the client asked for
        :return: list in which the records stand in place of the texts
        """
        wanted = [channel for channel in channels if str(channel).startswith(CHANNEL)]
        others = [channel for channel in channels if channel not in wanted]
        ids = {int(number) for channel in wanted if (number := channel[len(CHANNEL) :]).isdigit()}
        if not ids or not self.env.user.has_group("cetmix_tower_server.group_user"):
            return others
        logs = self.env["cx.tower.command.log"].browse(ids).exists()._filtered_access("read")
        return [*others, *logs]
