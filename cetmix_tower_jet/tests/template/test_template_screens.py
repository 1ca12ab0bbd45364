from odoo.addons.cetmix_tower_server.tests.screens.screens_case import ScreensCase
from odoo.addons.cetmix_tower_server.tests.screens.views_as_everybody_case import ViewsAsEverybodyCase
from odoo.tests import tagged


class TemplateRecords:
    """Mixin: a record of each model whose screens belong to templates."""

    addon = "cetmix_tower_jet"
    user_models = ("cx.tower.jet.template", "cx.tower.jet.action", "cx.tower.jet.state")
    manager_models = (*user_models, "cx.tower.jet.template.install")

    @classmethod
    def make_records(cls, env, server, user, manager):
        people = user | manager
        people.group_ids += env.ref("base.group_user")
        roles = {"user_ids": [(6, 0, people.ids)], "manager_ids": [(6, 0, manager.ids)]}
        database = env["cx.tower.jet.template"].create({"name": "Database", **roles})
        template = env["cx.tower.jet.template"].create({"name": "Screens", "access_level": "1", **roles})
        template.action_add_standard_lifecycle()
        state = template.action_ids.state_to_id[0]
        env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": template.id,
                "template_required_id": database.id,
                "state_required_id": state.id,
            }
        )
        command = env["cx.tower.command"].create({"name": "Screens"})
        link = {"name": "Screens", "jet_template_id": template.id}
        env["cx.tower.file"].create({**link, "server_dir": "/tmp"})
        env["cx.tower.server.log"].create({**link, "command_id": command.id})
        env["cx.tower.scheduled.task"].create(
            {"name": "Screens", "command_id": command.id, "jet_template_ids": template.ids}
        )
        (result,) = template.install_on_servers(server)
        install = env["cx.tower.jet.template.install"].browse(result["installation"])
        return [template, template.action_ids[0], state, install]


@tagged("post_install", "-at_install")
class TestTemplateViewsAsEverybody(TemplateRecords, ViewsAsEverybodyCase):
    """Screens of templates, read by people of each level."""


@tagged("post_install", "-at_install")
class TestTemplateScreens(TemplateRecords, ScreensCase):
    """Rights, refusals and buttons on the screens of templates."""

    form_classes = ("tower_form", "tower_jet_form")
