"""What people write of waypoints, what nobody writes, and what nobody reads."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..waypoint.waypoint_case import WaypointCase

LOGGERS = ("odoo.addons.base.models.ir_rule", "odoo.models", "odoo.sql_db")


class WaypointPeopleCase(WaypointCase):
    """A Manager who may do everything with the waypoints of a jet up to level Manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager

    def refused(self, what, error=AccessError, text=""):
        with mute_logger(*LOGGERS), self.assertRaisesRegex(error, text), self.env.cr.savepoint():
            what()
            self.env.flush_all()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestWaypointWriting(WaypointPeopleCase):
    def engine_values(self):
        """Return a value for each field that only movements write."""
        step = self.env["cx.tower.command.log"].create(
            {"server_id": self.server.id, "command_id": self.step.id, "state": "done"}
        )
        return {
            "state": "ready",
            "is_destination": True,
            "saved_values": [],
            "problem": "forged",
            "ready_date": "2026-01-01",
            "created_from_command_log_id": step.id,
        }

    def test_nobody_writes_what_only_movements_write(self):
        waypoint = self._new_waypoint(person=self.manager)
        vals = {"name": "New", "jet_id": self.jet.id, "waypoint_template_id": self.plain.id}
        for person in (self.manager, self.root):
            own = waypoint.with_user(person)
            for name, value in self.engine_values().items():
                with self.subTest(person=person.name, field=name):
                    self.refused(lambda own=own, n=name, v=value: own.write({n: v}))
                    self.refused(lambda own=own, n=name, v=value: own.create({**vals, n: v}))
        self.assertEqual(waypoint.state, "draft")

    def test_defaults_from_the_context_do_not_write_it_either(self):
        context = {f"default_{name}": value for name, value in self.engine_values().items()}
        for person in (self.manager, self.root):
            made = self._new_waypoint(person=person).with_context(**context)
            made = made.create({"name": "New", "jet_id": self.jet.id, "waypoint_template_id": self.plain.id})
            made = made.sudo()
            self.assertEqual((made.state, made.is_destination, made.saved_values), ("draft", False, False))
            self.assertFalse(made.problem or made.ready_date or made.created_from_command_log_id)

    def test_a_copy_is_a_draft_without_values(self):
        self._set_edition("old")
        waypoint = self._new_ready(keep=True)
        copy = waypoint.with_user(self.manager).copy().sudo()
        self.assertEqual((copy.state, copy.saved_values, copy.keep), ("draft", False, False))
        self.assertNotEqual(copy.reference, waypoint.reference)

    def test_nobody_writes_the_current_waypoint_of_a_jet(self):
        waypoint = self._new_ready()
        for person in (self.manager, self.root):
            jet = self.jet.with_user(person)
            self.refused(lambda jet=jet: jet.write({"waypoint_id": waypoint.id}))
        self.assertFalse(self.jet.waypoint_id)

    def test_nobody_chooses_which_jet_template_the_rights_come_from(self):
        """Else a Manager of any template could create waypoints on all jets that they may only read, and run their plans."""
        mine = self._new_template("Mine", managers=self.manager_2)
        self.jet.user_ids = self.manager_2
        self.server.user_ids += self.manager_2
        vals = {
            "name": "Mine",
            "jet_id": self.jet.id,
            "waypoint_template_id": self.plain.id,
            "jet_template_id": mine.id,
        }
        Waypoint = self.env["cx.tower.jet.waypoint"].with_user(self.manager_2)
        self.refused(lambda: Waypoint.create(vals))
        preset = Waypoint.with_context(default_jet_template_id=mine.id)
        del vals["jet_template_id"]
        self.refused(lambda: preset.create(vals))
        own = self._new_waypoint(person=self.manager)
        mine.manager_ids += self.manager
        self.refused(lambda: own.write({"jet_template_id": mine.id}), UserError, "cannot be moved")
        self.assertEqual(own.jet_template_id, self.template)

    def test_the_jet_stays(self):
        other = self._new_jet("Other", managers=self.manager)
        for person in (self.manager, self.root):
            own = self._new_waypoint(person=person)
            self.refused(lambda own=own: own.write({"jet_id": other.id}), UserError, "cannot be moved")

    def test_links_need_the_right_to_read(self):
        hidden_jet = self._new_jet("Hidden")
        hidden_type = self._new_type("Hidden", access_level="3")
        Waypoint = self.env["cx.tower.jet.waypoint"].with_user(self.manager)
        for vals in ({"jet_id": hidden_jet.id}, {"waypoint_template_id": hidden_type.id}):
            base = {"name": "New", "jet_id": self.jet.id, "waypoint_template_id": self.plain.id}
            with self.subTest(**vals):
                self.refused(lambda base=base, vals=vals: Waypoint.create({**base, **vals}))
        plan = self._new_plan("Hidden", access_level="3")
        own = self.plain.with_user(self.manager)
        for step in ("create", "arrive", "leave", "delete"):
            with self.subTest(step):
                self.refused(lambda step=step: own.write({f"plan_{step}_id": plan.id}))

    def test_a_type_stays_with_its_jet_template(self):
        other = self._new_template("Other", managers=self.manager)
        for person in (self.manager, self.root):
            kind = self.plain.with_user(person)
            self.refused(
                lambda kind=kind: kind.write({"jet_template_id": other.id}), UserError, "cannot be moved"
            )

    def test_a_type_that_waypoints_have_stays(self):
        self._new_waypoint()
        kind = self.plain.with_user(self.manager)
        self.refused(lambda: kind.unlink(), UserError, "there are waypoints of this type: 1")


