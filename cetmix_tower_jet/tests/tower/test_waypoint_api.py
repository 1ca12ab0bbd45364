from odoo.addons.cetmix_tower_server.tests.api_case import PASSWORD, PROTOCOLS, ApiCase, Refused
from odoo.addons.cetmix_tower_server.tests.common import slow
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

WAYPOINT = "cx.tower.jet.waypoint"
#: Keys of what movements answer.
ANSWER = {"waypoint", "waypoint_id", "state", "transition", "log", "message"}


@tagged("post_install", "-at_install")
@slow
class TestWaypointApi(ApiCase):
    """Waypoints over JSON-2, XML-RPC and JSON-RPC, as each level: plain values out, never nothing.

    *manager* manages the jet template, *visitor* is a Manager who manages the jet only, *user* uses the jet.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "base.group_user,cetmix_tower_server.group_manager"
        cls.add_person("visitor", new_test_user(cls.env, "api_visitor", groups, password=PASSWORD))
        cls.server.user_ids += cls.people["visitor"]
        user, manager, visitor = (cls.people[name] for name in ("user", "manager", "visitor"))
        template = cls.env["cx.tower.jet.template"].create(
            {
                "name": "Shop",
                "server_ids": [(6, 0, cls.server.ids)],
                "user_ids": [(6, 0, (user | visitor).ids)],
                "manager_ids": [(6, 0, manager.ids)],
            }
        )
        cls.jet = cls.env["cx.tower.jet"].create(
            {
                "name": "Shop 1",
                "reference": "api_jet",
                "jet_template_id": template.id,
                "server_id": cls.server.id,
                "user_ids": [(6, 0, (user | manager).ids)],
                "manager_ids": [(6, 0, visitor.ids)],
            }
        )
        line = {"command_id": cls.command.id}
        plan = cls.env["cx.tower.plan"].create({"name": "Do it", "line_ids": [(0, 0, line)]})
        steps = ("create", "arrive", "leave", "delete")
        cls.kind = cls.env["cx.tower.jet.waypoint.template"].create(
            {
                "name": "Backup",
                "reference": "api_backup",
                "jet_template_id": template.id,
                **{f"plan_{step}_id": plan.id for step in steps},
            }
        )
        cls.variable = cls.env["cx.tower.variable"].create(
            {"name": "Edition", "reference": "api_edition", "access_level": "1"}
        )
        cls.hidden = cls.env["cx.tower.variable"].create(
            {"name": "Hidden", "reference": "api_hidden", "access_level": "3"}
        )

    def setUp(self):
        super().setUp()
        self.set_values("now")

    def set_values(self, text):
        for reference in ("api_edition", "api_hidden"):
            self.jet.set_variable_value(reference, text)

    def new_waypoint(self, author="manager", state="draft"):
        """Create a waypoint as somebody, in a state, without running a plan."""
        Waypoint = self.env[WAYPOINT].with_user(self.people[author]).sudo()
        waypoint = Waypoint.create(
            {"name": state, "jet_id": self.jet.id, "waypoint_template_id": self.kind.id}
        )
        waypoint._save_variable_values()
        waypoint._write_by_movement({"state": state, "ready_date": self.env.cr.now()})
        return waypoint

    def make(self, protocol, who, vals):
        by_name = protocol == "json2"
        arguments = {"vals_list": [vals]} if by_name else {"ids": [vals]}  # the first one that is passed
        [made] = self.call(protocol, who, WAYPOINT, "create", **arguments)
        return self.env[WAYPOINT].browse(made)

    def waypoint_call(self, protocol, who, method, waypoint, **arguments):
        return self.call(protocol, who, WAYPOINT, method, waypoint.ids, **arguments)

    def assert_answer(self, answer, waypoint, state):
        self.assertEqual(set(answer), ANSWER)
        self.assertNotIn(None, answer.values())
        self.assertEqual((answer["waypoint_id"], answer["state"]), (waypoint.id, state))
        self.assertEqual((waypoint.state, answer["waypoint"]), (state, waypoint.reference))

    def test_the_life_of_a_waypoint(self):
        for protocol in PROTOCOLS:
            for who in ("manager", "root"):
                with self.subTest(protocol, who=who):
                    self.set_values("old")
                    vals = {"name": "New", "jet_id": self.jet.id, "waypoint_template_id": self.kind.id}
                    waypoint = self.make(protocol, who, vals)
                    answer = self.waypoint_call(protocol, who, "prepare", waypoint)
                    self.assert_answer(answer, waypoint, "ready")
                    run = self.env["cx.tower.plan.log"].browse(answer["log"])
                    self.assertEqual(
                        (run.state, run.waypoint_id, run.user_id), ("done", waypoint, self.people[who])
                    )
                    self.set_values("new")
                    differences = self.waypoint_call(protocol, who, "compare", waypoint)
                    changed = {"api_edition": ["new", "old"]}
                    changed |= {"api_hidden": ["new", "old"]} if who == "root" else {}
                    self.assertEqual(differences["variables"]["changed"], changed)
                    answer = self.waypoint_call(protocol, who, "fly_to", waypoint)
                    self.assert_answer(answer, waypoint, "current")
                    self.assertEqual(self.jet.get_variable_value("api_hidden"), "old")
                    with self.assertRaisesRegex(Refused, "Fly to another waypoint first"):
                        self.waypoint_call(protocol, who, "unlink", waypoint)
                    [other] = self.call(
                        protocol, who, "cx.tower.jet", "create_waypoint", self.jet.ids,
                        waypoint_template="api_backup", name="Other", fly_here=True, edition="ent",
                    )  # fmt: skip
                    other = self.env[WAYPOINT].browse(other)
                    self.assertEqual((other.state, other.metadata), ("current", {"edition": "ent"}))
                    self.assertEqual((self.jet.waypoint_id, waypoint.state), (other, "ready"))
                    self.assertIs(self.waypoint_call(protocol, who, "unlink", waypoint), True)
                    self.assertFalse(waypoint.exists())

    def test_preparing_and_flying_in_one_call(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                waypoint = self.new_waypoint()
                answer = self.waypoint_call(protocol, "manager", "prepare", waypoint, is_destination=True)
                self.assertEqual(set(answer), ANSWER)
                self.assertEqual((waypoint.state, self.jet.waypoint_id), ("current", waypoint))

    def test_resetting(self):
        for protocol in PROTOCOLS:
            for who in ("manager", "root"):
                with self.subTest(protocol, who=who):
                    waypoint = self.new_waypoint(state="error")
                    answer = self.waypoint_call(protocol, who, "reset", waypoint)
                    self.assert_answer(answer, waypoint, "draft")
                    with self.assertRaisesRegex(Refused, "is draft: only waypoints in error are reset"):
                        self.waypoint_call(protocol, who, "reset", waypoint)

    def test_what_the_state_forbids_is_refused_with_the_reason(self):
        for protocol in PROTOCOLS:
            for state, method, text in (
                ("ready", "prepare", "is ready: only drafts are prepared"),
                ("draft", "fly_to", "is a draft. Prepare it first"),
                ("ready", "reset", "is ready: only waypoints in error are reset"),
                ("preparing", "unlink", "is preparing. Wait until that has ended"),
            ):
                with self.subTest(protocol, method=method), self.assertRaisesRegex(Refused, text):
                    self.waypoint_call(protocol, "manager", method, self.new_waypoint(state=state))

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_rule")
    def test_who_may_not_is_refused(self):
        """The visitor reads and compares, and only Root deletes what somebody else has created."""
        calls = {
            "prepare": "draft",
            "fly_to": "ready",
            "reset": "error",
            "unlink": "ready",
            "compare": "ready",
        }
        for protocol in PROTOCOLS:
            for who in ("user", "visitor", "stranger"):
                for method, state in calls.items():
                    with self.subTest(protocol, who=who, method=method):
                        waypoint = self.new_waypoint(state=state)
                        if (who, method) == ("visitor", "compare"):
                            answer = self.waypoint_call(protocol, who, method, waypoint)
                            self.assertEqual(set(answer), {"variables", "metadata"})
                            continue
                        with self.assertRaises(Refused):
                            self.waypoint_call(protocol, who, method, waypoint)
                        self.assertEqual(waypoint.state, state)
                with self.subTest(protocol, who=who, method="create_waypoint"):
                    before = self.jet.waypoint_ids
                    with self.assertRaises(Refused):
                        self.call(
                            protocol, who, "cx.tower.jet", "create_waypoint", self.jet.ids,
                            waypoint_template="api_backup", name="Other",
                        )  # fmt: skip
                    self.assertEqual(self.jet.waypoint_ids, before)
            with self.subTest(protocol, who="manager", method="unlink"):
                of_root = self.new_waypoint(author="root", state="ready")
                with self.assertRaises(Refused):
                    self.waypoint_call(protocol, "manager", "unlink", of_root)
                self.waypoint_call(protocol, "root", "unlink", of_root)
                self.assertFalse(of_root.exists())

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_rule")
    def test_ids_and_fields_of_the_engine_open_nothing(self):
        for protocol in PROTOCOLS:
            waypoint = self.new_waypoint(state="ready")
            for who in ("user", "visitor", "manager", "root"):
                for vals in (
                    {"state": "current"},
                    {"saved_values": {}},
                    {"is_destination": True},
                    {"problem": "x"},
                ):
                    with self.subTest(protocol, who=who, **vals), self.assertRaises(Refused):
                        self.waypoint_call(protocol, who, "write", waypoint, vals=vals)
                with self.subTest(protocol, who=who), self.assertRaises(Refused):
                    self.waypoint_call(protocol, who, "read", waypoint, fields=["saved_values"])
                with self.subTest(protocol, who=who), self.assertRaises(Refused):
                    self.waypoint_call(protocol, who, "_set_state", waypoint, state="current")
            with self.subTest(protocol, who="manager"):
                context = {"waypoint_force_delete": True}
                with self.assertRaises(Refused):
                    self.waypoint_call(
                        protocol, "manager", "unlink", self.new_waypoint(state="preparing"), context=context
                    )
            with self.subTest(protocol, who="visitor"):
                [row] = self.waypoint_call(protocol, "visitor", "read", waypoint, fields=["variable_values"])
                self.assertNotIn("api_hidden", row["variable_values"])
