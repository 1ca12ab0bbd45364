from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged

from ...models.base.cx_tower_settings import DEFAULTS, LIMITS, NAMES, PREFIX, convert


@tagged("post_install", "-at_install")
class TestSettings(TransactionCase):
    """Tower's system parameters and their page."""

    def setUp(self):
        super().setUp()
        self.parameters = self.env["ir.config_parameter"].sudo()

    def _get(self):
        return self.env["cx.tower.settings"]._get()

    def test_defaults_are_within_the_limits(self):
        for name, (low, high) in LIMITS.items():
            self.assertTrue(low <= getattr(DEFAULTS, name) <= high, name)

    def test_conversion(self):
        for stored, expected in (
            (None, 900),
            ("60", 60),
            ("0", 0),
            ("60.5", 60),
            ("-5", 0),
            ("nonsense", 900),
            ("", 900),
            ("inf", 900),
            ("nan", 900),
        ):
            with self.subTest(stored=stored):
                self.assertEqual(convert("command_timeout", stored), expected)

    def test_page_shows_and_stores_every_setting(self):
        values = {
            name: {
                "backend": "inline",
                "notification_type_success": "sticky",
                "notification_type_error": "non_sticky",
            }.get(name)
            or getattr(DEFAULTS, name) + 1
            for name in NAMES
        }
        page = self.env["res.config.settings"].create(
            {f"cetmix_tower_{name}": value for name, value in values.items()}
        )
        page.execute()
        for name, value in values.items():
            with self.subTest(name=name):
                self.assertEqual(getattr(self._get(), name), value)
                self.assertEqual(self.parameters.get_param(PREFIX + name), str(value))
        shown = self.env["res.config.settings"].create({})
        self.assertEqual(shown.cetmix_tower_command_timeout, 901)

    def test_every_setting_has_its_place_on_the_page(self):
        page = self.env.ref("cetmix_tower_server.cx_tower_settings_page_view_form").arch
        for name in NAMES:
            self.assertIn(f'name="cetmix_tower_{name}"', page)

    def test_no_notification(self):
        self.env["res.config.settings"].create({"cetmix_tower_notification_type_success": False}).execute()
        self.assertEqual(self._get().notification_type_success, "")

    def test_saving_without_a_change_stores_nothing(self):
        self.env["res.config.settings"].create({}).execute()
        self.assertFalse(self.parameters.search([("key", "=like", PREFIX + "command_timeout")]))

    def test_page_refuses_what_is_out_of_range(self):
        with self.assertRaisesRegex(ValidationError, "between 1 and 1000"):
            self.env["res.config.settings"].create({"cetmix_tower_max_parallel_runs": 0}).execute()

    def test_only_root_changes_them(self):
        person = new_test_user(
            self.env,
            "settings_admin",
            "base.group_system,cetmix_tower_server.group_manager",
            context={"no_reset_password": True},
        )
        page = self.env["res.config.settings"].with_user(person)
        page.create({}).execute()
        with self.assertRaises(AccessError):
            page.create({"cetmix_tower_command_timeout": 5}).execute()


@tagged("post_install", "-at_install")
class TestSettingsPage(TransactionCase):
    """The page, as users of each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = cls._person("settings_root", "base.group_user,cetmix_tower_server.group_root")

    @classmethod
    def _person(cls, login, groups):
        return new_test_user(cls.env, login, groups, context={"no_reset_password": True})

    def test_root_who_administers_nothing_else_opens_and_saves_it(self):
        self.assertFalse(self.root.has_group("base.group_system"))
        Page = self.env["cx.tower.settings.page"].with_user(self.root)
        form = Form(Page, "cetmix_tower_server.cx_tower_settings_page_view_form")
        self.assertEqual(form.cetmix_tower_command_timeout, DEFAULTS.command_timeout)
        self.assertIn("Keys:", form.cetmix_tower_vault_status)
        form.cetmix_tower_command_timeout = 77
        form.cetmix_tower_notification_type_success = False
        action = form.save().execute()
        self.assertEqual(action["tag"], "reload")
        settings = self.env["cx.tower.settings"]._get()
        self.assertEqual((settings.command_timeout, settings.notification_type_success), (77, ""))
        self.assertEqual(Page.create({}).cetmix_tower_command_timeout, 77)

    def test_saving_without_a_change_stores_nothing(self):
        self.env["cx.tower.settings.page"].with_user(self.root).create({}).execute()
        self.assertFalse(
            self.env["ir.config_parameter"].sudo().search([("key", "=like", PREFIX + "command_timeout")])
        )

    def test_the_page_refuses_what_is_out_of_range(self):
        page = (
            self.env["cx.tower.settings.page"].with_user(self.root).create({"cetmix_tower_plan_timeout": -1})
        )
        with self.assertRaisesRegex(ValidationError, "Flight plan timeout"):
            page.execute()

    def test_nobody_else_opens_it(self):
        page = self.env["cx.tower.settings.page"].create({})
        for login, groups in (
            ("settings_manager", "base.group_user,cetmix_tower_server.group_manager"),
            ("settings_odoo", "base.group_system"),
        ):
            person = self._person(login, groups)
            own = page.with_user(person)
            for attempt in (lambda own=own: own.create({}), lambda own=own: own.execute(), own.default_get):
                with self.subTest(login=login), self.assertRaises(AccessError):
                    attempt(["cetmix_tower_vault_status"]) if attempt == own.default_get else attempt()

    def test_the_menu_is_for_root(self):
        menu = self.env.ref("cetmix_tower_server.res_config_settings_menu")
        manager = self._person("settings_menu", "base.group_user,cetmix_tower_server.group_manager")
        self.assertIn(menu.id, self.env["ir.ui.menu"].with_user(self.root)._visible_menu_ids())
        self.assertNotIn(menu.id, self.env["ir.ui.menu"].with_user(manager)._visible_menu_ids())
        action = self.env["ir.actions.act_window"].with_user(self.root)
        self.assertEqual(
            action._for_xml_id("cetmix_tower_server.action_cx_tower_settings")["res_model"],
            "cx.tower.settings.page",
        )
