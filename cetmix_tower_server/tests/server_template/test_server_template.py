from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from .server_template_case import TEMPLATE, ServerTemplateCase

WIZARD = "cx.tower.server.template.create.wizard"


@tagged("post_install", "-at_install")
class TestServerTemplate(ServerTemplateCase):
    # ------------------------------------------------------------------ what is copied

    def test_everything_is_copied(self):
        server = self.make(ipv4="192.0.2.50", ipv6="2001:db8::50")
        self.assertEqual(server.env.user, self.manager)
        self.assertFalse(server.env.su)
        server = server.sudo()
        facts = {
            "name": "New",
            "server_template_id": self.template,
            "ip_v4_address": "192.0.2.50",
            "ip_v6_address": "2001:db8::50",
            "ssh_port": 2222,
            "ssh_username": "deploy",
            "ssh_auth_mode": "k",
            "ssh_key_id": self.key,
            "use_sudo": "p",
            "jump_server_id": self.jump,
            "color": 3,
            "os_id": self.os,
            "tag_ids": self.tag,
            "plan_delete_id": self.clean_up,
            "create_uid": self.manager,
            "user_ids": self.manager,
            "manager_ids": self.manager,
            "status": False,
        }
        for name, expected in facts.items():
            with self.subTest(field=name):
                self.assertEqual(server[name], expected)
        password = server._get_secret_value__("ssh_password")
        self.assertEqual(password.reveal(), "the template's own")
        self.assertEqual(
            self.values_of(server),
            {
                "t_domain": ("example.com", self.small.browse(), "1", True),
                "t_edition": ("s", self.small, "2", True),
                "t_folder": ("/srv/{{ t_domain }}", self.small.browse(), "1", False),
                "t_hidden": ("for Root", self.small.browse(), "3", False),
            },
        )
        self.assertIn("Web", server.message_ids[-1].body)

    def test_the_template_is_counted_and_opens_its_servers(self):
        servers = self.make("One") | self.make("Two")
        template = self.template.with_user(self.manager)
        self.assertEqual(template.server_count, 2)
        self.assertEqual(self.template.with_user(self.author).server_count, 0)
        action = template.action_open_servers()
        self.assertEqual(self.env["cx.tower.server"].search(action["domain"]), servers.sudo())

    def test_a_manager_of_the_template_only_edits_it(self):
        with self.assertRaises(AccessError):
            self.template.with_user(self.manager).note = "changed"
        self.template.with_user(self.author).note = "changed"
        with self.assertRaises(AccessError):
            self.template.with_user(self.user).read(["name"])

    def test_the_password_never_comes_back(self):
        template = self.template.with_user(self.author)
        self.assertEqual(template.read(["ssh_password"])[0]["ssh_password"], "*****")
        self.assertNotIn("ssh_password", self.template.copy_data()[0])
        self.env.cr.execute("SELECT * FROM cx_tower_server_template WHERE id = %s", self.template.ids)
        self.assertNotIn("the template's own", str(self.env.cr.fetchall()))
        action = template.action_create_server()
        self.assertNotIn("the template's own", str(action))
        form = Form(self.env[WIZARD].with_user(self.manager).with_context(**action["context"]))
        self.assertTrue(form.has_template_password)
        self.assertFalse(form.ssh_password)

    def test_the_port_of_the_caller_counts(self):
        self.assertEqual(self.make("A").sudo().ssh_port, 2222)
        self.assertEqual(self.make("B", ssh_port=2200).sudo().ssh_port, 2200)

    # ------------------------------------------------------------------ logs, shortcuts, tasks and files

    def give_children(self):
        """Give the template logs, shortcuts, tasks and files; only the superuser may read most of them."""
        nobody = {"user_ids": [(5,)], "manager_ids": [(5,)]}
        FileTemplate = self.env["cx.tower.file.template"]
        config, trace = FileTemplate.create(
            [
                {
                    "name": name,
                    "file_name": name,
                    "server_dir": "/etc/{{ t_domain }}",
                    "code": "domain={{ t_domain }}",
                    **nobody,
                }
                for name in ("config", "trace")
            ]
        )
        shortcut = self.env["cx.tower.shortcut"].create(
            {"name": "Restart", "command_id": self.command.id, "access_level": "1"}
        )
        task = self.env["cx.tower.scheduled.task"].create(
            {
                "name": "Nightly",
                "command_id": self.command.id,
                "interval_type": "days",
                "user_id": self.root.id,
                **nobody,
            }
        )
        logs = [
            {"name": "Disk", "command_id": self.command.id, "access_level": "1", "use_sudo": True},
            {"name": "Trace", "log_type": "file", "file_template_id": trace.id, "access_level": "2"},
        ]
        self.template.write(
            {
                "file_template_ids": [(6, 0, config.ids)],
                "shortcut_ids": [(6, 0, shortcut.ids)],
                "scheduled_task_ids": [(6, 0, task.ids)],
                "server_log_ids": [(0, 0, log) for log in logs],
            }
        )
        self.env.invalidate_all()
        return shortcut, task

    def test_logs_shortcuts_tasks_and_files(self):
        shortcut, task = self.give_children()
        other = self.make("Other").sudo()
        server = self.make().sudo()
        self.assertEqual(
            {
                (log.name, log.log_type, log.access_level, log.use_sudo, log.vouched_by_id)
                for log in server.server_log_ids
            },
            {
                ("Disk", "command", "1", True, self.manager),
                ("Trace", "file", "2", False, self.manager),
            },
        )
        self.assertEqual(
            set(server.file_ids.mapped("host_path")), {"/etc/example.com/config", "/etc/example.com/trace"}
        )
        self.assertEqual(server.file_ids.mapped("create_uid"), self.manager)
        self.assertEqual(shortcut.server_ids, other | server)
        self.assertEqual((task.server_ids, task.user_id), (other | server, self.root))
        self.assertEqual(len(self.template.server_log_ids), 2, "the template keeps its own")

    def test_a_file_whose_path_cannot_be_made(self):
        self.give_children()
        self.template.file_template_ids.server_dir = "/etc/{{ t_nobody_knows }}"
        with self.assertRaisesRegex(ValidationError, "t_nobody_knows"):
            self.make()
        self.no_server()

    def test_queries_do_not_grow_with_what_belongs_to_it(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.make(f"Counted {before}")
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        self.template.flight_plan_id = False
        count()
        few = count()
        variables = self.env["cx.tower.variable"].create(
            [{"name": f"Many {number}", "access_level": "1"} for number in range(20)]
        )
        self.template.variable_value_ids = [
            (0, 0, {"variable_id": variable.id, "value_char": "x"}) for variable in variables
        ]
        self.template.server_log_ids = [
            (0, 0, {"name": f"Log {number}", "command_id": self.command.id}) for number in range(20)
        ]
        self.assertLess(count() - few, 30)

    def test_becoming_part_of_a_template_is_changing_it(self):
        """From either side, because new servers get it as superuser."""
        self.give_children()
        own = {"user_ids": [(6, 0, self.manager.ids)], "manager_ids": [(6, 0, self.manager.ids)]}
        file_template = self.env["cx.tower.file.template"].create(
            {"name": "Mine", "file_name": "x", "server_dir": "/etc", **own}
        )
        task = self.env["cx.tower.scheduled.task"].create(
            {"name": "Mine", "command_id": self.command.id, "user_id": self.manager.id, **own}
        )
        for part in (file_template, task):
            with self.subTest(model=part._name), self.assertRaises(AccessError):
                part.with_user(self.manager).server_template_ids = self.template
            with self.subTest(model=part._name), self.assertRaises(AccessError), self.env.cr.savepoint():
                part.with_user(self.manager).with_context(
                    default_server_template_ids=[(6, 0, self.template.ids)]
                ).copy({"name": "Copy"})
        author = self.template.with_user(self.author)
        for name, record in (
            ("shortcut_ids", self.template.shortcut_ids),
            ("scheduled_task_ids", self.template.scheduled_task_ids),
        ):
            with self.subTest(field=name), self.assertRaises(AccessError), self.env.cr.savepoint():
                author[name] = [(3, record.id)]
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            author.file_template_ids = [(4, file_template.id)]

    def test_logs_of_a_template_follow_it(self):
        self.give_children()
        self.template.server_log_ids.filtered(lambda log: log.name == "Disk").access_level = "3"
        Log = self.env["cx.tower.server.log"]
        mine = [("server_template_id", "=", self.template.id)]
        for person in (self.manager, self.author):
            found = Log.with_user(person).search(mine)
            with self.subTest(person=person.login):
                self.assertEqual(found.mapped("name"), ["Trace"])
                self.assertEqual(found.has_access("write"), person == self.author)
        self.assertFalse(Log.with_user(self.user).search([("name", "=", "Trace")]))
        with self.assertRaises(AccessError):
            Log.with_user(self.manager).create(
                {"name": "New", "command_id": self.command.id, "server_template_id": self.template.id}
            )

    # ------------------------------------------------------------------ arguments of the caller

    def test_own_fields(self):
        partner = self.env["res.partner"].create({"name": "Customer", "ref": "T-1"})
        for number, given in enumerate((partner, partner.id, "T-1")):
            server = self.make(f"P{number}", partner=given, note="from a script", url="https://x.example")
            self.assertEqual((server.partner_id, server.note), (partner, "from a script"))
        mine = self.env["cx.tower.key"].create(
            {"name": "Mine", "reference": "mine", "key_type": "k", "manager_ids": [(4, self.manager.id)]}
        )
        server = self.make("K", ssh_key="mine", ssh_password="another").sudo()
        self.assertEqual(server.ssh_key_id, mine)
        self.assertEqual(server._get_secret_value__("ssh_password").reveal(), "another")

    def test_what_cannot_be_given(self):
        cases = [
            (
                {"plan_delete_id": self.plan.id},
                ValidationError,
                "cannot be set here: new servers get it from the template",
            ),
            (
                {"server_template_id": 1},
                ValidationError,
                "cannot be set here: new servers get it from the template",
            ),
            ({"nonsense": 1}, ValidationError, "has no field “nonsense”"),
            ({"host_address": "x"}, ValidationError, "has no field “host_address”"),
            ({"deletion_step": "due"}, AccessError, ""),
            ({"ssh_key": "fleet_key"}, ValidationError, "no SSH key “fleet_key”"),
            ({"ssh_key_id": self.env["cx.tower.key"].create({"name": "F"}).id}, AccessError, ""),
            ({"jump_server_id": self.jump.id}, AccessError, ""),
            ({"partner": "nobody"}, ValidationError, "no partner “nobody”"),
            ({"partner": 10**8}, ValidationError, "no partner"),
            ({"ip_v4_address": "not an address!"}, ValidationError, "is not a valid IPv4 address"),
        ]
        for arguments, error, text in cases:
            with self.subTest(**arguments):
                with self.assertRaisesRegex(error, text), self.env.cr.savepoint():
                    self.make(**arguments)
                self.no_server()
        with self.assertRaisesRegex(ValidationError, "Enter a name for the new server"):
            self.make(" ")
        with self.assertRaisesRegex(ValidationError, "no server template “gone”"):
            self.env[TEMPLATE].with_user(self.manager).create_server_from_template("gone", "New")

    def test_defaults_of_the_context_do_not_get_the_templates_rights(self):
        secret = self.env["cx.tower.server"].create(
            {"name": "Secret", "ip_v4_address": "192.0.2.9", "ssh_username": "u", "ssh_password": "p"}
        )
        self.template.jump_server_id = False
        templates = self.env[TEMPLATE].with_user(self.manager)
        server = templates.with_context(
            default_jump_server_id=secret.id, default_manager_ids=[(6, 0, self.user.ids)]
        ).create_server_from_template("web_template", "New", configuration_variables={"t_domain": "x"})
        self.assertFalse(server.sudo().jump_server_id)
        self.assertEqual(server.sudo().manager_ids, self.manager)

    def test_who_may_not(self):
        stranger = new_test_user(
            self.env, "run_stranger", "base.group_user,cetmix_tower_server.group_manager"
        )
        with self.assertRaisesRegex(ValidationError, "or you do not have access to it"):
            self.make(person=stranger)
        with self.assertRaises(AccessError):
            self.make(person=self.user)
        self.no_server()

    # ------------------------------------------------------------------ values

    def test_all_missing_and_empty_values_in_one_message(self):
        self.template.variable_value_ids.filtered(lambda v: v.variable_id == self.folder).required = True
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            self.make(configuration_variables={"t_folder": "  ", "t_edition": None})
        text = str(caught.exception)
        self.assertIn("Missing: Domain (t_domain)", text)
        self.assertIn("Empty: Edition (t_edition), Folder (t_folder)", text)
        self.no_server()

    def test_only_the_values_that_are_named(self):
        with self.assertRaisesRegex(ValidationError, r"Missing: Edition \(t_edition\)"):
            self.make(pick_all_template_variables=False)
        server = self.make(
            pick_all_template_variables=False, configuration_variable_options={"t_edition": "t_large"}
        )
        self.assertEqual(set(self.values_of(server)), {"t_domain", "t_edition"})
        self.assertEqual(self.values_of(server)["t_edition"], ("l", self.large, "2", True))

    def test_options(self):
        self.assertEqual(
            self.values_of(self.make("A", configuration_variables={"t_domain": "x", "t_edition": "l"}))[
                "t_edition"
            ][:2],
            ("l", self.large),
        )
        for option in ("t_nothing", None, 5):
            with self.subTest(option=option), self.assertRaisesRegex(ValidationError, "has no option"):
                self.make("B", configuration_variable_options={"t_edition": option})
        with self.assertRaisesRegex(ValidationError, "has no option"):
            self.make("B", configuration_variable_options={"t_domain": "t_large"})
        with self.assertRaisesRegex(ValidationError, "one of"), self.env.cr.savepoint():
            self.make("B", configuration_variables={"t_domain": "x", "t_edition": "huge"})
        self.no_server("B")

    def test_values_that_are_none(self):
        for given in (["t_domain"], {"t_domain": ["a list"]}):
            with self.subTest(given=given), self.assertRaises(ValidationError):
                self.make(configuration_variables=given)

    def test_unknown_variables_are_made_by_who_may(self):
        given = {"t_domain": "x", "t_new": "5"}
        server = self.make("A", configuration_variables=given)
        variable = self.env["cx.tower.variable"].search([("reference", "=", "t_new")])
        self.assertEqual((variable.create_uid, variable.access_level), (self.manager, "2"))
        self.assertEqual(self.values_of(server)["t_new"][0], "5")
        with self.assertRaisesRegex(ValidationError, "cannot be the reference"), self.env.cr.savepoint():
            self.make("B", configuration_variables={"t_domain": "x", "Not A Reference": "5"})
        Access = self.env["ir.model.access"]
        Access.search([("model_id.model", "=", "cx.tower.variable")]).perm_create = False
        Access.env.registry.clear_cache()
        with self.assertRaisesRegex(ValidationError, "no variables “t_newer”"):
            self.make("B", configuration_variables={**given, "t_newer": "6"})
        self.no_server("B")

    def test_values_above_the_callers_level(self):
        with self.assertRaisesRegex(AccessError, "not allowed to override “t_hidden”"):
            self.make(configuration_variables={"t_domain": "x", "t_hidden": "mine"})
        self.template.variable_value_ids.filtered(lambda v: v.variable_id == self.hidden).unlink()
        with self.assertRaisesRegex(
            ValidationError, "no variables “t_hidden”, or you are not allowed to use"
        ):
            self.make(configuration_variables={"t_domain": "x", "t_hidden": "mine"})
        self.no_server()

    def test_values_of_a_template_are_resolved_before_global_ones(self):
        self.env["cx.tower.variable.value"].create({"variable_id": self.domain.id, "value_char": "global"})
        template = self.template
        self.assertEqual(template.get_variable_value("t_domain"), "global")
        template.set_variable_value("t_domain", "own")
        self.assertEqual(template.get_variable_value("t_domain"), "own")
        self.assertEqual(template.get_variable_value("t_hidden", no_fallback=True), "for Root")
        values = {row["reference"]: row for row in template.get_effective_variable_values()}
        self.assertEqual(values["t_folder"]["value"], "/srv/own")

    def test_one_value_a_variable(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.template.variable_value_ids = [(0, 0, {"variable_id": self.domain.id})]

    # ------------------------------------------------------------------ plan after creation

    def test_the_plan_runs_with_the_values_of_the_server(self):
        server = self.make()
        log = server.sudo().template_plan_log_id
        self.assertEqual((log.plan_id, log.state, log.user_id), (self.plan, "done", self.manager))
        self.assertEqual(log.command_log_ids.command_response, "example.com in /srv/example.com")
        self.assertEqual(server.template_plan_state, "done")
        self.assertTrue(any("after creation" in body for body in server.sudo().message_ids.mapped("body")))
        self.assertEqual(server.action_open_template_plan_log()["res_id"], log.id)

    def test_how_the_plan_stands_is_shown_until_it_is_put_right(self):
        allowed = "cetmix_tower_server.test_allowed"
        self.command.code = (
            f"allowed = env['ir.config_parameter'].sudo().get_param('{allowed}')\n"
            "result = {'exit_code': 0 if allowed else 3}"
        )
        server, other = self.make("A"), self.make("B")
        self.assertEqual((server.template_plan_state, other.template_plan_state), ("failed", "failed"))
        self.env["ir.config_parameter"].sudo().set_param(allowed, "yes")
        resumed = server.template_plan_log_id.resume()
        self.env.invalidate_all()
        self.assertEqual(server.template_plan_state, "done")
        self.assertEqual(server.action_open_template_plan_log()["res_id"], resumed.id)
        self.assertIs(other.action_dismiss_template_plan_log(), True)
        self.assertFalse(other.template_plan_state)
        other.sudo().user_ids += self.user
        with self.assertRaises(AccessError):
            other.with_user(self.user).action_dismiss_template_plan_log()

    def test_the_start_is_part_of_the_creation(self):
        """All or nothing: a failure after the start rolls back the server and the run."""
        Server = type(self.env["cx.tower.server"])
        broken = patch.object(Server, "_message_log", side_effect=UserError("broken"))
        with self.assertRaisesRegex(UserError, "broken"), self.env.cr.savepoint(), broken:
            self.make()
        self.env.invalidate_all()
        self.no_server()
        self.assertFalse(self.env["cx.tower.plan.log"].search([("plan_id", "=", self.plan.id)]))

    def test_a_plan_that_the_person_may_not_run(self):
        """Only a shortcut lowers the access level. A template lends its credentials, but no right to run."""
        self.plan.access_level = "3"
        with self.assertRaisesRegex(AccessError, "you are not allowed to run it"):
            self.make()
        self.no_server()

    def test_a_plan_for_certain_servers_is_refused(self):
        self.plan.server_ids = self.server
        for name in ("flight_plan_id", "plan_delete_id"):
            with self.subTest(field=name), self.assertRaisesRegex(ValidationError, "restricted to certain"):
                self.env[TEMPLATE].create({"name": "Other", name: self.plan.id})

    # ------------------------------------------------------------------ others

    def test_python_helper(self):
        server = (
            self.env["cetmix.tower"]
            .with_user(self.manager)
            .server_create_from_template("web_template", "New", configuration_variables={"t_domain": "x"})
        )
        self.assertEqual((server._name, server.name), ("cx.tower.server", "New"))

    def test_a_copy_of_a_template(self):
        self.env.invalidate_all()
        copy = self.template.with_user(self.author).copy()
        self.assertEqual(copy._get_secret_value__("ssh_password").reveal(), "the template's own")
        self.assertEqual(
            copy.variable_value_ids.mapped("variable_reference"), ["t_domain", "t_edition", "t_folder"]
        )
        self.assertEqual(copy.server_count, 0)
        with self.assertRaises(AccessError):  # it would link a key that the caller may not read
            self.template.with_user(self.manager).copy()
        self.key.user_ids += self.manager
        self.jump.user_ids += self.manager
        self.env.invalidate_all()
        mine = self.template.with_user(self.manager).copy()
        self.assertFalse(mine._is_secret_value_set("ssh_password"))

    def test_deleting_a_template_keeps_its_servers(self):
        server = self.make()
        self.template.unlink()
        self.assertTrue(server.exists())
        self.assertFalse(server.server_template_id)
