from odoo import api, models

AUTOMATIONS = ("shortcut_ids", "scheduled_task_ids")


class CxTowerAutomationOwnerMixin(models.AbstractModel):
    """For models that shortcuts or scheduled tasks are attached to: servers, server templates, and those of addons.

    Attaching or detaching a shortcut or task changes it, so the caller needs write access to it, too. Write access to the
    server alone must neither give people a shortcut nor run somebody's task there. For the same reason, models declare both
    fields with ``copy=False``.
    """

    _name = "cx.tower.automation.owner.mixin"
    _description = "Tower automation owner mixin"

    @api.model_create_multi
    def create(self, vals_list):
        owners = super().create(vals_list)
        # all fields, because values may also come from defaults in the context
        owners._check_automation_changes(owners.browse()._get_automations(self._get_automation_fields()))
        return owners

    def write(self, vals):
        before = self._get_automations(name for name in self._get_automation_fields() if name in vals)
        result = super().write(vals)
        if before:
            self._check_automation_changes(before)
        return result

    @api.model
    def _get_automation_fields(self):
        """Return the names of the fields that this model has of the two."""
        return [name for name in AUTOMATIONS if name in self._fields]

    def _get_automations(self, names):
        """Return {field: shortcuts or tasks of these owners}, including archived ones."""
        # sudo: includes records that the caller may not read, so that changes of their links are noticed and checked
        owners = self.sudo().with_context(active_test=False)
        return {name: owners[name] for name in names}

    def _check_automation_changes(self, before):
        """Check write access to everything that was attached or detached. Such tasks become the caller's.

        :param before: result of :meth:`_get_automations` before the change
        :raise AccessError: the caller may not write one of them
        """
        for name, after in self._get_automations(before).items():
            changed = ((after - before[name]) | (before[name] - after)).with_env(self.env)
            if changed:
                changed.check_access("write")
                if name == "scheduled_task_ids":
                    changed._take_over()
