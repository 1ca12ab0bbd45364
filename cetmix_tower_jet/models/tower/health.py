from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.tower.health import OK, WARNING, grade
from odoo.fields import Domain

#: Seconds that an action may wait for other jets, as parts of the time limit of requests: (warning, error).
WAITING_WARNING, WAITING_ERROR = 0.5, 1.1


class CetmixTower(models.AbstractModel):
    """Jets on the health page."""

    _inherit = "cetmix.tower"

    @api.model
    def _health_lists(self):
        transitions = "cx.tower.jet.transition"
        waiting = Domain("state", "=", "waiting")
        # one that is being deleted right now has no problem yet
        undeleted = Domain("state", "=", "deleting") & Domain("problem", "!=", False)
        broken = Domain("state", "=", "error") | undeleted
        return super()._health_lists() | {
            "waypoints": ("cx.tower.jet.waypoint", self.env._("Waypoints that need attention"), broken),
            "jets": ("cx.tower.jet", self.env._("Busy jets"), Domain("current_transition_id", "!=", False)),
            "jet_transfers": (
                "cx.tower.jet.transfer",
                self.env._("Failed transfers of jets"),
                Domain("state", "=", "failed")
                & Domain("jet_id", "!=", False)
                & Domain("new_jet_id", "!=", False),
            ),
            "jets_waiting": (transitions, self.env._("Jets waiting for others"), waiting),
        }

    @api.model
    def _health_facts(self):
        facts = super()._health_facts()
        Transition = self.env["cx.tower.jet.transition"]
        live = Domain("state", "in", ["waiting", "running"])
        [(oldest,)] = Transition._read_group(live, [], ["start_date:min"])
        [(waiting,)] = Transition._read_group(Domain("state", "=", "waiting"), [], ["start_date:min"])
        return facts | {"jets_oldest": oldest, "jets_waiting_since": waiting}

    @api.model
    def _health_checks(self, facts):
        return [
            *super()._health_checks(facts),
            self._health_jets(facts),
            self._health_jets_waiting(facts),
            self._health_waypoints(facts),
            self._health_jet_transfers(facts),
        ]

    @api.model
    def _health_seconds_since(self, moment):
        return max(0.0, (fields.Datetime.now() - moment).total_seconds()) if moment else 0.0

    @api.model
    def _health_jets(self, facts):
        busy, age = facts["jets"], self._health_seconds_since(facts["jets_oldest"])
        text = self.env._("No jet is busy.")
        if busy:
            text = self.env._(
                "Busy jets: %(busy)s. The oldest action has been running for %(age)s.",
                busy=busy,
                age=self._health_age_text(age),
            )
        return self._health_check("jets", self.env._("Jets"), OK, busy, text)

    @api.model
    def _health_waypoints(self, facts):
        broken = facts["waypoints"]
        text = self.env._("No waypoint is in error.")
        if broken:
            text = self.env._("Waypoints in error, or that could not be deleted: %s.", broken)
        advice = self.env._(
            "Open them to see why. Check the jet and its host, then reset the waypoint, or delete it again."
        )
        status = WARNING if broken else OK
        return self._health_check("waypoints", self.env._("Waypoints"), status, broken, text, advice)

    @api.model
    def _health_jets_waiting(self, facts):
        waiting, age = facts["jets_waiting"], self._health_seconds_since(facts["jets_waiting_since"])
        limit = self.env["cx.tower.settings"]._jet_request_timeout()
        text = self.env._("No jet is waiting for another.")
        if waiting:
            text = self.env._(
                "Jets waiting for others: %(waiting)s. The oldest has been waiting for %(age)s.",
                waiting=waiting,
                age=self._health_age_text(age),
            )
        status = grade(age, limit * WAITING_WARNING, limit * WAITING_ERROR) if waiting and limit else OK
        advice = self.env._(
            "Open the jets to see what they wait for. Stop the action, or bring the jet that it needs to its state by hand."
        )
        return self._health_check(
            "jets_waiting", self.env._("Jets waiting for others"), status, waiting, text, advice
        )

    @api.model
    def _health_jet_transfers(self, facts):
        failed = facts["jet_transfers"]
        text = self.env._("No transfer of a jet has failed.")
        if failed:
            text = self.env._("Transfers of jets that failed, and whose two jets are there: %s.", failed)
        advice = self.env._("Open the transfers and try them again, or delete the jets that they have made.")
        return self._health_check(
            "jet_transfers", self.env._("Transfers of jets"), WARNING if failed else OK, failed, text, advice
        )
