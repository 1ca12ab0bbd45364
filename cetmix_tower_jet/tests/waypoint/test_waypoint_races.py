"""Movements of waypoints at the same moment as something else, over real connections whose rows are removed at the end."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Barrier
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.exceptions import UserError
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import mute_logger
from psycopg2.errors import OperationalError, SerializationFailure

NAME = "Race of waypoints"
WAYPOINT, JET, TRANSITION = "cx.tower.jet.waypoint", "cx.tower.jet", "cx.tower.jet.transition"
CALLERS = 20
#: What callers are told of who was faster.
TOLD = "“(Fly to waypoint|Prepare waypoint|Delete waypoint|Stop)” is running \\(started by Racer"


class WaypointRacesCase(BaseCase):
    """A jet with the value *now*: *Ready* and *Other* have saved *saved*, *Draft* is a draft, all with flight plans.

    Runs stay in the queue: nothing executes them.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())

    @classmethod
    @contextmanager
    def _connection(cls, as_person=False):
        """Give an environment on a connection of its own, whose transaction is committed at the end."""
        with cls.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            yield env(user=cls.person_id) if as_person else env

    def setUp(self):
        super().setUp()
        self._remove_all()
        self.addCleanup(self._remove_all)
        with self._connection() as env:
            env.cr.execute("SELECT 1")
            type(self).person_id = self._new_person(env)
            server = env["cx.tower.server"].create(
                {"name": NAME, "ip_v4_address": "192.0.2.10", "ssh_username": "tower", "ssh_password": "x"}
            )
            command = env["cx.tower.command"].create(
                {"name": NAME, "code": "true", "allow_parallel_run": True}
            )
            line = {"command_id": command.id}
            plan = env["cx.tower.plan"].create(
                {"name": NAME, "allow_parallel_run": True, "line_ids": [(0, 0, line)]}
            )
            variable = env["cx.tower.variable"].create({"name": NAME, "reference": "race_value"})
            jet, kinds = self._new_jet(env, server, plan)
            env["cx.tower.variable.value"].create(
                {"variable_id": variable.id, "jet_id": jet.id, "value_char": "saved"}
            )
            self.jet_id = jet.id
            self.ids = {
                name: self._new_waypoint(env, name, kinds, ready=name != "Draft")
                for name in ("Ready", "Other", "Draft")
            }
            jet.variable_value_ids.value_char = "now"

    @staticmethod
    def _new_person(env):
        groups = [env.ref("base.group_user").id, env.ref("cetmix_tower_server.group_root").id]
        values = {"name": "Racer", "login": NAME, "group_ids": [(6, 0, groups)]}
        return env["res.users"].with_context(no_reset_password=True).create(values).id

    def _new_jet(self, env, server, plan):
        states = {state.reference: state.id for state in env["cx.tower.jet.state"].search([])}
        stop = {
            "name": "Stop",
            "access_level": "1",
            "state_from_id": states["running"],
            "state_transit_id": states["stopping"],
            "state_to_id": states["stopped"],
            "plan_id": plan.id,
        }
        template = env["cx.tower.jet.template"].create(
            {"name": NAME, "server_ids": [(6, 0, server.ids)], "action_ids": [(0, 0, stop)]}
        )
        plans = {f"plan_{step}_id": plan.id for step in ("create", "arrive", "leave", "delete")}
        kinds = env["cx.tower.jet.waypoint.template"].create(
            [
                {"name": "Planned", "jet_template_id": template.id, **plans},
                {"name": "Plain", "jet_template_id": template.id},
            ]
        )
        values = {"name": NAME, "server_id": server.id, "jet_template_id": template.id}
        jet = env[JET].create(values)
        jet._set_state(env["cx.tower.jet.state"].browse(states["running"]))
        return jet, kinds

    def _new_waypoint(self, env, name, kinds, ready):
        """Create a waypoint of the type with plans; ready without running the create plan."""
        planned, plain = kinds
        kind = plain if ready else planned
        waypoint = env[WAYPOINT].create(
            {"name": name, "jet_id": self.jet_id, "waypoint_template_id": kind.id}
        )
        if ready:
            waypoint.prepare()
            env.flush_all()
            env.cr.execute(
                "UPDATE cx_tower_jet_waypoint SET waypoint_template_id = %s WHERE id = %s",
                (planned.id, waypoint.id),
            )
            env.invalidate_all()
        return waypoint.id

    def _remove_all(self):
        with self._connection() as env:
            jets = env[JET].search([("name", "=", NAME)])
            for transition in env[TRANSITION].search(
                [("jet_id", "in", jets.ids), ("state", "=", "running")], order="id desc"
            ):
                transition._end("stopped")
            jets.waypoint_ids.with_context(waypoint_force_delete=True).unlink()
            env.cr.execute("DELETE FROM cx_tower_command_log WHERE jet_id = ANY(%s)", (jets.ids,))
            env.cr.execute("DELETE FROM cx_tower_plan_log WHERE jet_id = ANY(%s)", (jets.ids,))
            env.invalidate_all()
            jets.unlink()
            template = env["cx.tower.jet.template"].search([("name", "=", NAME)])
            template.server_ids = False
            template.waypoint_template_ids.unlink()
            template.unlink()
            for model in ("server", "plan", "command", "variable"):
                env[f"cx.tower.{model}"].search([("name", "=", NAME)]).unlink()
            env["res.users"].search([("login", "=", NAME)]).unlink()

    # ------------------------------------------------------------------ what callers do

    def waypoint(self, env, name):
        return env[WAYPOINT].browse(self.ids[name])

    def fly(self, env):
        return self.waypoint(env, "Ready").fly_to()

    def prepare(self, env):
        return self.waypoint(env, "Draft").prepare()

    def delete(self, env):
        return self.waypoint(env, "Other").unlink()

    def stop(self, env):
        return env[JET].browse(self.jet_id).jet_template_id.action_ids.trigger(self.jet_id)

    def write_value(self, env, text="by a person"):
        env[JET].browse(self.jet_id).set_variable_value("race_value", text)

    def end_plan(self, env, exit_code=0, transition=None):
        """End the present step of a movement, as a lane would."""
        transition = transition or env[JET].browse(self.jet_id).current_transition_id
        run = env[TRANSITION].browse(transition.id).plan_log_id
        run.command_log_ids.filtered(lambda log: log.state == "queued")._finish(RunEnd(exit_code))

    def collide(self, slower, faster, as_person=True):
        """Do one thing in a transaction that has begun before another thing was done: it collides.

        :param as_person: whether a person does the slower one
        """
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(SerializationFailure),
            self._connection(as_person) as env,
        ):
            env.cr.execute("SELECT 1")  # from now on it sees nothing that others commit
            with self._connection() as other:
                faster(other(user=self.person_id) if as_person else other)
            slower(env)
            env.flush_all()

    @contextmanager
    def _threads(self, count, as_person=False):
        """Give so many environments, each on a connection whose transaction has begun, and a pool with a thread for each."""
        # during tests the main thread holds the lock of the registry, which is there already
        unlocked = patch.object(Registry, "_lock", DummyRLock())
        with ExitStack() as stack, mute_logger("odoo.sql_db"), unlocked:
            envs = [stack.enter_context(self._connection(as_person)) for _ in range(count)]
            for env in envs:
                env.cr.execute("SELECT 1")
            yield envs, stack.enter_context(ThreadPoolExecutor(count))

    @staticmethod
    def repeat(env, do):
        """Do something and commit it, again and again while other transactions are faster, as Odoo and the lanes do."""
        for _attempt in range(30):
            try:
                do(env)
                env.cr.commit()
            except OperationalError:
                env.cr.rollback()
                env.invalidate_all(flush=False)
            else:
                return
        raise AssertionError("it collides for ever")

    def states(self):
        """Return {name of the waypoint: its state, "" when it is gone}, and the value of the jet."""
        with self._connection() as env:
            found = {name: self.waypoint(env, name).exists().state or "" for name in self.ids}
            return found, env[JET].browse(self.jet_id).get_variable_value("race_value")


