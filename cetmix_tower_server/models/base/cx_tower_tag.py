from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerTag(models.Model):
    """A word to find and group records by."""

    _name = "cx.tower.tag"
    _description = "Tower Tag"
    _inherit = ["cx.tower.reference.mixin"]
    _order = "name, id"

    color = fields.Integer(export_string_translation=False)
    server_ids = fields.Many2many(
        "cx.tower.server", "cx_tower_server_tag_rel", "tag_id", "server_id", string="Servers", copy=False
    )
    command_ids = fields.Many2many(
        "cx.tower.command", "cx_tower_command_tag_rel", "tag_id", "command_id", string="Commands", copy=False
    )
    plan_ids = fields.Many2many(
        "cx.tower.plan", "cx_tower_plan_tag_rel", "tag_id", "plan_id", string="Flight plans", copy=False
    )
    server_template_ids = fields.Many2many(
        "cx.tower.server.template",
        "cx_tower_server_template_tag_rel",
        "tag_id",
        "server_template_id",
        string="Server templates",
        copy=False,
    )
    file_template_ids = fields.Many2many(
        "cx.tower.file.template",
        "cx_tower_file_template_tag_rel",
        "tag_id",
        "template_id",
        string="File templates",
        copy=False,
    )

    def _who_may_write(self):
        return self.env._("Only Managers and Root may change it.")

    def _who_may_delete(self):
        return self.env._("Only its creator and Root may delete it.")

    @api.model
    def _get_tag_usage_fields(self):
        """Return the fields that link tagged records; addons that tag further models add theirs."""
        return ["server_ids", "command_ids", "plan_ids", "server_template_ids", "file_template_ids"]

    @api.model_create_multi
    def create(self, vals_list):
        tags = super().create(vals_list)
        for name, before in tags.browse()._get_tagged().items():
            (tags[name] - before).check_access("write")
        return tags

    def write(self, vals):
        before = self._get_tagged() if any(name in vals for name in self._get_tag_usage_fields()) else {}
        result = super().write(vals)
        for name, records in before.items():
            # Tagging a record, or taking a tag away, is changing the record.
            after = self[name]
            ((after - records) | (records - after)).check_access("write")
        return result

    def _get_tagged(self):
        """Return {usage field: records that have these tags}."""
        return {name: self[name] for name in self._get_tag_usage_fields()}

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        """Only Root deletes a tag that is in use: it would vanish from other people's records."""
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        # sudo: records that the caller may not see count, too; archived ones as well
        for tag in self.sudo().with_context(active_test=False):
            if any(tag[name] for name in self._get_tag_usage_fields()):
                raise ValidationError(
                    self.env._("The tag “%(tag)s” is in use. Only Root can delete it.", tag=tag.name)
                )
