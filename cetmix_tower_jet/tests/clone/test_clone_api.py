from odoo.addons.cetmix_tower_server.tests.api_case import PROTOCOLS, ApiCase, Refused
from odoo.tests import tagged

from ..jet_case import STANDARD


@tagged("post_install", "-at_install")
class TestCloneApi(ApiCase):
    """Cloning and transferring over JSON-2, XML-RPC and JSON-RPC, as each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        user, manager = cls.people["user"], cls.people["manager"]
        roles = {"user_ids": [(6, 0, user.ids)], "manager_ids": [(6, 0, manager.ids)]}
        cls.other = cls.server.copy({"name": "Other", "reference": "api_other", **roles})
        states = {state.reference: state.id for state in cls.env["cx.tower.jet.state"].search([])}
        actions = [
            {
                "name": name,
                "priority": number,
                "access_level": "1",
                "state_from_id": states.get(before),
                "state_transit_id": states[through],
                "state_to_id": states.get(after),
            }
            for number, (name, before, through, after, _error) in enumerate(STANDARD, 1)
        ]
        command = cls.env["cx.tower.command"].create(
            {
                "name": "Clone",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': custom_values['__original_jet__']}",
                "access_level": "3",
                "allow_parallel_run": True,
            }
        )
        lines = [(0, 0, {"command_id": command.id})]
        plan = cls.env["cx.tower.plan"].create(
            {"name": "Clone", "access_level": "3", "allow_parallel_run": True, "line_ids": lines}
        )
        cls.template = cls.env["cx.tower.jet.template"].create(
            {
                "name": "Shop",
                "server_ids": [(6, 0, (cls.server | cls.other).ids)],
                "plan_clone_same_server_id": plan.id,
                "plan_clone_different_server_id": plan.id,
                "action_ids": [(0, 0, action) for action in actions],
                **roles,
            }
        )
        cls.env["cx.tower.variable"].create({"name": "Port", "reference": "api_port", "access_level": "1"})
        cls.shop = cls._new_shop("Shop", "api_shop")

    @classmethod
    def _new_shop(cls, name, reference=False):
        jet = cls.env["cx.tower.jet"].create(
            {
                "name": name,
                "reference": reference,
                "jet_template_id": cls.template.id,
                "server_id": cls.server.id,
                "user_ids": [(6, 0, cls.people["user"].ids)],
                "manager_ids": [(6, 0, cls.people["manager"].ids)],
            }
        )
        jet._set_state(jet.state_id.search([("reference", "=", "running")]))
        return jet

    def jet_call(self, protocol, who, method, jet, **arguments):
        return self.call(protocol, who, "cx.tower.jet", method, jet.ids, **arguments)

    def test_cloning(self):
        for protocol in PROTOCOLS:
            for who in ("user", "manager", "root"):
                with self.subTest(protocol, who=who):
                    [clone_id] = self.jet_call(
                        protocol,
                        who,
                        "clone",
                        self.shop,
                        server="api_other",
                        name=f"By {who}",
                        state="stopped",
                        copy_values=True,
                        variable_values={"api_port": "8001"},
                    )
                    clone = self.env["cx.tower.jet"].browse(clone_id)
                    self.assertEqual(
                        (clone.state, clone.server_id), ("stopped", self.other), clone.last_problem
                    )
                    self.assertEqual(clone.variable_value_ids.value_char, "8001")
                    self.assertEqual(clone.create_uid, self.people[who])
                    waited = self.jet_call(protocol, who, "wait", clone, timeout=1)
                    self.assertEqual((waited["state"], waited["finished"]), ("stopped", True))
            with self.subTest(protocol), self.assertRaises(Refused):
                self.jet_call(protocol, "stranger", "clone", self.shop)

    def test_trying_a_clone_again(self):
        for protocol in PROTOCOLS:
            for who in ("user", "manager", "root"):
                with self.subTest(protocol, who=who):
                    clone = self.shop.clone(state="draft")
                    with self.assertRaisesRegex(Refused, "was filled"):
                        self.jet_call(protocol, who, "retry_clone", clone)
                    clone = self._failed_clone()
                    result = self.jet_call(protocol, who, "retry_clone", clone)
                    self.assertEqual((result["jet_id"], clone.state), (clone.id, "running"))
                    self.assertNotIn(None, result.values())
            with self.subTest(protocol), self.assertRaises(Refused):
                self.jet_call(protocol, "stranger", "retry_clone", self._failed_clone())
            with self.subTest(protocol), self.assertRaisesRegex(Refused, "not a clone"):
                self.jet_call(protocol, "root", "retry_clone", self.shop)

    def _failed_clone(self):
        clone = self.shop.clone(state="running")
        clone._last_clone().state = "failed"
        clone._set_state(clone.state_id.browse())
        return clone

    def test_transferring(self):
        for protocol in PROTOCOLS:
            for who in ("manager", "root"):
                with self.subTest(protocol, who=who):
                    shop = self._new_shop(f"By {who}")
                    reference = shop.reference
                    started = self.jet_call(
                        protocol, who, "transfer", shop, server="api_other", destroy_original=True
                    )
                    self.assertNotIn(None, started.values())
                    self.assertEqual((started["state"], started["jet_id"]), ("done", shop.id))
                    new = self.env["cx.tower.jet"].browse(started["new_jet_id"])
                    self.assertEqual(
                        (new.name, new.reference, new.server_id), (f"By {who}", reference, self.other)
                    )
                    self.assertFalse(shop.active)
                    rows = self.call(
                        protocol,
                        who,
                        "cx.tower.jet.transfer",
                        "read",
                        [started["transfer"]],
                        fields=["state"],
                    )
                    self.assertEqual(rows[0]["state"], "done")
            for who in ("user", "stranger"):
                with self.subTest(protocol, who=who), self.assertRaises(Refused):
                    self.jet_call(protocol, who, "transfer", self.shop, server="api_other")

    def test_continuing_a_transfer(self):
        for protocol in PROTOCOLS:
            shop = self._new_shop("Shop 2")
            transfer = self.env["cx.tower.jet.transfer"].browse(shop.transfer(self.other)["transfer"])
            for method, text in (("retry", "did not fail"), ("cancel", "does not wait")):
                for who in ("manager", "root"):
                    with (
                        self.subTest(protocol, method=method, who=who),
                        self.assertRaisesRegex(Refused, text),
                    ):
                        self.call(protocol, who, "cx.tower.jet.transfer", method, transfer.ids)
                for who in ("user", "stranger"):
                    with self.subTest(protocol, method=method, who=who), self.assertRaises(Refused):
                        self.call(protocol, who, "cx.tower.jet.transfer", method, transfer.ids)
            with self.subTest(protocol):
                with self.assertRaises(Refused):
                    self.call(protocol, "user", "cx.tower.jet.transfer", "destroy_old_jet", transfer.ids)
                result = self.call(
                    protocol, "manager", "cx.tower.jet.transfer", "destroy_old_jet", transfer.ids
                )
                self.assertEqual((result["state"], shop.active), ("done", False))
                self.assertNotIn(None, result.values())
