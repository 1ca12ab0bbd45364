from odoo import api, fields, models


class CxTowerAccessMixin(models.AbstractModel):
    """An access level: who may see and use a record at all. Record rules compare it with the person's level."""

    _name = "cx.tower.access.mixin"
    _description = "Tower access mixin"

    access_level = fields.Selection(
        selection="_selection_access_level",
        default=lambda self: self._default_access_level(),
        required=True,
        index=True,
        help="Who may see and use it: User for everybody in Tower, Manager, or Root only.",
    )

    @api.model
    def _selection_access_level(self):
        """Return the levels; each one implies those before it, so they can be compared as text."""
        return [("1", "User"), ("2", "Manager"), ("3", "Root")]

    @api.model
    def _default_access_level(self):
        """Return the level of new records."""
        return "2"

    @api.model
    def _get_access_fields(self):
        """Return the fields that the model's record rules look at, besides roles, and that a person may change."""
        return ["access_level"]

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and any(name in vals for name in self._get_access_fields()):
            # Rules are checked on what a record was; what it becomes must be within the person's rights, too.
            # Else a manager could move a record to a level or an owner where creating it is refused.
            self.check_access("write")
        return result
