from odoo import models

LINKS = ("state_from_id", "state_transit_id", "state_to_id", "state_error_id")


class CxTowerJetTemplate(models.Model):
    """The lifecycle of a template as a picture."""

    _inherit = "cx.tower.jet.template"

    def get_lifecycle_graph(self):
        """Return the states and actions of this template, for the graph.

        :return: dict: ``states`` (``id``, ``name``, ``reference``, ``color``), ``actions`` (``id``, ``name``, ``state_from_id``,
            ``state_transit_id``, ``state_to_id``, ``state_error_id`` (False for none), ``is_available``, ``is_running``,
            ``access_level``), ``state_id`` and ``transit_state_id`` (of a jet; False here)
        :raise AccessError: the caller may not read the template
        """
        self.ensure_one()
        self.check_access("read")
        # searched: the cache of the one2many may hold what another user was allowed to read
        Action = self.env["cx.tower.jet.action"].with_context(
            active_test=False
        )  # of an archived template, too
        actions = Action.search([("jet_template_id", "=", self.id)])
        # sudo: names of the states that the actions lead through, whatever their level
        links = actions.sudo()
        states = self.env["cx.tower.jet.state"].sudo().union(*(links[name] for name in LINKS))
        return {
            "states": [
                {"id": state.id, "name": state.name, "reference": state.reference, "color": state.color}
                for state in states.sorted(lambda state: (state.sequence, state.id))
            ],
            "actions": [
                {
                    "id": action.id,
                    "name": action.name,
                    **{name: action[name].id for name in LINKS},
                    "is_available": False,
                    "is_running": False,
                    "access_level": action.access_level,
                }
                for action in links
            ],
            "state_id": False,
            "transit_state_id": False,
        }
