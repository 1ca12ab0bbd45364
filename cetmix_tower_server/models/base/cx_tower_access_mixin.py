from odoo import api, fields, models


class CxTowerAccessMixin(models.AbstractModel):
    """For models with an access level. Record rules compare a record's level with that of the user."""

    _name = "cx.tower.access.mixin"
    _description = "Tower access mixin"

    access_level = fields.Selection(
        selection="_selection_access_level",
        default=lambda self: self._default_access_level(),
        required=True,
        index=True,
        help="The lowest level that can see and use it: User is everybody in Tower, Root is only Root.",
    )

    @api.model
    def _selection_access_level(self):
        """Return the levels. Each implies those before it, and they compare as text."""
        return [("1", "User"), ("2", "Manager"), ("3", "Root")]

    @api.model
    def _default_access_level(self):
        """Return the level of new records."""
        return "2"

    @api.model
    def _get_access_fields(self):
        """Return the fields, besides roles, that the record rules depend on and that people can change."""
        return ["access_level"]

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and any(name in vals for name in self._get_access_fields()):
            # Odoo checks the rules before the change. They must hold afterwards, too, or a manager could move a record
            # to a level or an owner where he could not create it.
            self.check_access("write")
        return result
