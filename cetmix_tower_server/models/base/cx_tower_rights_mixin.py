from lxml import etree
from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

RIGHTS = ("may_write", "may_delete", "may_copy", "readonly_reason")


class CxTowerRightsMixin(models.AbstractModel):
    """What the user may do with a record, so that screens offer only that.

    Every form loads these fields, whether its view names them or not. ``tower_form`` uses them to make the form read-only and
    to say why. They protect nothing: access rights and rules do.
    """

    _name = "cx.tower.rights.mixin"
    _description = "Tower rights mixin"
    # A record with nothing but a name would be useless (a command without code, a key without its secret): pickers open
    # the form instead.
    _needs_more_than_a_name = False

    may_write = fields.Boolean(compute="_compute_rights_of_caller", export_string_translation=False)
    may_delete = fields.Boolean(compute="_compute_rights_of_caller", export_string_translation=False)
    may_copy = fields.Boolean(compute="_compute_rights_of_caller", export_string_translation=False)
    readonly_reason = fields.Char(compute="_compute_rights_of_caller", export_string_translation=False)

    @api.depends_context("uid", "su")
    def _compute_rights_of_caller(self):
        records = self._origin
        writable = records._filtered_access("write")
        deletable = records._filtered_access("unlink")
        copyable = records._get_copyable()
        for record in self:
            origin = record._origin
            record.may_write = not origin or origin in writable
            record.may_delete = origin in deletable
            record.may_copy = origin in copyable
            record.readonly_reason = (
                False if record.may_write else self.env._("Read-only for you. %s", origin._who_may_write())
            )

    def _get_copyable(self):
        """Return those of these records that the caller may duplicate. Overridden where copying needs more."""
        return self if self._may_create() else self.browse()

    @api.model
    def _may_create(self):
        """Return whether the user may create records of this model. Not affected by sudo: actions are read as superuser."""
        return self.sudo(False).browse().has_access("create")

    @api.model
    def _get_rights_owner_fields(self):
        """Return the many2one fields to records whose Managers may write these; the first that is set counts."""
        return []

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and any(name in vals for name in self._get_rights_owner_fields()):
            # Odoo checks the rules before the change. They must hold afterwards, too, or a Manager could give a record to an
            # owner where they could not create it.
            self.check_access("write")
        return result

    def _who_may_write(self):
        """Return a sentence for a user who may not write this record: who may. Overridden by models."""
        self.ensure_one()
        # sudo: only the name of what the record belongs to, for a user who may read the record
        owners = (self.sudo()[name] for name in self._get_rights_owner_fields())
        owner = next(filter(None, owners), None)
        if owner is None:
            return self.env._("Only Root can change it.")
        return self.env._("Only Managers of “%s” and Root can change it.", owner.display_name)

    def _who_may_delete(self):
        """Return a sentence for a user who may not delete this record: who may. Overridden by models."""
        self.ensure_one()
        return self.env._("Only Root can delete it.")

    @api.model
    def name_create(self, name):
        """Create a record from a name that was typed into a picker.

        :raise AccessError: the caller may not create such records
        :raise ValidationError: the name is empty or not enough; the web client then opens the form instead
        """
        self.browse().check_access("create")
        text = name.strip() if isinstance(name, str) else ""
        if not text:
            raise ValidationError(self.env._("Enter a name."))
        if self._needs_more_than_a_name or self._required_besides_name():
            raise ValidationError(self.env._("“%s” needs more than a name: fill in the form.", text))
        return super().name_create(text)

    @api.model
    def _required_besides_name(self):
        """Return the names of required fields that have no default."""
        required = [
            field.name
            for field in self._fields.values()
            if field.required and field.store and not field.compute and field.name != self._rec_name
        ]
        defaults = self.default_get(required)
        return [name for name in required if name not in defaults]

    # ------------------------------------------------------------------ nothing to show

    @api.model
    def get_empty_hint(self):
        """Return one or two sentences for a user whose picker or list is empty: why, and what to do. Also for RPC.

        :raise AccessError: the caller has no access to Tower
        """
        if not (self.env.su or self.env.user.has_group("cetmix_tower_server.group_user")):
            raise AccessError(
                self.env._("You have no access to Tower. Ask an administrator to give you an access level.")
            )
        return self._empty_hint()

    @api.model
    def _empty_hint(self):
        """Return the sentences of :meth:`get_empty_hint`. Overridden where more can be said."""
        if self._may_create():
            return self.env._("You do not see anything suitable yet. You can create a new one.")
        if self.env.user.has_group("cetmix_tower_server.group_manager"):
            return self.env._("You do not see anything suitable yet. Ask Root.")
        return self.env._("You do not see anything suitable yet. Ask a Manager or Root.")

    @api.model
    def get_empty_list_help(self, help_message):
        if self.browse().has_access("read") and not self._may_create():
            title = self.env._("Nothing here for you yet")
            help_message = Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>') % (
                title,
                self._empty_hint(),
            )
        return super().get_empty_list_help(help_message)

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form":
            for name in RIGHTS:
                etree.SubElement(arch, "field", name=name, invisible="1")
        return arch, view