@tagged("post_install", "-at_install")
class TestCrowd(WaypointRacesCase):
    def _call(self, barrier, number, env):
        """Be one of the callers. :return: what was called, and why it was refused"""
        method = (self.fly, self.prepare, self.delete, self.stop)[number % 4]
        barrier.wait(60)
        try:
            self.repeat(env, method)
        except UserError as error:
            env.cr.rollback()
            return method.__name__, str(error)
        return method.__name__, ""

    def test_of_twenty_that_come_at_once_one_moves_the_jet_and_the_others_are_told_who(self):
        barrier = Barrier(CALLERS)
        with self._threads(CALLERS, as_person=True) as (envs, threads):
            answers = list(threads.map(partial(self._call, barrier), range(CALLERS), envs))
        winners = [name for name, error in answers if not error]
        self.assertEqual(len(winners), 1, answers)
        for _name, error in answers:
            if error:
                self.assertRegex(error, TOLD)
        with self._connection() as env:
            live = env[TRANSITION].search(
                [("jet_id", "=", self.jet_id), ("state", "in", ("waiting", "running"))]
            )
            self.assertEqual(len(live), 1)
            self.assertEqual(env[JET].browse(self.jet_id).current_transition_id, live)
            self.assertEqual(len(live.plan_log_id), 1)
            runs = env["cx.tower.plan.log"].search([("jet_id", "=", self.jet_id)])
            self.assertEqual(runs, live.plan_log_id, "nobody else has started anything")
        states, value = self.states()
        untouched = {"Ready": "ready", "Other": "ready", "Draft": "draft"}
        moved = {
            "fly": {"Ready": "arriving"},
            "prepare": {"Draft": "preparing"},
            "delete": {"Other": "deleting"},
            "stop": {},
        }[winners[0]]
        self.assertEqual(states, {**untouched, **moved})
        self.assertEqual(value, "saved" if winners == ["fly"] else "now")


