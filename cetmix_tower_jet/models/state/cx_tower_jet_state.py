from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Links of a running transition that still decide where its jet goes.
LINKS_OF_TRANSITIONS = (
    "state_from_id",
    "state_transit_id",
    "state_to_id",
    "state_error_id",
    "journey_state_id",
)


class CxTowerJetState(models.Model):
    """A state that jets can be in: running, stopped, ... Any template may use any state.

    An archived state is no longer offered. Actions that use it and jets that are in it keep working.
    """

    _name = "cx.tower.jet.state"
    _description = "Tower Jet State"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin"]
    _order = "sequence, id"

    name = fields.Char(translate=True)
    sequence = fields.Integer(default=10, aggregator=None, help="Order on the board and in the status bar.")
    active = fields.Boolean(default=True)
    color = fields.Integer(export_string_translation=False)
    note = fields.Text()
    access_level = fields.Selection(default="1", help="The lowest level that can bring a jet to this state.")

    @api.model
    def _default_access_level(self):
        return "1"

    @api.model
    def _make_copy_names(self, names):
        """Return a free name for each copy: the column of the name holds its translations."""
        states = self.sudo().with_context(active_test=False)  # sudo: only which names are free
        result = []
        for name in names:
            copied, number = self.env._("%s (copy)", name), 1
            while copied in result or states.search_count([("name", "=", copied)], limit=1):
                number += 1
                copied = self.env._("%(name)s (copy %(number)s)", name=name, number=number)
            result.append(copied)
        return result

    # Besides the links that the database holds: actions, jets and the states that dependencies require.
    @api.ondelete(at_uninstall=False)
    def _unlink_except_needed(self):
        """Refuse to delete a state that a dependency is needed in: without it the dependency would mean something else."""
        # sudo: dependencies that the caller does not see prevent it, too
        dependencies = self.env["cx.tower.jet.template.dependency"].sudo()
        found = dependencies.search([("needed_in_state_ids", "in", self.ids)], limit=1)
        if found:
            raise UserError(
                self.env._(
                    "“%(state)s” cannot be deleted: jets of “%(template)s” need “%(required)s” in it. Remove it from that"
                    " dependency first, or archive the state.",
                    state=(found.needed_in_state_ids & self)[0].name,
                    template=found.template_id.name,
                    required=found.template_required_id.name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_moving(self):
        """Refuse to delete a state that a running action comes from or leads to, even if the action was changed meanwhile."""
        # sudo: actions on jets that the caller does not see prevent it, too; their jet is not named
        transitions = self.env["cx.tower.jet.transition"].sudo()
        used = Domain.OR(Domain(name, "in", self.ids) for name in LINKS_OF_TRANSITIONS)
        found = transitions.search(Domain("state", "in", ("waiting", "running")) & used, limit=1)
        if found:
            states = self.browse().union(*(found[name] for name in LINKS_OF_TRANSITIONS)) & self
            raise UserError(
                self.env._(
                    "“%(state)s” cannot be deleted while “%(action)s”, which uses it, is running on a jet. Wait for it to"
                    " end, or archive the state.",
                    state=states[0].name,
                    action=found.action_name or "",
                )
            )
