from odoo import api, models


class CxTowerServerTemplatePartMixin(models.AbstractModel):
    """For models whose records can be part of server templates, by a field ``server_template_ids``.

    New servers get what is part of their template with the template's rights. So becoming part of one, or leaving it, is
    changing the template, from whichever side it is done.
    """

    _name = "cx.tower.server.template.part.mixin"
    _description = "Tower server template part mixin"

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        # all of them: they may come from defaults in the context
        parts._check_template_changes(parts.browse()._get_server_templates())
        return parts

    def write(self, vals):
        if "server_template_ids" not in vals:
            return super().write(vals)
        before = self._get_server_templates()
        result = super().write(vals)
        self._check_template_changes(before)
        return result

    def _get_server_templates(self):
        # sudo: also templates that the caller does not see, so that none of them is changed unnoticed
        return self.sudo().with_context(active_test=False).server_template_ids

    def _check_template_changes(self, before):
        """Raise AccessError when the caller may not change the templates that these records joined or left."""
        after = self._get_server_templates()
        ((after - before) | (before - after)).with_env(self.env).check_access("write")