@tagged("post_install", "-at_install")
class TestTypesAndLevels(WaypointPeopleCase):
    def test_the_type_changes_in_draft_only(self):
        waypoint = self._new_waypoint(person=self.manager)
        waypoint.waypoint_template_id = self.planned
        for state in ("preparing", "ready", "error", "arriving", "leaving", "current", "deleting", "deleted"):
            waypoint.sudo()._write_by_movement({"state": state})
            for person in (self.manager, self.root):
                own = waypoint.with_user(person)
                with self.subTest(state=state, person=person.name):
                    change = {"waypoint_template_id": self.plain.id}
                    self.refused(lambda own=own, c=change: own.write(c), UserError, "because it is no draft")
                    own.write({"waypoint_template_id": self.planned.id, "name": "Renamed"})

    def test_a_type_of_another_jet_template_is_refused(self):
        other = self._new_type("Other", template=self._new_template("Other", managers=self.manager))
        waypoint = self._new_waypoint(person=self.manager)
        text = "“Other” is a type of waypoints of “Other”, but “Shop” is a jet of “Shop”"
        self.refused(lambda: waypoint.write({"waypoint_template_id": other.id}), ValidationError, text)
        self.refused(lambda: self._new_waypoint(kind=other, person=self.manager), ValidationError, text)

    def test_only_two_levels_exist(self):
        for model in ("cx.tower.jet.waypoint", "cx.tower.jet.waypoint.template"):
            field = self.env[model]._fields["access_level"]
            levels = [key for key, _label in field._description_selection(self.env)]
            self.assertEqual(levels, ["2", "3"])
        for record in (self._new_waypoint(), self.plain):
            own = record.with_user(self.root)
            for level in ("0", "1", "4", "x"):
                text = "is not an access level|cannot be lower"
                self.refused(lambda own=own, v=level: own.write({"access_level": v}), ValidationError, text)
                vals = {"jet_template_id": self.template.id, "access_level": level, "name": "New"}
                vals |= (
                    {"jet_id": self.jet.id, "waypoint_template_id": self.plain.id} if "jet_id" in own else {}
                )
                self.refused(lambda own=own, v=vals: own.create(v), ValidationError, text)

    def test_the_level_comes_from_the_type_and_may_be_raised(self):
        strict = self._new_type("Strict", access_level="3")
        self.assertEqual(self._new_waypoint(kind=strict).access_level, "3")
        waypoint = self._new_waypoint()
        self.assertEqual(waypoint.access_level, "2")
        waypoint.with_user(self.root).access_level = "3"
        self.assertFalse(waypoint.with_user(self.manager).has_access("read"))

    def test_the_level_is_never_below_that_of_the_type(self):
        strict = self._new_type("Strict", access_level="3")
        text = "cannot be lower than that of its type: Root"
        waypoint = self._new_waypoint(kind=strict).with_user(self.root)
        self.refused(lambda: waypoint.write({"access_level": "2"}), ValidationError, text)
        self.refused(lambda: self._new_waypoint(kind=strict, access_level="2"), ValidationError, text)
        draft = self._new_waypoint()
        draft.waypoint_template_id = strict
        self.assertEqual(draft.access_level, "3")

    def test_the_level_follows_when_that_of_the_type_is_raised(self):
        waypoint = self._new_ready()
        self.plain.access_level = "3"
        self.assertEqual(waypoint.access_level, "3")
        self.plain.access_level = "2"
        self.assertEqual(waypoint.access_level, "3")

    def test_a_manager_gives_no_level_above_their_own(self):
        waypoint = self._new_waypoint(person=self.manager)
        self.refused(lambda: self._new_waypoint(person=self.manager, access_level="3"))
        self.refused(lambda: self._new_type("Mine").with_user(self.manager).write({"access_level": "3"}))
        self.refused(lambda: waypoint.write({"access_level": "3"}))


