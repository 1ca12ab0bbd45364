from odoo import SUPERUSER_ID, api, fields, models

GROUP_USER = "cetmix_tower_server.group_user"
GROUP_MANAGER = "cetmix_tower_server.group_manager"


class CxTowerAccessRoleMixin(models.AbstractModel):
    """For models whose records have two lists of people: Users and Managers. Record rules say what they can do.

    Each model declares both fields with relation tables of its own, ``<table>_user_rel (record_id, user_id)`` and
    ``<table>_manager_rel (record_id, manager_id)``: Odoo refuses to load two models that share one.
    """

    _name = "cx.tower.access.role.mixin"
    _inherit = ["cx.tower.linked.access.mixin", "cx.tower.rights.mixin"]
    _description = "Tower access role mixin"

    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_access_role_mixin_user_rel",
        "record_id",
        "user_id",
        string="Users",
        default=lambda self: self._default_role(self._get_user_role_group()),
        domain=lambda self: self._get_role_domain(self._get_user_role_group()),
        copy=False,
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_access_role_mixin_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        default=lambda self: self._default_role(GROUP_MANAGER),
        domain=lambda self: self._get_role_domain(GROUP_MANAGER),
        groups=GROUP_MANAGER,
        copy=False,
    )

    @api.model
    def _get_user_role_group(self):
        """Return the group whose members can be Users of a record. Overridden where the level User has no access at all."""
        return GROUP_USER

    @api.model
    def _default_role(self, group):
        """Return the user who creates the record, if they belong to the group."""
        user = self.env.user
        return user if user.id != SUPERUSER_ID and user.has_group(group) else user.browse()

    @api.model
    def _get_role_domain(self, group):
        group = self.env.ref(group, raise_if_not_found=False)
        return [("all_group_ids", "in", group.ids)] if group else []

    def _who_may_write(self):
        names = self._names_of_managers()
        return (
            self.env._("Only its Managers (%s) and Root can change it.", names)
            if names
            else self.env._("Only its Managers and Root can change it.")
        )

    def _who_may_delete(self):
        return self.env._("Only Root can delete it, and its creator while they are one of its Managers.")

    def _names_of_managers(self):
        """Return the names of this record's Managers, "" if the caller may not see them."""
        if not self.env.user.has_group(GROUP_MANAGER):
            return ""
        # sudo: names of users only, for a Manager who reads the record
        return ", ".join(self.sudo().manager_ids.mapped("name"))

    @api.model
    def _get_post_create_fields(self):
        """Return the fields that are written after the record was created: lists of children.

        Record rules of children depend on the roles of their parent, which are stored at the end of its creation.
        """
        return [name for name, field in self._fields.items() if field.type == "one2many"]

    @api.model_create_multi
    def create(self, vals_list):
        later = self._get_post_create_fields()
        now, postponed = [], []
        for vals in vals_list:
            now.append({name: value for name, value in vals.items() if name not in later})
            postponed.append({name: vals[name] for name in later if name in vals})
        records = super().create(now)
        for record, vals in zip(records, postponed, strict=True):
            if vals:
                record.write(vals)
        return records
