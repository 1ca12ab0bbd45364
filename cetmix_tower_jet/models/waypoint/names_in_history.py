from odoo import api, fields, models

from ..jet.levels import level_in_tower


class CxTowerJetTransition(models.Model):
    """From where to where a jet went: states or waypoints, as far as the reader may know them."""

    _inherit = "cx.tower.jet.transition"

    from_name = fields.Char(string="From where", compute="_compute_end_names")
    to_name = fields.Char(string="To where", compute="_compute_end_names")

    @api.depends(
        "state_from_id.name",
        "state_to_id.name",
        "waypoint_id.access_level",
        "waypoint_from_id.access_level",
        "waypoint_name",
        "waypoint_from_name",
    )
    @api.depends_context("uid", "su", "lang")
    def _compute_end_names(self):
        facts = self.sudo()  # sudo: names of waypoints are filtered for the reader below
        waypoints = (facts.waypoint_id | facts.waypoint_from_id).with_env(self.env)
        readable = waypoints._filtered_access("read")
        level = level_in_tower(self.env)
        for one, fact in zip(self, facts, strict=True):
            if not fact.waypoint_movement:
                one.from_name, one.to_name = fact.state_from_id.name, fact.state_to_id.name
                continue
            left = fact.waypoint_from_name, fact.waypoint_from_id, fact.waypoint_from_level
            there = fact.waypoint_name, fact.waypoint_id, fact.access_level
            one.from_name, one.to_name = (
                name if (waypoint in readable if waypoint else (its_level or "") <= level) else False
                for name, waypoint, its_level in (left, there)
            )


class CxTowerJetWaypointTemplate(models.Model):
    """A level that is raised on a type is raised on its waypoints, and so in the history."""

    _inherit = "cx.tower.jet.waypoint.template"

    def write(self, vals):
        result = super().write(vals)
        if "access_level" in vals:
            # sudo: waypoints that the caller does not see, too
            waypoints = self.env["cx.tower.jet.waypoint"].sudo()
            waypoints.search([("waypoint_template_id", "in", self.ids)])._pass_level_to_history()
        return result


class CxTowerJetWaypoint(models.Model):
    """Names of waypoints stay with those who may read the waypoints."""

    _inherit = "cx.tower.jet.waypoint"

    def _name_for_level(self, level):
        """Return the name for a text that people of a level read; a general term if the waypoint is above it."""
        return self.name if self.access_level <= level else self.env._("a waypoint that you may not see")

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {"access_level", "waypoint_template_id"}:
            self._pass_level_to_history()
        return result

    def _pass_level_to_history(self):
        """Let the history be read by those who may read the waypoint: it keeps the name even when the waypoint is deleted."""
        Transition = self.env["cx.tower.jet.transition"].sudo()  # sudo: only Tower writes the history
        for level, waypoints in self.grouped("access_level").items():
            Transition.search([("waypoint_id", "in", waypoints.ids)]).write({"access_level": level})
            Transition.search([("waypoint_from_id", "in", waypoints.ids)]).write(
                {"waypoint_from_level": level}
            )
