from odoo import api, models
from odoo.addons.cetmix_tower_server.models.base.transactions import GUARD_WAIT_S, brief_locks
from odoo.exceptions import UserError
from odoo.tools import SQL

from .cx_tower_jet_transition import FLIGHT


class CxTowerVariableValue(models.Model):
    """While a jet flies, the flight replaces its values: nobody but the flight, and its flight plans, can change them."""

    _inherit = "cx.tower.variable.value"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_jets_do_not_fly([vals["jet_id"] for vals in vals_list if vals.get("jet_id")])
        return super().create(vals_list)

    def write(self, vals):
        jets = self.sudo().jet_id.ids  # sudo: which jets are concerned; only ids
        self._check_jets_do_not_fly([*jets, vals["jet_id"]] if vals.get("jet_id") else jets)
        return super().write(vals)

    def unlink(self):
        self._check_jets_do_not_fly(self.sudo().jet_id.ids)  # sudo: as for write
        return super().unlink()

    @api.model
    def _check_jets_do_not_fly(self, jet_ids):
        """Raise UserError if one of these jets is flying to a waypoint, unless the engine or a flight plan asks.

        The rows of the jets change, so a flight that begins at this moment collides with the caller and sees the values.

        :param jet_ids: ids of jets whose values are about to change
        """
        if self.env.su or not jet_ids:
            return
        Jet = self.env["cx.tower.jet"]
        Jet.flush_model(["current_transition_id"])
        with brief_locks(self.env, GUARD_WAIT_S, flush=False):
            self.env.cr.execute(
                SQL(
                    "UPDATE cx_tower_jet SET current_transition_id = current_transition_id WHERE id = ANY(%s)",
                    sorted(set(jet_ids)),
                ),
                log_exceptions=False,
            )
        # sudo: everybody who may change values of a jet is told that it flies
        flights = (
            self.env["cx.tower.jet.transition"]
            .sudo()
            .search(
                [
                    ("jet_id", "in", jet_ids),
                    ("state", "=", "running"),
                    ("waypoint_movement", "=", FLIGHT),
                ]
            )
        ) - Jet._transitions_of_this_thread()
        if flights:
            raise UserError(
                self.env._(
                    "The values of “%s” cannot be changed now: it is flying to a waypoint, which replaces them. Wait for it to end.",
                    flights[0].jet_id.name,
                )
            )
