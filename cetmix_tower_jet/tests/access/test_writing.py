"""What nobody writes by hand, and links that are checked at both ends."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..jet_case import JetCase

IR_RULE = "odoo.addons.base.models.ir_rule"


@tagged("post_install", "-at_install")
class TestWriting(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager
        cls.jet = cls._new_jet("Mine", "stopped", managers=cls.manager)
        cls.running = cls._state("running")
        cls.other_server = cls._new_server("Other", users=cls.manager, managers=cls.manager)
        cls.transition = cls.env["cx.tower.jet.transition"].create({"jet_id": cls.jet.id, "state": "done"})

    def refused(self, what, error=AccessError):
        with mute_logger(IR_RULE, "odoo.models"), self.assertRaises(error), self.env.cr.savepoint():
            what()

    def moves(self):
        """Return values of the fields that only transitions and Tower write."""
        return {
            "state_id": self.running.id,
            "state": "running",
            "target_state_id": self.running.id,
            "current_action_id": self._action("Start").id,
            "current_transition_id": self.transition.id,
            "seat": 99,
        }

    def test_nobody_writes_where_a_jet_is(self):
        for person in (self.manager, self.root):
            for name, value in self.moves().items():
                with self.subTest(person=person.name, field=name):
                    self.refused(lambda p=person, n=name, v=value: self.jet.with_user(p).write({n: v}))
        self.assertEqual(self.jet.state, "stopped")

    def test_nobody_creates_a_jet_that_is_somewhere(self):
        vals = {"name": "New", "jet_template_id": self.template.id, "server_id": self.server.id}
        for person in (self.manager, self.root):
            Jet = self.env["cx.tower.jet"].with_user(person)
            for name, value in self.moves().items():
                with self.subTest(person=person.name, field=name):
                    self.refused(lambda J=Jet, n=name, v=value: J.create({**vals, n: v}))

    def test_the_context_puts_a_new_jet_nowhere(self):
        context = {f"default_{name}": value for name, value in self.moves().items() if name != "seat"}
        Jet = self.env["cx.tower.jet"].with_user(self.manager).with_context(**context)
        jet = Jet.create({"name": "New", "jet_template_id": self.template.id, "server_id": self.server.id})
        self.assertFalse(
            jet.sudo().state_id or jet.sudo().current_transition_id or jet.sudo().target_state_id
        )

    def test_a_jet_stays_where_it_was_made(self):
        other = self._new_template("Other", users=self.manager, managers=self.manager)
        for vals in ({"jet_template_id": other.id}, {"server_id": self.other_server.id}):
            for person in (self.manager, self.root):
                with self.subTest(person=person.name, **vals):
                    self.refused(lambda p=person, v=vals: self.jet.with_user(p).write(v), UserError)

    def test_nobody_forges_the_history(self):
        for person in (self.user, self.manager, self.root):
            own = self.transition.with_user(person)
            self.refused(lambda own=own: own.write({"message": "forged"}))
            self.refused(lambda own=own: own.create({"jet_id": self.jet.id, "state": "done"}))
            self.refused(lambda own=own: own.copy())

    def test_a_copy_is_a_new_jet(self):
        """Copying takes the right to create jets, and the copy begins without a state."""
        copy = self.jet.with_user(self.manager).copy().sudo()
        self.assertFalse(copy.state_id)
        self.assertNotEqual(copy.reference, self.jet.reference)
        self.jet.user_ids = self.user
        self.refused(lambda: self.jet.with_user(self.user).copy())

    def test_links_need_the_right_to_read(self):
        hidden_plan = self._new_plan("Hidden", access_level="3")
        hidden_jet = self._new_jet("Hidden")
        hidden_template = self._new_template("Hidden", access_level="3")
        template, jet = self.template.with_user(self.manager), self.jet.with_user(self.manager)
        for record, vals in (
            (template, {"plan_install_id": hidden_plan.id}),
            (template, {"plan_uninstall_id": hidden_plan.id}),
            (template, {"plan_clone_same_server_id": hidden_plan.id}),
            (template, {"plan_clone_different_server_id": hidden_plan.id}),
            (template.action_ids[0], {"plan_id": hidden_plan.id}),
            (jet, {"jet_cloned_from_id": hidden_jet.id}),
        ):
            with self.subTest(**vals):
                self.refused(lambda record=record, vals=vals: record.write(vals))
        dependency = {
            "template_id": template.id,
            "template_required_id": hidden_template.id,
            "state_required_id": self.running.id,
        }
        self.refused(
            lambda: self.env["cx.tower.jet.template.dependency"].with_user(self.manager).create(dependency)
        )
        link = {"jet_id": jet.id, "jet_depends_on_id": hidden_jet.id}
        self.refused(lambda: self.env["cx.tower.jet.dependency"].with_user(self.manager).create(link))

    def test_what_belongs_to_a_jet_is_not_moved_out_of_ones_rights(self):
        seen = self._new_jet("Seen", users=self.manager)
        vals = {"name": "f", "server_dir": "/tmp", "jet_id": self.jet.id}
        file = self.env["cx.tower.file"].with_user(self.manager).create(vals)
        self.refused(lambda: file.write({"jet_id": seen.id}))
        link = self.env["cx.tower.jet.dependency"].with_user(self.manager).create({"jet_id": self.jet.id})
        self.refused(lambda: link.write({"jet_id": seen.id}))

    def test_a_role_on_the_server_opens_no_jet(self):
        """A Manager of the server reads neither the jet nor what belongs to it."""
        self.server.manager_ids += self.manager_2
        file = self.env["cx.tower.file"].create({"name": "f", "server_dir": "/tmp", "jet_id": self.jet.id})
        for record in (self.jet, file, self.transition):
            self.assertFalse(record.with_user(self.manager_2).has_access("read"), record._name)

    def test_the_level_of_a_manager_on_a_jet(self):
        """Only in Users of a jet, a Manager counts as User there."""
        jet = self._new_jet("Both", users=self.manager | self.user, managers=self.manager_2)
        levels = {
            person.login: jet.with_user(person)._level_of_caller()
            for person in (self.user, self.manager, self.manager_2, self.root)
        }
        self.assertEqual(
            levels, {"tower_user": "1", "tower_manager": "1", "tower_manager_2": "2", "tower_root": "3"}
        )