@tagged("post_install", "-at_install")
class TestPairs(WaypointRacesCase):
    """Two at once: the slower one collides with the faster one, and sees it when it is done again."""

    def test_every_movement_collides_with_every_other(self):
        movements = (self.fly, self.prepare, self.delete, self.stop)
        for number, slower in enumerate(movements):
            faster = movements[(number + 1) % len(movements)]
            with self.subTest(slower=slower.__name__, faster=faster.__name__):
                self.collide(slower, faster)
                with self.assertRaisesRegex(UserError, TOLD), self._connection(as_person=True) as env:
                    slower(env)
                with self._connection() as env:
                    jet = env[JET].browse(self.jet_id)
                    jet.current_transition_id._end("stopped")
                    jet._set_state(env["cx.tower.jet.state"].search([("reference", "=", "running")]))
                    for waypoint in jet.waypoint_ids:
                        state = "draft" if waypoint.name == "Draft" else "ready"
                        waypoint._write_by_movement({"state": state})

    def test_a_value_written_while_a_flight_begins_is_not_lost_in_it(self):
        """The person is told that the jet flies: the flight has not seen the value, and would replace it."""
        self.collide(self.write_value, self.fly)
        with self.assertRaisesRegex(UserError, "flying to a waypoint"), self._connection(True) as env:
            self.write_value(env)
        self.assertEqual(self.states()[1], "saved")

    def test_a_flight_that_begins_while_a_value_is_written_sees_it(self):
        self.collide(self.fly, self.write_value)
        with self._connection(True) as env:
            self.fly(env)
        self.assertEqual(self.states()[1], "saved")
        with self._connection() as env:
            self.end_plan(env, 7)
        self.assertEqual(self.states()[1], "by a person", "given back when the flight fails")

    def test_values_are_saved_as_they_are_when_the_preparation_ends(self):
        """A value that is written at that moment is in the waypoint, or is written afterwards; never lost."""
        with self._connection(True) as env:
            self.prepare(env)
        self.collide(self.end_plan, lambda env: self.write_value(env(user=self.person_id)), as_person=False)
        with self._connection() as env:
            self.end_plan(env)
        with self._connection() as env:
            self.assertEqual(self.waypoint(env, "Draft").variable_values, {"race_value": "by a person"})

    def _interrupted_flight(self):
        with self._connection(True) as env:
            self.fly(env)
        with self._connection() as env:
            run = env[JET].browse(self.jet_id).current_transition_id.plan_log_id.id
            self.end_plan(env, -209)
        self.assertEqual(self.states(), ({"Ready": "error", "Other": "ready", "Draft": "draft"}, "now"))
        return lambda env: env["cx.tower.plan.log"].browse(run).resume()

    def reset(self, env):
        return self.waypoint(env, "Ready").reset()

    def test_a_waypoint_is_not_reset_under_the_flight_that_is_resumed(self):
        resume = self._interrupted_flight()
        self.collide(self.reset, resume)
        with self.assertRaisesRegex(UserError, "“Ready” is arriving"), self._connection(True) as env:
            self.reset(env)
        self.assertEqual(self.states()[0]["Ready"], "arriving")

    def test_a_flight_is_not_resumed_to_a_waypoint_that_is_reset(self):
        resume = self._interrupted_flight()
        self.collide(resume, self.reset)
        with self.assertRaisesRegex(UserError, "is Draft and no longer"), self._connection(True) as env:
            resume(env)
        self.assertEqual(self.states(), ({"Ready": "draft", "Other": "ready", "Draft": "draft"}, "now"))

    def test_a_waypoint_is_not_reset_while_the_jet_begins_to_fly_elsewhere(self):
        self._interrupted_flight()
        self.collide(self.reset, lambda env: self.waypoint(env, "Other").fly_to())
        with self.assertRaisesRegex(UserError, TOLD), self._connection(True) as env:
            self.reset(env)

    def test_a_draft_is_deleted_or_prepared(self):
        def unlink(env):
            self.waypoint(env, "Draft").unlink()

        self.collide(unlink, self.prepare)
        with self.assertRaisesRegex(UserError, TOLD), self._connection(True) as env:
            unlink(env)
        self.assertEqual(self.states()[0]["Draft"], "preparing")

    def test_a_draft_keeps_the_type_with_which_it_is_prepared(self):
        def change(env):
            draft = self.waypoint(env, "Draft")
            other = draft.jet_template_id.waypoint_template_ids - draft.waypoint_template_id
            draft.waypoint_template_id = other

        self.collide(change, self.prepare)
        with self.assertRaisesRegex(UserError, "because it is no draft"), self._connection(True) as env:
            change(env)


