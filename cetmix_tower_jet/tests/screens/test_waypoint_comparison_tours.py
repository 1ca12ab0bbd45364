from odoo.tests import tagged

from .test_jet_tours import JetTourCase


class WaypointComparisonCase(JetTourCase):
    """People compare waypoints and see what a flight changes before it begins."""

    def setUp(self):
        super().setUp()
        env = self.env
        self.jet.jet_template_id.manager_ids = self.people["manager"]
        for name, level in (
            ("Tour edition", "1"),
            ("Tour pepper", "3"),
            ("Tour config", "1"),
            ("Tour port", "1"),
        ):
            env["cx.tower.variable"].create({"name": name, "access_level": level})
        kind = env["cx.tower.jet.waypoint.template"].create(
            {"name": "Tour type", "jet_template_id": self.jet.jet_template_id.id}
        )
        first, second = (
            env["cx.tower.jet.waypoint"].create(
                {"name": name, "jet_id": self.jet.id, "waypoint_template_id": kind.id}
            )
            for name in ("Tour first", "Tour second")
        )
        self.set(
            edition="old", pepper="cayenne", config="\n".join(f"line {n}" for n in range(30)), port="8069"
        )
        first.prepare()
        self.set(edition="new", pepper="bell", config="\n".join(f"line {n}" for n in range(30) if n != 20))
        second.prepare()
        second.update_metadata({"size": 5, "files": ["/backup/a.sql", "/backup/b.tar"]})
        self.first = first
        views = {
            "list": '<list><field name="name"/><field name="state"/></list>',
            "form": """<form js_class="tower_form"><header>
                <button name="action_ask_to_fly" type="object" string="Fly here"/>
                <field name="state"/></header><sheet><field name="name"/></sheet></form>""",
        }
        model = "cx.tower.jet.waypoint"
        made = env["ir.ui.view"].create(
            [{"name": "Tour", "model": model, "arch": arch, "priority": 99} for arch in views.values()]
        )
        self.action = env["ir.actions.act_window"].create(
            {
                "name": "Tour waypoints",
                "res_model": model,
                "view_ids": [
                    (0, 0, {"view_mode": mode, "view_id": view.id})
                    for mode, view in zip(views, made, strict=True)
                ],
            }
        )

    def set(self, **texts):
        for name, text in texts.items():
            self.jet.set_variable_value(f"tour_{name}", text)

    def compare_and_fly(self, level, tour="cetmix_tower_jet_waypoint_comparison"):
        self.start_tour(
            f"/odoo/action-{self.action.id}",
            tour,
            login=self.people[level].login,
            timeout=120,
        )
        self.assertEqual(self.first.state, "current")
        self.assertEqual(self.jet.get_variable_value("tour_edition"), "old")


@tagged("post_install", "-at_install")
class TestWaypointComparison(WaypointComparisonCase):
    def test_manager(self):
        self.compare_and_fly("manager")

    def test_root(self):
        self.compare_and_fly("root")


@tagged("post_install", "-at_install")
class TestWaypointComparisonOnAPhone(WaypointComparisonCase):
    browser_size = "420x900"

    def test_manager(self):
        self.compare_and_fly("manager", "cetmix_tower_jet_waypoint_comparison_phone")
