"""Forms tell who can run a command or a flight plan, share it with one click, and pickers explain why they are empty."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestAudience(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.user | cls.manager).write({"group_ids": [(4, cls.env.ref("base.group_user").id)]})
        values = {"name": "Audience", "access_level": "1", "manager_ids": [(6, 0, cls.manager.ids)]}
        values["user_ids"] = False
        cls.command = cls.env["cx.tower.command"].create({**values, "action": "python_code", "code": "pass"})
        cls.plan = cls.env["cx.tower.plan"].create(
            {**values, "line_ids": [(0, 0, {"command_id": cls.command.id})]}
        )

    def targets(self):
        for target in (self.command, self.plan):
            with self.subTest(model=target._name):
                yield target.with_user(self.manager)

    def can_run(self, target, person):
        return bool(target.with_user(person)._filtered_access("read"))

    def test_of_level_user_is_not_enough_and_the_form_says_so(self):
        for target in self.targets():
            self.assertFalse(self.can_run(target, self.user))
            self.assertIn("Nobody with access level User yet", target.audience)
            self.assertIn("Managers: all", target.audience)

    def test_one_click_shares_it_with_the_users_of_servers(self):
        for target in self.targets():
            action = target.action_share_with_server_users()
            self.assertTrue(self.can_run(target, self.user))
            self.assertIn("People with access level User: 1, on 1 of your servers.", target.audience)
            self.assertIn("1 more people", action["params"]["message"])
            # It is still made for all servers.
            self.assertFalse(target.server_ids)

    def test_what_is_made_for_a_server_is_open_to_its_users(self):
        for target in self.targets():
            target.server_ids = self.server
            self.assertTrue(self.can_run(target, self.user))
            self.assertIn("People with access level User: 1, on 1 of your servers.", target.audience)
            self.assertIn("those with a role on its servers", target.audience)

    def test_what_is_said_follows_the_form_before_it_is_saved(self):
        for target in self.targets():
            form = Form(target)
            form.user_ids.add(self.user)
            self.assertIn("People with access level User: 1", form.audience)
            form.access_level = "2"
            self.assertIn("Nobody with access level User: its access level is Manager", form.audience)
        self.command.access_level = "3"
        self.assertEqual(self.command.audience, "Only Root: its access level is Root.")

    def test_sharing_needs_the_right_to_change_it(self):
        visitor = new_test_user(self.env, "audience_visitor", "cetmix_tower_server.group_manager")
        for target in self.targets():
            with self.assertRaises(AccessError):
                target.with_user(visitor).action_share_with_server_users()

    def test_sharing_shares_nothing_above_the_level_of_users(self):
        for target in self.targets():
            target.access_level = "2"
            with self.assertRaisesRegex(UserError, "Set the access level"):
                target.action_share_with_server_users()
            self.assertFalse(target.user_ids)

    def test_sharing_reaches_only_the_servers_that_one_sees(self):
        stranger = new_test_user(self.env, "audience_stranger", "cetmix_tower_server.group_user")
        self.server.copy({"name": "Elsewhere", "user_ids": [(6, 0, stranger.ids)], "manager_ids": False})
        for target in self.targets():
            target.action_share_with_server_users()
            self.assertNotIn(stranger, target.sudo().user_ids)

    # -- empty pickers

    def wizard(self, model, person):
        return self.env[model].with_user(person).create({"server_ids": [(6, 0, self.server.ids)]})

    def test_a_picker_that_offers_nothing_says_why_and_what_to_do(self):
        for model in ("cx.tower.command.run.wizard", "cx.tower.plan.run.wizard"):
            with self.subTest(model=model):
                wizard = self.wizard(model, self.user)
                if model == "cx.tower.command.run.wizard":
                    wizard.action = "python_code"
                self.assertIn("ask a Manager of the server to share it with you", wizard.empty_hint)
                for target in (self.command, self.plan):
                    target.user_ids = self.user
                wizard.invalidate_recordset()
                self.assertFalse(wizard.empty_hint)
                wizard.applicability = "this"
                self.assertIn("Remove the tags", wizard.empty_hint)
                (self.command | self.command).user_ids = False
                self.plan.user_ids = False

    def test_every_model_explains_an_empty_picker_to_everybody(self):
        for name in self.env.registry:
            model = self.env[name]
            if name.startswith("cx.tower.") and "may_write" in model._fields and not model._abstract:
                for person in (self.user, self.manager, self.root):
                    with self.subTest(model=name, person=person.login):
                        self.assertRegex(model.with_user(person).get_empty_hint(), r"\w+.*\.$")

    def test_a_manager_is_not_told_to_ask_a_manager_for_what_only_root_makes(self):
        shortcuts = self.env["cx.tower.shortcut"]
        self.assertIn("Only Root can create shortcuts", shortcuts.with_user(self.manager).get_empty_hint())
        self.assertIn("Only Root can create shortcuts", shortcuts.with_user(self.user).get_empty_hint())
        self.assertIn("create a new one", shortcuts.with_user(self.root).get_empty_hint())
        for model in self.env.values():
            if model._name.startswith("cx.tower.") and "may_write" in model._fields and not model._abstract:
                with self.subTest(model._name):
                    self.assertNotIn("a Manager or Root", model.with_user(self.manager).get_empty_hint())

    def test_an_empty_menu_of_a_user_does_not_ask_for_what_the_user_cannot_do(self):
        action = self.env.ref("cetmix_tower_server.action_cx_tower_command")
        text = action.with_user(self.user)._get_action_dict()["help"]
        self.assertNotIn("Write your first command", text)
        self.assertIn("ask a Manager", text)
        self.assertIn("Write your first command", action.with_user(self.manager)._get_action_dict()["help"])
