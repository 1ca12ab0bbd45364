from odoo import SUPERUSER_ID, api, fields, models

GROUP_USER = "cetmix_tower_server.group_user"
GROUP_MANAGER = "cetmix_tower_server.group_manager"


class CxTowerAccessRoleMixin(models.AbstractModel):
    """Two lists of people on a record: Users and Managers. The rules of each model say what they may do.

    Each model gives both fields a relation table of its own, ``<table>_user_rel (record_id, user_id)`` and
    ``<table>_manager_rel (record_id, manager_id)``; two models with the same one do not load.
    """

    _name = "cx.tower.access.role.mixin"
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
        """Return the group that people need to be Users of a record. Managers where users have no rights at all."""
        return GROUP_USER

    @api.model
    def _default_role(self, group):
        """Return the person who creates the record, when the role is open to them."""
        user = self.env.user
        return user if user.id != SUPERUSER_ID and user.has_group(group) else user.browse()

    @api.model
    def _get_role_domain(self, group):
        group = self.env.ref(group, raise_if_not_found=False)
        return [("all_group_ids", "in", group.ids)] if group else []

    @api.model
    def _get_post_create_fields(self):
        """Return the fields that are written after a record was created: lists of children.

        Rules of children look at the roles of their parent, and these are stored only when it is complete.
        """
        return [name for name, field in self._fields.items() if field.type == "one2many"]

    @api.model
    def _get_linked_access_fields(self):
        """Return many2one fields to records that the caller must be allowed to read before linking them.

        Odoo itself checks that for many2many fields only. Where linking gives rights (the managers of a server have rights on its SSH key), knowing the id of a
        record must not be enough.
        """
        return []

    @api.model_create_multi
    def create(self, vals_list):
        self._check_linked_access(vals_list)
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

    def write(self, vals):
        self._check_linked_access([vals])
        return super().write(vals)

    @api.model
    def _check_linked_access(self, vals_list):
        """Raise AccessError when one of ``vals_list`` links a record that the caller may not read."""
        if self.env.su:
            return
        for name in self._get_linked_access_fields():
            linked = self.env[self._fields[name].comodel_name].browse(
                {vals[name] for vals in vals_list if vals.get(name)}
            )
            if linked:
                linked.check_access("read")
