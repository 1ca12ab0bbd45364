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


@tagged("post_install", "-at_install")
class TestJetContextKeys(ContextKeysCase):
    """Keys that this addon reads."""

    addon = "cetmix_tower_jet"
    known_keys = frozenset(ANYBODY)
