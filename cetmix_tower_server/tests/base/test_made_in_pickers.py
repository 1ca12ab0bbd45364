from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestMadeInPickers(TransactionCase):
    """A name typed into a picker creates a record only if a name is enough."""

    def test_what_needs_more_than_a_name_is_not_made_of_one(self):
        # The web client opens the form, with the name in it, when "Create “…”" meets this kind of error.
        manager = new_test_user(self.env, "picker", "base.group_user,cetmix_tower_server.group_manager")
        kinds = ("command", "file", "file.template", "key", "plan", "server", "server.template")
        for kind in kinds:
            Model = self.env[f"cx.tower.{kind}"].with_user(manager)
            with (
                self.subTest(kind),
                self.assertRaisesRegex(ValidationError, "“New one” needs more than a name"),
            ):
                Model.name_create("New one")
            self.assertFalse(Model.search([("name", "=", "New one")]))

    def test_a_tag_is_made_of_its_name(self):
        tag_id, name = self.env["cx.tower.tag"].name_create("New tag")
        self.assertEqual((name, self.env["cx.tower.tag"].browse(tag_id).name), ("New tag", "New tag"))
