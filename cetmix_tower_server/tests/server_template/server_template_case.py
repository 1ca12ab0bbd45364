from odoo.tests import new_test_user

from ..common import make_private_key
from ..run.run_case import RunCase

TEMPLATE = "cx.tower.server.template"


class ServerTemplateCase(RunCase):
    """A template with everything it can have, and people who may use it, write it, or not see it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.root, cls.manager, cls.user):
            person.group_ids += cls.env.ref("base.group_user")
        manager_groups = "base.group_user,cetmix_tower_server.group_manager"
        cls.author = new_test_user(cls.env, "run_author", manager_groups)
        cls.key = cls.env["cx.tower.key"].create(
            {
                "name": "Fleet key",
                "reference": "fleet_key",
                "key_type": "k",
                "secret_value": make_private_key(),
                "user_ids": [(6, 0, cls.author.ids)],
                "manager_ids": [(5,)],
            }
        )
        cls.jump = cls.env["cx.tower.server"].create(
            {
                "name": "Bastion",
                "ip_v4_address": "192.0.2.1",
                "ssh_username": "u",
                "ssh_password": "p",
                "user_ids": [(6, 0, cls.author.ids)],
            }
        )
        cls.os = cls.env["cx.tower.os"].create({"name": "Template OS"})
        cls.tag = cls.env["cx.tower.tag"].create({"name": "Template tag"})
        cls.set_up_variables()
        cls.set_up_plans()
        cls.set_up_template()

    @classmethod
    def set_up_variables(cls):
        Variable = cls.env["cx.tower.variable"]
        cls.domain = Variable.create({"name": "Domain", "reference": "t_domain", "access_level": "1"})
        cls.edition = Variable.create(
            {
                "name": "Edition",
                "reference": "t_edition",
                "access_level": "1",
                "variable_type": "o",
                "option_ids": [
                    (0, 0, {"name": "Small", "value_char": "s", "reference": "t_small"}),
                    (0, 0, {"name": "Large", "value_char": "l", "reference": "t_large"}),
                ],
            }
        )
        cls.folder = Variable.create({"name": "Folder", "reference": "t_folder", "access_level": "1"})
        cls.hidden = Variable.create({"name": "Hidden", "reference": "t_hidden", "access_level": "3"})
        cls.small, cls.large = cls.edition.option_ids

    @classmethod
    def set_up_plans(cls):
        cls.plan = cls.env["cx.tower.plan"].create({"name": "Make ready"})
        cls.clean_up = cls.env["cx.tower.plan"].create({"name": "Clean up"})
        cls.command = cls.env["cx.tower.command"].create(
            {
                "name": "Greet",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': {{ t_domain }} + ' in ' + {{ t_folder }}}",
            }
        )
        cls.env["cx.tower.plan.line"].create({"plan_id": cls.plan.id, "command_id": cls.command.id})

    @classmethod
    def set_up_template(cls):
        cls.template = cls.env[TEMPLATE].create(
            {
                "name": "Web",
                "reference": "web_template",
                "ssh_port": 2222,
                "ssh_username": "deploy",
                "ssh_auth_mode": "k",
                "ssh_key_id": cls.key.id,
                "ssh_password": "the template's own",
                "use_sudo": "p",
                "jump_server_id": cls.jump.id,
                "color": 3,
                "os_id": cls.os.id,
                "tag_ids": [(6, 0, cls.tag.ids)],
                "flight_plan_id": cls.plan.id,
                "plan_delete_id": cls.clean_up.id,
                "user_ids": [(6, 0, cls.manager.ids)],
                "manager_ids": [(6, 0, cls.author.ids)],
                "variable_value_ids": [
                    (0, 0, {"variable_id": cls.domain.id, "required": True, "sequence": 1}),
                    (
                        0,
                        0,
                        {
                            "variable_id": cls.edition.id,
                            "option_id": cls.small.id,
                            "required": True,
                            "sequence": 2,
                            "access_level": "2",
                        },
                    ),
                    (
                        0,
                        0,
                        {"variable_id": cls.folder.id, "value_char": "/srv/{{ t_domain }}", "sequence": 3},
                    ),
                    (0, 0, {"variable_id": cls.hidden.id, "value_char": "for Root", "sequence": 4}),
                ],
            }
        )

    def make(self, name="New", person=None, **arguments):
        """Create a server as somebody who may use the template."""
        arguments.setdefault("configuration_variables", {"t_domain": "example.com"})
        templates = self.env[TEMPLATE].with_user(person or self.manager)
        return templates.create_server_from_template("web_template", name, **arguments)

    def values_of(self, server):
        return {
            value.variable_reference: (
                value.value_char,
                value.option_id,
                value.access_level,
                value.required,
            )
            for value in server.sudo().variable_value_ids
        }

    def no_server(self, name="New"):
        self.assertFalse(self.env["cx.tower.server"].search_count([("name", "=", name)]))
