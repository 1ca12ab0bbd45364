from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...engine.allocation import AllocationError, AllocationRange

SERVER, EVERYWHERE = "server", "global"


class CxTowerVariable(models.Model):
    """Variables whose values only one jet may have, such as ports. New jets get the lowest free one."""

    _inherit = "cx.tower.variable"

    allocation = fields.Selection(
        [(SERVER, "On each server"), (EVERYWHERE, "Everywhere")],
        string="Unique for jets",
        help="Two jets never have the same value. A jet template asks for one by listing the variable without a value: each"
        " new jet gets the lowest free value of the range.",
    )
    allocation_range = fields.Char(
        string="Range", help="A range such as 8000-8999, or a pattern with one counter such as shop{01-99}."
    )

    @api.constrains("allocation", "allocation_range", "variable_type")
    def _check_allocation(self):
        for variable in self:
            if variable.allocation and variable.variable_type != "s":
                raise ValidationError(
                    self.env._(
                        "“%s” has options, so its values cannot be unique for jets. Choose the type String.",
                        variable.name,
                    )
                )
            if variable.allocation or variable.allocation_range:
                try:
                    AllocationRange.parse(variable.allocation_range or "")
                except AllocationError as error:
                    text = self.env._(
                        "Variable “%(variable)s”: %(error)s", variable=variable.name, error=error
                    )
                    raise ValidationError(text) from error

    @api.onchange("allocation_range")
    def _onchange_allocation_range(self):
        """Warn at once of what saving would refuse."""
        if self.allocation_range:
            try:
                AllocationRange.parse(self.allocation_range)
            except AllocationError as error:
                title = self.env._("Invalid range")
                return {"warning": {"title": title, "message": str(error), "type": "notification"}}
        return None

    def write(self, vals):
        allocation = vals.get("allocation")
        if allocation:
            self._begin_allocation(allocation)
        result = super().write(vals)
        if allocation:
            # sudo: values that the caller may not see ask for an allocated one, too
            self.sudo().with_context(active_test=False).value_ids._mark_requests()
        return result

    # ------------------------------------------------------------------ reservations

    def _allocation_range(self):
        """Return the :class:`engine.allocation.AllocationRange` of this variable."""
        return AllocationRange.parse(self.allocation_range)

    def _allocation_place(self, server):
        """Return where a value of this variable must be unique: the id of the server, 0 for everywhere."""
        return server.id if self.allocation == SERVER else 0

    def _begin_allocation(self, allocation):
        """Prepare values of jets for being unique from now on.

        Jets that keep values outside the range are not asked to change them: their applications use them.

        :raise ValidationError: several jets have the same value
        """
        # sudo: values that the caller may not see must be unique, too
        values = self.sudo().with_context(active_test=False).value_ids
        values.filtered(lambda value: value.jet_id and not value.jet_id.seat).active = False  # destroyed jets
        values.flush_recordset()
        place = SQL("jet.server_id") if allocation == SERVER else SQL("NULL::integer")
        query = SQL(
            """
            SELECT value.variable_id, value.value_char, array_agg(jet.id)
              FROM cx_tower_variable_value value JOIN cx_tower_jet jet ON jet.id = value.jet_id
             WHERE value.variable_id = ANY(%s) AND value.active AND value.value_char <> ''
             GROUP BY value.variable_id, value.value_char, %s
            HAVING count(*) > 1 LIMIT 1
            """,
            self.ids,
            place,
        )
        for variable_id, text, jet_ids in self.env.execute_query(query):
            raise ValidationError(
                self.env._(
                    "The values of “%(variable)s” cannot be unique: “%(text)s” belongs to %(jets)s. Change these values first.",
                    variable=self.browse(variable_id).name,
                    text=text,
                    jets=self.env["cx.tower.jet"].browse(jet_ids)._names_for_caller(),
                )
            )
