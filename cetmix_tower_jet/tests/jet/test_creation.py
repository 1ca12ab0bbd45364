from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..jet_case import JetCase


class CreationCase(JetCase):
    """A template that ``user`` may launch and ``manager`` manages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.write({**cls._roles(cls.user, cls.manager), "access_level": "1"})

    def _create(self, person=None, template=None, server=None, **kwargs):
        return self._as(template or self.template, person).create_jet(server or self.server.id, **kwargs)


@tagged("post_install", "-at_install")
class TestCreation(CreationCase):
    # ------------------------------------------------------------------ people

    def test_a_user_of_the_template_becomes_user_of_the_jet(self):
        jet = self._create(self.user, name="Web", url="https://web.example.com", note="first")
        self.assertEqual((jet.name, jet.url, jet.note), ("Web", "https://web.example.com", "first"))
        self.assertEqual((jet.state, jet.env.user), ("draft", self.user))
        self.assertEqual((jet.sudo().user_ids, jet.sudo().manager_ids), (self.user, self.manager))
        self.assertEqual((jet.transition_ids.user_id, jet.transition_ids.source), (self.user, "person"))
        self.assertEqual(jet.create_uid, self.user)
        with self.assertRaises(AccessError):
            jet.write({"name": "Other"})

    def test_a_manager_becomes_manager_of_the_jet(self):
        self.template.write(self._roles(self.manager))
        jet = self._create(self.manager)
        self.assertEqual((jet.manager_ids, jet.user_ids), (self.manager, self.manager))
        jet.write({"name": "Other"})

    def test_who_is_not_in_the_template_may_not_launch(self):
        self.server.write(self._roles(self.user_2 | self.manager_2))
        for person in (self.user_2, self.manager_2):
            with self.assertRaisesRegex(AccessError, "Ask one of its Managers"):
                self._create(person)
        with self.assertRaises(AccessError):
            self._create(self.outsider)

    def test_root_launches_everything(self):
        self.template.write({**self._roles(), "access_level": "3"})
        self.assertEqual(self._create(self.root).state, "draft")

    def test_the_server_must_be_readable(self):
        other = self._new_server("Other")
        self.template.server_ids += other
        with self.assertRaises(AccessError):
            self._create(self.user, server=other.id)
        with self.assertRaises(ValidationError):
            self._create(self.user, server=other.reference)

    def test_managers_choose_the_roles_and_users_do_not(self):
        jet = self._create(self.manager, user_ids=self.user_2.ids, manager_ids=self.manager_2.ids)
        self.assertEqual((jet.user_ids, jet.manager_ids), (self.user_2, self.manager_2 | self.manager))
        for roles in ({"user_ids": self.user_2.ids}, {"manager_ids": self.user.ids}):
            with self.assertRaises(AccessError):
                self._create(self.user, **roles)

    def test_the_way_to_the_state_has_the_level_of_the_caller(self):
        self._action("Start").access_level = "2"
        with self.assertRaisesRegex(UserError, "above your access level"):
            self._create(self.user, state="running")
        self.assertEqual(self._create(self.manager, state="running").state, "running")

    # ------------------------------------------------------------------ arguments

    def test_server_and_state_are_records_ids_or_references(self):
        running = self._state("running")
        for server in (self.server, self.server.id, self.server.reference):
            for state in (running, running.id, "running"):
                self.assertEqual(self._create(self.user, server=server, state=state).state, "running")

    def test_no_state_runs_nothing(self):
        for state in (False, ""):
            jet = self._create(self.user, state=state)
            self.assertFalse(jet.state_id)
            self.assertFalse(jet.transition_ids)

    def test_a_template_without_a_create_action_makes_a_jet_without_a_state(self):
        template = self._new_template("Bare", actions=(), users=self.user)
        self.assertFalse(self._create(template=template).state_id)

    def test_plain_values_for_rpc(self):
        self._give_plan("Prepare")
        result = self.template.with_user(self.user).launch_jet(self.server.reference, "Web", "running")
        jet = self.env["cx.tower.jet"].browse(result["jet_id"])
        self.assertEqual((result["jet"], result["name"], result["state"]), (jet.reference, "Web", "running"))
        self.assertEqual(result["transition"], jet.current_transition_id.id)
        self.assertEqual(result["log"], jet.current_transition_id.plan_log_id.id)
        nothing = self.template.with_user(self.user).launch_jet(self.server.id, state=False)
        self.assertEqual((nothing["transition"], nothing["log"], nothing["state"]), (0, 0, "done"))

    def test_names_repeat_and_are_made_up(self):
        first, second = (self._create(name="Web") for _ in range(2))
        self.assertEqual(first.name, second.name)
        self.assertNotEqual(first.reference, second.reference)
        self.assertRegex(self._create().name, r"^Shop [a-z0-9]{4}-[a-z0-9]{4}$")
        with self.assertRaises(ValidationError):
            self._create(name="  ")

    def test_a_reference_is_used_as_it_is_or_refused(self):
        self.assertEqual(self._create(self.user, reference="web_1").reference, "web_1")
        with self.assertRaisesRegex(ValidationError, "“web_1” is taken"):
            self._create(self.user, reference="web_1")
        with self.assertRaises(ValidationError):
            self._create(self.user, reference="Web 1")

    def test_unknown_names_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "does not take color, state_id.*url"):
            self._create(self.user, color=1, state_id=1)
        with self.assertRaisesRegex(ValidationError, "“nothing”"):
            self._create(self.user, variable_values={"nothing": 1})
        with self.assertRaises(ValidationError):
            self._create(self.user, variable_values=["a"])

    def test_addons_add_fields(self):
        Template = type(self.env["cx.tower.jet.template"])
        allowed = self.template._allowed_jet_fields()
        with patch.object(Template, "_allowed_jet_fields", lambda self: allowed + ["deletable"]):
            self.assertFalse(self._create(self.user, deletable=False).deletable)

    def test_a_url_is_checked(self):
        with self.assertRaisesRegex(ValidationError, "not a valid URL"):
            self._create(self.user, url="web")
        with self.assertRaises(ValidationError):
            self._create().write({"url": "ftp://web"})

    def test_links_need_read_access_and_both_ends(self):
        partner = self.env["res.partner"].create({"name": "ACME"})
        tag = self.env["cx.tower.tag"].create({"name": "Web"})
        original = self._new_jet("Original")
        jet = self._create(self.user, partner_id=partner.id, tag_ids=[(6, 0, tag.ids)])
        self.assertEqual((jet.partner_id, jet.tag_ids), (partner, tag))
        self.assertEqual(self._create(self.user, tag_ids=tag).tag_ids, tag)
        with self.assertRaises(AccessError):
            self._create(self.user, jet_cloned_from_id=original.id)
        with self.assertRaises(ValidationError):
            self._create(self.user, tag_ids=[0])
        command = self._new_command("Tick", access_level="1")
        task = self.env["cx.tower.scheduled.task"].create(
            {"name": "Tick", "action": "command", "command_id": command.id}
        )
        with self.assertRaises(AccessError):
            self._create(self.user, scheduled_task_ids=task.ids)
        self.assertEqual(self._create(scheduled_task_ids=task.ids).scheduled_task_ids, task)

    def test_values_are_the_jets_own(self):
        self.env["cx.tower.variable"].create({"name": "Edition", "access_level": "1"})
        self.env["cx.tower.variable"].create({"name": "Hidden", "access_level": "2"})
        jet = self._create(self.user, variable_values={"edition": "community"})
        self.assertEqual(jet.get_variable_value("edition", no_fallback=True), "community")
        self.assertFalse(self._create(self.user, variable_values={"edition": None}).variable_value_ids)
        for values in ({"hidden": "x"}, {"edition": "{{ hidden }}"}):
            with self.assertRaises(AccessError if "edition" in values else ValidationError):
                self._create(self.user, variable_values=values)

    def test_a_user_cannot_reach_secrets_by_values(self):
        self.env["cx.tower.variable"].create({"name": "Password", "access_level": "1"})
        self._new_secret("Root password")
        values = {"password": "#!cxtower.secret.root_password!#"}
        with self.assertRaisesRegex(AccessError, "Only Managers may use secrets"):
            self._create(self.user, variable_values=values)
        self._create(self.manager, variable_values=values)

    def test_all_missing_values_are_named_at_once(self):
        for name in ("One", "Two"):
            variable = self.env["cx.tower.variable"].create({"name": name, "access_level": "1"})
            self.env["cx.tower.variable.value"].create(
                {"variable_id": variable.id, "jet_template_id": self.template.id, "required": True}
            )
        with self.assertRaisesRegex(ValidationError, r"One \(one\), Two \(two\)"):
            self._create(self.user)
        self._create(self.user, variable_values={"one": 1, "two": 2})

    # ------------------------------------------------------------------ where

    def test_the_template_must_be_installed_and_in_use(self):
        other = self._new_server("Other", users=self.user)
        with self.assertRaisesRegex(UserError, "not installed on “Other”"):
            self._create(self.user, server=other)
        with self.assertRaisesRegex(UserError, "not installed on “Other”"):
            self.env["cx.tower.jet"].create(
                {"name": "Web", "jet_template_id": self.template.id, "server_id": other.id}
            )
        self.template.active = False
        with self.assertRaisesRegex(UserError, "archived"):
            self._create(self.user)

    def test_an_addon_may_say_no(self):
        Template = type(self.env["cx.tower.jet.template"])
        with patch.object(Template, "_allow_jet_creation", lambda self, server: False):
            with self.assertRaisesRegex(UserError, "does not allow a new jet"):
                self._create(self.user)

    def test_the_limit_counts_all_jets_that_are_not_destroyed(self):
        self.template.limit_per_server = 2
        first, second = self._create(), self._create()
        second.active = False
        with self.assertRaisesRegex(UserError, "jets per server: 2"):
            self._create(self.user)
        first.bring_to_state(False)
        third = self._create(self.user)
        self.assertEqual((second.seat, third.sudo().seat), (2, 1))
        first.active = True
        with self.assertRaisesRegex(UserError, "jets per server: 2"):
            first.bring_to_state("draft")
        self.template.limit_per_server = 0
        first.bring_to_state("draft")
        self.assertEqual(first.seat, 3)
        for jet in (first, third.sudo()):
            jet.bring_to_state(False)
        self.assertEqual((first.seat, third.sudo().seat), (0, 0))

    def test_template_and_server_never_change(self):
        jet, other = self._create(), self._new_template("Other")
        for values in ({"jet_template_id": other.id}, {"server_id": self._new_server("Other").id}):
            with self.assertRaisesRegex(UserError, "cannot be changed"):
                jet.write(values)
        jet.write({"jet_template_id": self.template.id})

    def test_a_busy_jet_is_not_archived(self):
        self._give_plan("Prepare")
        with self.assertRaisesRegex(UserError, "“Prepare” is running"):
            self._create().active = False

    # ------------------------------------------------------------------ by the ORM

    def test_a_jet_made_by_the_orm_has_all_that_the_template_gives(self):
        vals = {"name": "Web", "jet_template_id": self.template.id, "server_id": self.server.id}
        jet = self.env["cx.tower.jet"].with_user(self.manager).create(vals)
        self.assertEqual((jet.user_ids, jet.manager_ids, jet.sudo().seat), (self.user, self.manager, 1))
        self.assertFalse(jet.state_id)
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet"].with_user(self.user).create(vals)
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet"].with_user(self.manager).create({**vals, "seat": 7})
        self.server.manager_ids += self.manager_2
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet"].with_user(self.manager_2).create(vals)

    def test_jets_get_files_logs_and_tasks_of_the_template(self):
        command = self._new_command("Read", access_level="1")
        file = self.env["cx.tower.file"].create(
            {
                "name": "a.conf",
                "server_dir": "/etc",
                "source": "tower",
                "code": "x",
                "jet_template_id": self.template.id,
            }
        )
        self.env["cx.tower.server.log"].create(
            {
                "name": "Syslog",
                "log_type": "command",
                "command_id": command.id,
                "jet_template_id": self.template.id,
            }
        )
        task = self.env["cx.tower.scheduled.task"].create(
            {
                "name": "Tick",
                "action": "command",
                "command_id": command.id,
                "jet_template_ids": self.template.ids,
            }
        )
        jet = self._create(self.user).sudo()
        self.assertEqual((jet.file_ids.name, jet.file_ids.server_id), ("a.conf", self.server))
        self.assertNotEqual(jet.file_ids, file)
        self.assertEqual(jet.server_log_ids.name, "Syslog")
        self.assertEqual(jet.scheduled_task_ids, task)

    def test_logs_that_are_passed_are_copied(self):
        command = self._new_command("Read", access_level="1")
        log = self.env["cx.tower.server.log"].create(
            {"name": "Syslog", "log_type": "command", "command_id": command.id, "server_id": self.server.id}
        )
        jet = self._create(server_log_ids=log.ids)
        self.assertEqual((jet.server_log_ids.name, jet.server_log_ids.server_id), ("Syslog", self.server))
        self.assertFalse(log.jet_id)
        with self.assertRaises(AccessError):
            self._create(self.user, server_log_ids=log.ids)

    def test_jets_have_a_row_for_each_dependency(self):
        needed = self._new_template("Database")
        need = self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.template.id,
                "template_required_id": needed.id,
                "state_required_id": self._state("running").id,
            }
        )
        jet = self._create(state=False)
        self.assertEqual(jet.jet_requires_ids.jet_template_dependency_id, need)
        self.assertFalse(jet.jet_requires_ids.jet_depends_on_id)

    def test_many_jets_cost_few_queries_each(self):
        port = self.env["cx.tower.variable"].create(
            {"name": "Port", "allocation": "server", "allocation_range": "8000-8999"}
        )
        self.env["cx.tower.variable.value"].create(
            {"variable_id": port.id, "jet_template_id": self.template.id}
        )
        vals = {"name": "Web", "jet_template_id": self.template.id, "server_id": self.server.id}
        counts = []
        for number in (1, 20, 40):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            jets = self.env["cx.tower.jet"].create([vals] * number)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(set(jets.mapped("seat"))), number)
        a_jet = (counts[2] - counts[1]) / 20
        self.assertLess(a_jet, 12, f"queries for 1, 20 and 40 jets: {counts}")


@tagged("post_install", "-at_install")
class TestRefusals(CreationCase):
    """Whatever is refused leaves nothing behind, in any table, also for a caller that goes on after the error."""

    def _rows(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND (table_name LIKE 'cx_tower%' OR table_name IN ('mail_message', 'mail_followers', 'ir_attachment'))"
        )
        counts = {}
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = self.env.cr.fetchone()[0]
        return counts

    def _assert_nothing_left(self, *args, person=None, **kwargs):
        before = self._rows()
        template = self._as(self.template, person or self.user)
        try:
            template.create_jet(*(args or (self.server.id,)), **kwargs)
        except (AccessError, UserError):
            pass
        else:
            self.fail("it was not refused")
        self.assertEqual(self._rows(), before)

    def test_wrong_arguments(self):
        for kwargs in (
            {"name": ""},
            {"state": "nowhere"},
            {"reference": "Not one"},
            {"color": 1},
            {"variable_values": {"nothing": 1}},
            {"url": "no url"},
            {"tag_ids": [0]},
            {"user_ids": self.user.ids},
        ):
            with self.subTest(kwargs):
                self._assert_nothing_left(**kwargs)
        self._assert_nothing_left("nowhere")

    def test_rights(self):
        self._assert_nothing_left(person=self.user_2)
        self._assert_nothing_left(self._new_server("Other").id)

    def test_no_place(self):
        self.template.limit_per_server = 1
        self._create()
        self._assert_nothing_left()

    def test_not_installed(self):
        self._assert_nothing_left(self._new_server("Other", users=self.user).id)

    def test_no_value(self):
        port = self.env["cx.tower.variable"].create(
            {"name": "Port", "allocation": "server", "allocation_range": "1-1"}
        )
        self.env["cx.tower.variable.value"].create(
            {"variable_id": port.id, "jet_template_id": self.template.id}
        )
        self._create()
        self._assert_nothing_left()

    def test_no_way_to_the_state(self):
        self._action("Start").access_level = "3"
        self._assert_nothing_left(state="running")
        self._assert_nothing_left(state="destroying")

    def test_an_error_in_what_addons_do(self):
        Jet = type(self.env["cx.tower.jet"])

        def refuse(jet, state):
            raise UserError(jet.env._("Not now."))

        with patch.object(Jet, "_on_state_enter", refuse):
            self._assert_nothing_left()
