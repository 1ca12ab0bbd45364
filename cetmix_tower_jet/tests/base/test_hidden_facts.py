from odoo.addons.cetmix_tower_server.tests.base.hidden_facts_case import HIDDEN, HiddenFactsCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetHiddenFacts(HiddenFactsCase):
    """Fields of this addon."""

    addon = "cetmix_tower_jet"
    at_least = {"links": 20, "fields for Managers": 5}

    @classmethod
    def make_hidden(cls):
        known = super().make_hidden()
        by_model = {record._name: record for record in known}
        server, plan = by_model["cx.tower.server"], by_model["cx.tower.plan"]
        state = cls.env["cx.tower.jet.state"].create({"name": HIDDEN, "note": HIDDEN, "access_level": "3"})
        action = {"name": HIDDEN, "note": HIDDEN, "access_level": "3", "plan_id": plan.id}
        template, needed = cls.env["cx.tower.jet.template"].create(
            [
                {
                    "name": f"{HIDDEN} {number}",
                    "note": HIDDEN,
                    "access_level": "3",
                    "action_ids": [(0, 0, {**action, "state_transit_id": state.id})],
                }
                for number in (1, 2)
            ]
        )
        need = cls.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": template.id,
                "template_required_id": needed.id,
                "state_required_id": state.id,
            }
        )
        [installed] = template.install_on_servers(server.ids)
        install = cls.env["cx.tower.jet.template.install"].browse(installed["installation"])
        jet, other = cls.env["cx.tower.jet"].create(
            [
                {
                    "name": HIDDEN,
                    "note": HIDDEN,
                    "url": f"https://{HIDDEN.replace(' ', '-')}.example.com",
                    "jet_template_id": one.id,
                    "server_id": server.id,
                }
                for one in (template, needed)
            ]
        )
        jet.jet_requires_ids.jet_depends_on_id = other
        jet.correct_state(state.reference, HIDDEN)
        kind = cls.env["cx.tower.jet.waypoint.template"].create(
            {"name": HIDDEN, "note": HIDDEN, "access_level": "3", "jet_template_id": template.id}
        )
        waypoint = cls.env["cx.tower.jet.waypoint"].create(
            {"name": HIDDEN, "jet_id": jet.id, "waypoint_template_id": kind.id, "metadata": {"a": HIDDEN}}
        )
        return [
            *known,
            template,
            jet,
            state,
            template.action_ids,
            need,
            install,
            install.line_ids[:1],
            jet.jet_requires_ids,
            jet.transition_ids,
            kind,
            waypoint,
        ]