@tagged("post_install", "-at_install")
class TestForcedDeletion(WaypointPeopleCase):
    """The context ``waypoint_force_delete`` skips the delete plan; it is Root's."""

    def test_it_does_nothing_for_a_manager(self):
        waypoint = self._new_ready(kind=self.planned)
        self.env.cr.execute(
            "UPDATE cx_tower_jet_waypoint SET create_uid = %s WHERE id = %s", (self.manager.id, waypoint.id)
        )
        self.env.invalidate_all()
        forced = waypoint.with_user(self.manager).with_context(waypoint_force_delete=True)
        self.assertFalse(forced.unlink())
        self.assertEqual(waypoint.state, "deleting")

    def test_root_skips_the_delete_plan(self):
        waypoint = self._new_ready(kind=self.planned)
        self.assertTrue(waypoint.with_user(self.root).with_context(waypoint_force_delete=True).unlink())
        self.assertFalse(waypoint.exists())
        self.assertFalse(self.jet.current_transition_id)

    def test_root_without_it_does_not(self):
        waypoint = self._new_ready(kind=self.planned)
        self.assertFalse(waypoint.with_user(self.root).unlink())
        self.assertEqual(waypoint.state, "deleting")

    def test_it_gives_a_manager_no_right(self):
        waypoint = self._new_ready()
        forced = waypoint.with_user(self.manager_2).with_context(waypoint_force_delete=True)
        self.refused(forced.unlink)

    def test_what_cannot_be_deleted_is_left_out_where_that_is_asked_for(self):
        current, draft = self._new_current(), self._new_waypoint()
        both = (current | draft).with_user(self.root).with_context(waypoint_no_raise_on_delete=True)
        self.assertFalse(both.unlink())
        self.assertEqual((current.exists(), draft.exists()), (current, draft.browse()))
        self.refused(lambda: current.with_user(self.root).unlink(), UserError, "Fly to another")

    def test_leaving_out_gives_no_right(self):
        waypoint = self._new_ready()
        quiet = waypoint.with_user(self.manager).with_context(waypoint_no_raise_on_delete=True)
        self.refused(quiet.unlink)


