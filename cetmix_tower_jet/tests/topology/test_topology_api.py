from odoo.addons.cetmix_tower_server.tests.api_case import PROTOCOLS, ApiCase, Refused
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestTopologyApi(ApiCase):
    """The topology over JSON-2, XML-RPC and JSON-RPC, as each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        roles = {
            "user_ids": [(6, 0, cls.people["user"].ids)],
            "manager_ids": [(6, 0, cls.people["manager"].ids)],
        }
        template = cls.env["cx.tower.jet.template"].create(
            {"name": "Shop", "server_ids": [(6, 0, cls.server.ids)]}
        )
        values = {"jet_template_id": template.id, "server_id": cls.server.id}
        cls.jet, cls.needed, cls.hidden = cls.env["cx.tower.jet"].create(
            [
                {"name": "Front", **values, **roles},
                {"name": "Back", **values, **roles},
                {"name": "Hidden", **values},
            ]
        )
        for needed in (cls.needed, cls.hidden):
            cls.env["cx.tower.jet.dependency"].create({"jet_id": cls.jet.id, "jet_depends_on_id": needed.id})

    def test_each_level_gets_what_it_may_read(self):
        for protocol in PROTOCOLS:
            for who in ("user", "manager", "root"):
                expected = {"Front", "Back"} | ({"Hidden"} if who == "root" else set())
                with self.subTest(protocol, who=who):
                    document = self.call(
                        protocol, who, "cetmix.tower", "get_topology", servers=["api_server"]
                    )
                    self.assertEqual({jet["name"] for jet in document["jets"]}, expected)
                    self.assertEqual(len(document["links"]), len(expected) - 1)
                    around = self.call(protocol, who, "cx.tower.jet", "get_topology", self.jet.ids, levels=2)
                    self.assertEqual({jet["name"] for jet in around["jets"]}, expected)
                    self.assertEqual(around["jets"][0]["hidden_needs"], 0 if who == "root" else 1)
                    if who != "root":
                        self.assertNotIn("Hidden", f"{document} {around}")

    def test_strangers_and_hidden_jets_are_refused(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol), self.assertRaises(Refused):
                self.call(protocol, "stranger", "cetmix.tower", "get_topology")
            for who in ("stranger", "user", "manager"):
                with self.subTest(protocol, who=who), self.assertRaises(Refused):
                    self.call(protocol, who, "cx.tower.jet", "get_topology", self.hidden.ids)
