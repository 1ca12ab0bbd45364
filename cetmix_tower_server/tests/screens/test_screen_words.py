from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .screen_words_case import ScreenWordsCase


@tagged("post_install", "-at_install")
class TestScreenWords(ScreenWordsCase):
    """Words and defaults on screens of this addon."""

    at_least = {"questions": 11, "texts": 7, "menus": 31}

    def test_every_state_of_a_run_has_a_filter(self):
        for model in ("cx.tower.command.log", "cx.tower.plan.log", "cx.tower.fleet.run"):
            found = {
                value
                for _name, _label, field, values in self.state_filters(model)
                for value in values
                if field.name == "state"
            }
            with self.subTest(model=model):
                self.assertEqual(found, set(self.env[model]._fields["state"].get_values(self.env)))

    def test_runs_are_called_by_the_names_of_what_was_deleted(self):
        """A view of runs that names their server names it also when it was deleted."""
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            for kind in ("list", "kanban", "form"):
                shown = {node.get("name") for node in self.arch(model, kind).iter("field")}
                with self.subTest(model=model, view=kind):
                    self.assertLessEqual({"server_name", "title"}, shown)

    def test_a_command_is_made_from_the_line_that_needs_it(self):
        for model in ("cx.tower.plan", "cx.tower.plan.line"):
            nodes = self.arch(model, "form").xpath("//field[@name='command_id' and @options]")
            self.assertTrue(nodes)
            for node in nodes:
                with self.subTest(model=model):
                    options = safe_eval(node.get("options"))
                    self.assertFalse({"no_create", "no_create_edit"} & options.keys())
                    context = safe_eval(node.get("context"), {"action": "python_code"})
                    self.assertEqual(context["default_action"], "python_code")

    def test_a_new_post_run_action_tolerates_nothing_by_itself(self):
        line = self.env["cx.tower.plan.line"].search([], limit=1)
        form = Form(line)
        with form.action_ids.new() as action:
            self.assertEqual((action.condition, action.value_char, action.action), ("!=", "0", "e"))

    def test_what_runs_by_itself_is_no_setting(self):
        settings = self.env.ref("cetmix_tower_server.menu_settings")
        menus = self.env.ref("cetmix_tower_server.cx_tower_scheduled_task_menu") + self.env.ref(
            "cetmix_tower_server.cx_tower_shortcut_menu"
        )
        self.assertFalse(menus.filtered(lambda menu: menu.parent_path.startswith(settings.parent_path)))
        shown = self.env["ir.ui.menu"].with_user(self.manager)._visible_menu_ids()
        self.assertLessEqual(set((menus | menus.parent_id).ids), set(shown))
