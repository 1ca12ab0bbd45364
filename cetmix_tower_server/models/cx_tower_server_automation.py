from odoo import api, fields, models

AUTOMATIONS = ("shortcut_ids", "scheduled_task_ids")


class CxTowerServer(models.Model):
    """The shortcuts and scheduled tasks of a server.

    Attaching one, or taking it away, is changing it: who may write the server alone must not open a shortcut there, nor
    have somebody's task run there. For the same reason a copy of a server gets none.
    """

    _inherit = "cx.tower.server"

    shortcut_ids = fields.Many2many(
        "cx.tower.shortcut",
        "cx_tower_server_shortcut_rel",
        "server_id",
        "shortcut_id",
        string="Shortcuts",
        copy=False,
    )
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_scheduled_task_server_rel",
        "server_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        groups="cetmix_tower_server.group_manager",
    )

    @api.model_create_multi
    def create(self, vals_list):
        servers = super().create(vals_list)
        # all fields: they may come from defaults in the context
        servers._check_automation_changes(servers.browse()._get_automations(AUTOMATIONS))
        return servers

    def write(self, vals):
        before = self._get_automations(name for name in AUTOMATIONS if name in vals)
        result = super().write(vals)
        if before:
            self._check_automation_changes(before)
        return result

    def _get_automations(self, names):
        """Return {field: shortcuts or tasks of these servers}, archived ones too."""
        # sudo: also those that the caller does not see, so that none of them is changed unnoticed
        servers = self.sudo().with_context(active_test=False)
        return {name: servers[name] for name in names}

    def _check_automation_changes(self, before):
        """Raise AccessError when the caller may not change what was attached or taken away; tasks become the caller's.

        :param before: what :meth:`_get_automations` returned before
        """
        for name, after in self._get_automations(before).items():
            changed = ((after - before[name]) | (before[name] - after)).with_env(self.env)
            if changed:
                changed.check_access("write")
                if name == "scheduled_task_ids":
                    changed._take_over()
