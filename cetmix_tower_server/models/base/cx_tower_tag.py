from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerTag(models.Model):
    """A word to find and group records by. Tagging a record is changing it: see ``cx.tower.relation.access.mixin``."""

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
        return self.env._("Only Managers and Root can change it.")

    def _who_may_delete(self):
        return self.env._("Only its creator and Root can delete it.")

    @api.model
    def _get_tag_usage_fields(self):
        """Return the many2many fields to tagged records. Extension point of addons that tag further models."""
        return ["server_ids", "command_ids", "plan_ids", "server_template_ids", "file_template_ids"]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        """Only Root deletes a tag that is in use: it would disappear from other people's records."""
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        # sudo: records that the caller may not see count, and so do archived ones; none of them is shown
        for tag in self.sudo().with_context(active_test=False):
            if any(tag[name] for name in self._get_tag_usage_fields()):
                raise ValidationError(
                    self.env._(
                        "The tag “%(tag)s” is in use, so only Root can delete it. Remove it from all records first, or ask Root.",
                        tag=tag.name,
                    )
                )


class CxTowerTagMixin(models.AbstractModel):
    """For models whose records have tags. Each gives the field a relation table, and the tag a field that is its inverse."""

    _name = "cx.tower.tag.mixin"
    _description = "Tower tag mixin"

    tag_ids = fields.Many2many("cx.tower.tag", string="Tags")
