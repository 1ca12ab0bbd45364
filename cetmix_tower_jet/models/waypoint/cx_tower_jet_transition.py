from odoo import fields, models

PREPARE, FLIGHT, DELETE = "prepare", "flight", "delete"
LEAVE, ARRIVE = "leave", "arrive"


class CxTowerJetTransition(models.Model):
    """Movements of waypoints: what they prepare, fly to or delete, and how far a flight is."""

    _inherit = "cx.tower.jet.transition"

    waypoint_movement = fields.Selection(
        [(PREPARE, "Preparing a waypoint"), (FLIGHT, "Flight"), (DELETE, "Deleting a waypoint")],
        readonly=True,
    )
    waypoint_phase = fields.Selection(
        [(LEAVE, "Leaving"), (ARRIVE, "Arriving")], string="Phase", readonly=True, help="How far a flight is."
    )
    waypoint_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
    )
    waypoint_from_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        string="From waypoint",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
    )
    # Kept when a waypoint is deleted. Screens show ``to_name`` and ``from_name``, which are filtered for the reader.
    waypoint_name = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    waypoint_from_name = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    waypoint_from_level = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    flies_on = fields.Boolean(readonly=True, help="The jet flies to the waypoint as soon as it is prepared.")
    values_before = fields.Json(readonly=True, groups=fields.NO_ACCESS)

    _flights = models.Index("(jet_id, id DESC) WHERE waypoint_movement IS NOT NULL")


class CxTowerJet(models.Model):
    """Claiming a jet for a movement of a waypoint."""

    _inherit = "cx.tower.jet"

    def _kept_of(self, taken_from):
        kept = super()._kept_of(taken_from)
        if (
            not taken_from
            or taken_from._name != "cx.tower.jet.transition"
            or not taken_from.waypoint_movement
        ):
            return kept
        names = (
            "waypoint_movement",
            "waypoint_phase",
            "waypoint_name",
            "waypoint_from_name",
            "waypoint_from_level",
        )
        return {
            **kept,
            **{name: taken_from[name] or None for name in names},
            "flies_on": taken_from.flies_on,
            "waypoint_id": taken_from.waypoint_id.id or None,
            "waypoint_from_id": taken_from.waypoint_from_id.id or None,
        }
