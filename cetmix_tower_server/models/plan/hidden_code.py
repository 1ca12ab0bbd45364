from odoo import fields, models

from ..run.source import hide_code

ROOT = "cetmix_tower_server.group_root"


class CxTowerCommandLog(models.Model):
    """The code of a run that a shortcut opened to people who may not read it: they see that it ran and what came of it."""

    _inherit = "cx.tower.command.log"

    hidden_code = fields.Text(string="Code (Root only)", readonly=True, groups=ROOT)
    hidden_path = fields.Char(string="Path (Root only)", readonly=True, groups=ROOT)
    hidden_condition = fields.Char(string="Condition (Root only)", readonly=True, groups=ROOT)


class CxTowerPlanLog(models.Model):
    """The same for the steps of a flight plan: hidden where the plan, or the step's command, is above the shortcut's level."""

    _inherit = "cx.tower.plan.log"

    def _hide_code(self, command, values):
        """Hide in the values of a step's log what the shortcut that started the run opened, but did not show."""
        if self.shortcut_level and (self.is_code_hidden or command.access_level > self.shortcut_level):
            values["is_code_hidden"] = True
            hide_code(values)

    def _may_see_hidden(self):
        """Return whether the caller may see what shortcuts hide."""
        return self.env.user.has_group(ROOT)
