from odoo.addons.cetmix_tower_server.tests.base.context_keys_case import ContextKeysCase
from odoo.tests import tagged

# Keys that any caller can set, and why they decide nothing.
ANYBODY = {
    "active_ids": "what a wizard begins with; checked like everything that is chosen in it",
    "active_model": "as active_ids",
    "jet_id": "the jet that a button acts on; checked like an argument",
    "jet_template_id": "the template that a button acts on; checked like an argument",
    "server_id": "the server that a button acts on; checked like an argument",
}
# Keys that people of some level can set, and how that is checked.
SOME = {
    "waypoint_force_delete": "skips the delete plan of a waypoint: Tower itself, and Root, see tests/access/test_waypoint_writing.py",
    "waypoint_no_raise_on_delete": "leaves out waypoints that cannot be deleted now; the rights to delete are checked all the same",
}
# Keys that only Tower itself can set (engine_context.py); tests with plain values under them: see the places named.
TOWER = {
    "jet_leaves_waypoints": "what waypoints keep on a host stays there: waypoint/test_jet_deletion.py",
    "waypoint_retention": "a loop that deletes old waypoints goes on by itself",
}


@tagged("post_install", "-at_install")
class TestJetContextKeys(ContextKeysCase):
    """Keys that this addon reads."""

    addon = "cetmix_tower_jet"
    known_keys = frozenset(ANYBODY) | frozenset(SOME) | frozenset(TOWER)
