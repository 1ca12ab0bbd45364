from odoo import api, models

AUTOMATIONS = ("shortcut_ids", "scheduled_task_ids")


class CxTowerAutomationOwnerMixin(models.AbstractModel):
    """For models that shortcuts and scheduled tasks are attached to: servers, server templates.

    Attaching one, or taking it away, is changing it: who may write its owner alone must not open a shortcut there, nor have
    somebody's task run there. Models declare both fields with ``copy=False``, for the same reason.
    """

    _name = "cx.tower.automation.owner.mixin"
    _description = "Tower automation owner mixin"

    @api.model_create_multi
    def create(self, vals_list):
        owners = super().create(vals_list)
        # all fields: they may come from defaults in the context
        owners._check_automation_changes(owners.browse()._get_automations(AUTOMATIONS))
        return owners

    def write(self, vals):
        before = self._get_automations(name for name in AUTOMATIONS if name in vals)
        result = super().write(vals)
        if before:
            self._check_automation_changes(before)
        return result

    def _get_automations(self, names):
        """Return {field: shortcuts or tasks of these owners}, archived ones too."""
        # sudo: also those that the caller does not see, so that none of them is changed unnoticed
        owners = self.sudo().with_context(active_test=False)
        return {name: owners[name] for name in names}

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