@tagged("post_install", "-at_install")
class TestEndsInsideAnAction(WaypointRacesCase):
    """The later of both ends, that of the action's flight plan and that of the movement inside, ends the action."""

    def begin(self):
        with self._connection(True) as env:
            self.stop(env)
        with self._connection() as env:
            self.action = env[JET].browse(self.jet_id).current_transition_id
            draft = self.waypoint(env, "Draft").with_user(self.person_id)
            self.inside = draft._prepare(
                draft._asking_of_caller(), parent=self.action.with_env(draft.env).sudo()
            )

    def end_action(self, env):
        self.end_plan(env, transition=self.action)

    def end_inside(self, env):
        self.end_plan(env, transition=self.inside)

    def assert_ended(self):
        with self._connection() as env:
            action, inside = (env[TRANSITION].browse(one.id) for one in (self.action, self.inside))
            self.assertEqual((action.state, inside.state), ("done", "done"))
            jet = env[JET].browse(self.jet_id)
            self.assertEqual((jet.state, jet.movement), ("stopped", "idle"))
            self.assertFalse(jet.current_transition_id)
        self.assertEqual(self.states()[0]["Draft"], "ready")

    def test_the_end_of_the_action_collides_with_that_of_the_movement(self):
        self.begin()
        self.collide(self.end_action, self.end_inside, as_person=False)
        with self._connection() as env:
            self.end_action(env)
        self.assert_ended()

    def test_the_end_of_the_movement_collides_with_that_of_the_action(self):
        self.begin()
        self.collide(self.end_inside, self.end_action, as_person=False)
        with self._connection() as env:
            self.end_inside(env)
        self.assert_ended()

    def test_both_at_once_over_and_over(self):
        """Threads, each of which records its end again when the other one was faster."""
        for _round in range(3):
            with self._connection() as env:
                jet = env[JET].browse(self.jet_id)
                jet._set_state(env["cx.tower.jet.state"].search([("reference", "=", "running")]))
                self.waypoint(env, "Draft")._write_by_movement({"state": "draft"})
            self.begin()
            with self._threads(2) as (envs, threads):
                list(threads.map(self.repeat, envs, (self.end_action, self.end_inside)))
            with self._connection() as env:
                env[
                    TRANSITION
                ]._continue_missed()  # an end that found a row locked leaves the rest to the cron
            self.assert_ended()
