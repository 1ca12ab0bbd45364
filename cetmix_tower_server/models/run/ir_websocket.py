from odoo import models

# What a client asks for, and the model of the run it names.
CHANNELS = {
    "cetmix_tower_log/": "cx.tower.command.log",
    "cetmix_tower_plan_log/": "cx.tower.plan.log",
    "cetmix_tower_fleet_run/": "cx.tower.fleet.run",
}
MAX_ID = 2**31 - 1


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        return super()._build_bus_channel_list(self._prepare_tower_channels(channels))

    def _prepare_tower_channels(self, channels):
        """Let a client listen to the runs it may read: it asks for ``cetmix_tower_log/<id>`` and the like.

        The text itself is not a channel: only the record is, and only when the person may read it. A flight plan run
        inside another is announced as the outermost one.

        :param channels: list of what the client asked for
        :return: list in which the records stand in place of the texts
        """
        wanted = {model: set() for model in CHANNELS.values()}
        others = []
        for channel in channels:
            prefix = next((prefix for prefix in CHANNELS if str(channel).startswith(prefix)), None)
            if prefix is None:
                others.append(channel)
            elif (number := channel[len(prefix) :]).isdecimal() and int(number) <= MAX_ID:
                wanted[CHANNELS[prefix]].add(int(number))
        if not any(wanted.values()) or not self.env.user.has_group("cetmix_tower_server.group_user"):
            return others
        records = {
            model: self.env[model].browse(ids).exists()._filtered_access("read")
            for model, ids in wanted.items()
        }
        # sudo: whoever may read a run inside another is told that the outermost one has changed, and nothing else
        records["cx.tower.plan.log"] = records["cx.tower.plan.log"].sudo().top_plan_log_id.sudo(False)
        return [*others, *(record for found in records.values() for record in found)]