@tagged("post_install", "-at_install")
class TestReadingSavedValues(WaypointPeopleCase):
    """Saved values are shown up to the reader's level, and as saved to nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Variable = cls.env["cx.tower.variable"]
        for level, reference in (("2", "of_managers"), ("3", "of_root")):
            Variable.create({"name": reference, "reference": reference, "access_level": level})
            cls.jet.set_variable_value(reference, f"text {reference}")
        cls.jet.set_variable_value("edition", "plain")
        cls.waypoint = cls._new_ready()

    def test_values_above_the_level_of_the_reader_are_not_shown(self):
        of_manager = {"edition": "plain", "of_managers": "text of_managers"}
        for person, expected in (
            (self.manager, of_manager),
            (self.root, {**of_manager, "of_root": "text of_root"}),
        ):
            waypoint = self.waypoint.with_user(person)
            self.env.invalidate_all()
            [row] = waypoint.read(["variable_values", "variable_values_text"])
            self.assertEqual(row["variable_values"], expected)
            self.assertEqual("of_root" in row["variable_values_text"], person == self.root)

    def test_a_row_above_the_level_of_the_reader_is_not_shown_whatever_its_variable(self):
        self.jet.variable_value_ids.filtered(lambda value: value.value_char == "plain").access_level = "3"
        waypoint = self._new_ready("Later").with_user(self.manager)
        self.assertEqual(waypoint.variable_values, {"of_managers": "text of_managers"})

    def test_a_variable_whose_level_was_raised_since_hides_what_was_saved(self):
        self.variable.access_level = "3"
        waypoint = self.waypoint.with_user(self.manager)
        self.assertEqual(waypoint.variable_values, {"of_managers": "text of_managers"})

    def test_a_variable_that_was_deleted_keeps_its_level(self):
        self.env["cx.tower.variable"].search([("reference", "=", "of_root")]).unlink()
        self.assertNotIn("of_root", self.waypoint.with_user(self.manager).variable_values)
        self.assertIn("of_root", self.waypoint.with_user(self.root).variable_values)

    def test_nobody_reads_what_is_saved(self):
        transition = self.jet.transition_ids[:1]
        for person in (self.user, self.manager, self.root):
            for record, name in ((self.waypoint, "saved_values"), (transition, "values_before")):
                own = record.with_user(person)
                ways = {
                    "read": lambda own=own, name=name: own.read([name]),
                    "web_read": lambda own=own, name=name: own.web_read({name: {}}),
                    "condition": lambda own=own, name=name: own.search([(name, "!=", False)]),
                    "order": lambda own=own, name=name: own.search([], order=name),
                    "group": lambda own=own, name=name: own.formatted_read_group([], [name], ["__count"]),
                    "over a path": lambda name=name, own=own: self.jet.with_user(own.env.user).search(
                        [("waypoint_ids.saved_values", "!=", False)]
                    ),
                }
                for way, ask in ways.items():
                    with self.subTest(person=person.name, field=name, way=way):
                        self.refused(ask, (AccessError, ValueError))
                with mute_logger(*LOGGERS):
                    self.assertNotIn(name, own.fields_get())
                    exported = self.exported(own, name)
                    self.assertFalse(any(cell for row in exported for cell in row))

    def exported(self, record, name):
        try:
            return record.export_data([name])["datas"]
        except UserError:
            return []

    def test_users_see_no_waypoint_over_any_way(self):
        self.jet.user_ids = self.user
        jet = self.jet.with_user(self.user)
        for name in ("waypoint_id", "waypoint_ids"):
            with self.subTest(name):
                self.refused(lambda name=name: jet.read([name]))
                self.refused(lambda name=name: jet.search([(name, "!=", False)]))
        transition = self.jet.transition_ids[:1].with_user(self.user)
        for name in ("waypoint_id", "waypoint_from_id", "waypoint_name", "waypoint_from_name"):
            with self.subTest(name):
                self.refused(lambda name=name: transition.read([name]))
