from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Each level implies those before it, so they compare as text.
LEVEL_USER, LEVEL_MANAGER, LEVEL_ROOT = "1", "2", "3"


class CxTowerAccessMixin(models.AbstractModel):
    """For models with an access level. Record rules compare a record's level with that of the user."""

    _name = "cx.tower.access.mixin"
    _description = "Tower access mixin"

    access_level = fields.Selection(
        selection="_selection_access_level",
        string="Access level",
        default=lambda self: self._default_access_level(),
        required=True,
        index=True,
        help="The lowest level that can see and use it: User is everybody in Tower, Root is only Root.",
    )

    @api.model
    def _selection_access_level(self):
        """Return the access levels, lowest first."""
        return [(LEVEL_USER, "User"), (LEVEL_MANAGER, "Manager"), (LEVEL_ROOT, "Root")]

    def _access_level_label(self):
        """Return this record's access level as screens and messages call it."""
        return dict(self._fields["access_level"]._description_selection(self.env))[self.access_level]

    @api.model
    def _default_access_level(self):
        """Return the level of new records."""
        return LEVEL_MANAGER

    @api.constrains("access_level")
    def _check_access_level_exists(self):
        """Odoo checks no value of a selection that a method returns."""
        levels = dict(self._selection_access_level())
        for record in self:
            if record.access_level not in levels:
                raise ValidationError(
                    self.env._(
                        "“%(level)s” is not an access level of “%(record)s”. Possible: %(levels)s.",
                        level=record.access_level,
                        record=record.display_name,
                        levels=", ".join(f"{level} ({label})" for level, label in levels.items()),
                    )
                )

    @api.model
    def _get_access_fields(self):
        """Return the fields, besides roles, that the record rules depend on and that people can change."""
        return ["access_level"]

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and any(name in vals for name in self._get_access_fields()):
            # Odoo checks the rules before the change. They must hold afterwards, too, or a manager could move a record
            # to a level or an owner where they could not create it.
            self.check_access("write")
        return result
