from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ..run.run_case import RunCase

DELETION = "odoo.addons.cetmix_tower_server.models.plan.server_deletion"
QUEUE = "odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue"


@tagged("post_install", "-at_install")
class TestServerDeletion(RunCase):
    """Servers with a delete plan: the plan first, then the record."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for person in (cls.root, cls.manager, cls.user):
            person.group_ids += cls.env.ref("base.group_user")
        cls.plan = cls.env["cx.tower.plan"].create({"name": "Clean up", "access_level": "2"})
        cls.command = cls.env["cx.tower.command"].create(
            {"name": "Clean", "action": "python_code", "code": "result = {'exit_code': 0}"}
        )
        cls.line = cls.env["cx.tower.plan.line"].create(
            {"plan_id": cls.plan.id, "command_id": cls.command.id}
        )
        cls.doomed = cls.new_server()

    @classmethod
    def new_server(cls, name="Doomed", person=None, **values):
        servers = cls.env["cx.tower.server"].with_user(person or cls.manager)
        return servers.create(
            {
                "name": name,
                "ip_v4_address": "192.0.2.7",
                "ssh_username": "u",
                "ssh_password": "not used",
                "plan_delete_id": cls.plan.id,
                **values,
            }
        ).with_env(cls.env)

    def break_plan(self, code=7):
        self.command.code = f"result = {{'exit_code': {code}, 'message': 'the host says no'}}"

    def delete(self, servers, person=None, **context):
        return servers.with_user(person or self.manager).with_context(**context).unlink()

    def run_cron(self):
        self.env.flush_all()
        cron = self.env.ref("cetmix_tower_server.ir_cron_delete_servers")
        cron.with_user(self.env.ref("base.user_root")).method_direct_trigger()
        self.env.invalidate_all()

    def log_of(self, server):
        return self.env["cx.tower.plan.log"].search([("server_id", "=", server.id)], order="id desc", limit=1)

    # ------------------------------------------------------------------ good ends

    def test_without_a_plan_a_server_goes_at_once(self):
        server = self.new_server(plan_delete_id=False)
        self.assertIs(self.delete(server), True)
        self.assertFalse(server.exists())

    def test_the_plan_runs_first_then_the_record_goes(self):
        with patch.object(type(self.env["res.users"]), "_bus_send") as sent:
            self.assertIs(self.delete(self.doomed), False, "it is not gone yet")
            log = self.log_of(self.doomed)
            self.assertEqual((log.state, log.user_id, log.deletes_server), ("done", self.manager, True))
            self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "due"))
            sent.assert_not_called()
            self.run_cron()
        self.assertFalse(self.doomed.exists())
        self.assertTrue(log.exists(), "what happened on the host is kept")
        (kind, message), _keywords = sent.call_args
        self.assertEqual((kind, message["type"]), ("simple_notification", "success"))
        self.assertEqual(message["title"], "Doomed was deleted")

    def test_while_the_plan_runs(self):
        with self.nobody_executes():
            self.delete(self.doomed)
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "running"))
        self.assertEqual(self.doomed.sudo().delete_plan_log_id, self.log_of(self.doomed))
        self.run_cron()
        self.assertTrue(self.doomed.exists())
        for person in (self.manager, self.root):
            with (
                self.subTest(person=person.login),
                self.assertRaisesRegex(UserError, "already being deleted"),
            ):
                self.delete(self.doomed, person)
        with self.assertRaisesRegex(UserError, "already being deleted"):
            self.doomed.with_user(self.root).action_force_delete()
        self.assertEqual(self.env["cx.tower.plan.log"].search_count([("server_id", "=", self.doomed.id)]), 1)

    def test_a_second_delete_when_the_plan_has_ended(self):
        self.delete(self.doomed)
        with self.assertRaisesRegex(UserError, "about to be deleted"):
            self.delete(self.doomed)

    def test_a_status_that_the_plan_sets_does_not_end_the_deletion(self):
        self.command.server_status = "stopped"
        self.delete(self.doomed)
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "due"))
        self.doomed.with_user(self.manager).write({"status": "running", "note": "changed"})
        self.assertEqual((self.doomed.status, self.doomed.note), ("deleting", "changed"))

    def test_a_plan_in_which_nothing_ran_is_a_good_end(self):
        self.line.condition = "False"
        self.delete(self.doomed)
        self.assertEqual(self.doomed.deletion_state, "due")

    def test_several_servers_with_and_without_a_plan(self):
        other_plan = self.plan.copy()
        servers = (
            self.doomed | self.new_server("Two") | self.new_server("Three", plan_delete_id=other_plan.id)
        )
        bare = self.new_server("Bare", plan_delete_id=False)
        self.assertIs(self.delete(servers | bare), False)
        self.assertFalse(bare.exists())
        self.assertEqual(set(servers.mapped("deletion_state")), {"due"})
        self.run_cron()
        self.assertFalse(servers.exists())

    def test_queries_do_not_grow_with_the_number_of_servers_of_a_plan(self):
        def count(number):
            servers = self.env["cx.tower.server"].browse(
                self.new_server(f"{number} {index}").id for index in range(number)
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with self.nobody_executes():
                servers.with_user(self.manager).unlink()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(2)
        few, many = count(2), count(6)
        # a first step and a note in the chatter each
        self.assertLess(many - few, 4 * 25)

    def test_an_archived_server(self):
        self.doomed.action_archive()
        self.delete(self.doomed)
        self.assertEqual(self.doomed.deletion_state, "due")
        self.run_cron()
        self.assertFalse(self.doomed.exists())

    # ------------------------------------------------------------------ bad ends

    def test_a_plan_that_fails_keeps_the_server(self):
        self.break_plan()
        with patch.object(type(self.env["res.users"]), "_bus_send") as sent:
            self.delete(self.doomed)
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("delete_error", "failed"))
        self.assertIn("exit code 7", self.doomed.deletion_message)
        self.assertIn("Line 1, “Clean”", self.doomed.deletion_message)
        self.assertEqual(self.log_of(self.doomed).state, "failed")
        titles = [call.args[1]["title"] for call in sent.call_args_list]
        self.assertEqual(titles, ["Doomed was not deleted"])
        bodies = "".join(self.doomed.message_ids.mapped("body"))
        self.assertIn("was not deleted", bodies)
        self.assertNotIn("Line 1", bodies)
        self.run_cron()
        self.assertTrue(self.doomed.exists())

    def test_again_after_a_failure(self):
        self.break_plan()
        self.delete(self.doomed)
        self.command.code = "result = {'exit_code': 0}"
        self.assertIs(self.doomed.with_user(self.manager).action_delete(), True)
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "due"))
        self.assertFalse(self.doomed.deletion_message)
        self.run_cron()
        self.assertFalse(self.doomed.exists())

    def test_resuming_the_failed_plan_goes_on_with_the_deletion(self):
        allowed = "cetmix_tower_server.test_allowed"
        self.command.code = (
            f"allowed = env['ir.config_parameter'].sudo().get_param('{allowed}')\n"
            "result = {'exit_code': 0 if allowed else 3}"
        )
        self.delete(self.doomed)
        self.assertEqual(self.doomed.deletion_state, "failed")
        self.env["ir.config_parameter"].sudo().set_param(allowed, "yes")
        failed = self.log_of(self.doomed)
        resumed = failed.with_user(self.manager).resume().sudo()
        self.assertEqual((resumed.state, resumed.deletes_server), ("done", True))
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "due"))

    def test_resuming_needs_the_right_to_delete(self):
        self.break_plan()
        other = new_test_user(self.env, "run_other", "base.group_user,cetmix_tower_server.group_manager")
        self.doomed.manager_ids += other
        self.delete(self.doomed)
        log = self.log_of(self.doomed)
        with self.assertRaisesRegex(AccessError, "Resuming this run would delete"):
            log.with_user(other).resume()
        self.doomed.with_user(self.manager).status = "running"
        self.assertFalse(self.doomed.deletion_state)
        with self.assertRaisesRegex(UserError, "was cancelled"):
            log.with_user(self.manager).resume()

    def test_an_empty_plan(self):
        self.line.unlink()
        self.delete(self.doomed)
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("delete_error", "failed"))
        self.assertIn("no lines", self.doomed.deletion_message)

    def test_a_plan_for_other_servers(self):
        self.plan.server_ids = self.server
        self.plan.manager_ids = self.manager
        self.delete(self.doomed)
        self.assertEqual(self.log_of(self.doomed).plan_status, ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER)
        self.assertEqual(self.doomed.status, "delete_error")

    def test_stopping_the_plan_keeps_the_server(self):
        with self.nobody_executes():
            self.delete(self.doomed)
        self.log_of(self.doomed).with_user(self.manager).stop()
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("delete_error", "failed"))

    def test_a_step_whose_process_died(self):
        with self.nobody_executes():
            self.delete(self.doomed)
        step = self.log_of(self.doomed).command_log_ids
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET state = 'running', worker = 'gone', fence = 1 WHERE id = %s",
            step.ids,
        )
        self.env.invalidate_all()
        self.env["cx.tower.run.queue"]._recover_lost()
        self.assertEqual(self.log_of(self.doomed).state, "interrupted")
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("delete_error", "failed"))

    def test_an_end_that_could_not_be_noted_is_found(self):
        """Whatever goes wrong behind the end of the run never undoes that end."""
        Server = type(self.env["cx.tower.server"])
        broken = patch.object(Server, "_note_delete_plan_ended", side_effect=ValueError("broken"))
        with broken, mute_logger(DELETION):
            self.delete(self.doomed)
        self.assertEqual(self.log_of(self.doomed).state, "done")
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("deleting", "running"))
        self.run_cron()
        self.assertFalse(self.doomed.exists())

    def test_an_end_that_can_never_be_noted_does_not_keep_the_others(self):
        other = self.new_server("Other")
        Server = type(self.env["cx.tower.server"])
        note = Server._note_delete_plan_ended

        def broken(records, log):
            if records == self.doomed:
                raise ValueError("broken")
            return note(records, log)

        with patch.object(Server, "_note_delete_plan_ended", broken), mute_logger(DELETION, QUEUE):
            self.delete(self.doomed | other)
            self.run_cron()
        self.assertFalse(other.exists())
        self.assertEqual(self.doomed.deletion_state, "running")

    def test_a_run_whose_log_is_gone(self):
        with self.nobody_executes():
            self.delete(self.doomed)
        log = self.log_of(self.doomed)
        log.command_log_ids._record_end(RunEnd(0))
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM cx_tower_plan_log WHERE id = %s", log.ids)
        self.env.invalidate_all()
        self.run_cron()
        self.assertEqual(self.doomed.deletion_state, "failed")
        self.assertIn("no longer exists", self.doomed.deletion_message)

    def test_a_server_that_something_still_needs(self):
        """What came up while the plan ran; it is said on the record, not swallowed."""
        self.delete(self.doomed)
        behind = self.new_server("Behind", jump_server_id=self.doomed.id, plan_delete_id=False)
        self.run_cron()
        self.assertEqual((self.doomed.status, self.doomed.deletion_state), ("delete_error", "failed"))
        self.assertIn("Behind", self.doomed.deletion_message)
        behind.unlink()

    @mute_logger(DELETION)
    def test_a_deletion_that_breaks_does_not_keep_the_others(self):
        other = self.new_server("Other")
        self.delete(self.doomed | other)
        Server = type(self.env["cx.tower.server"])
        unlink = Server.unlink

        def broken(records):
            if records == self.doomed:
                raise ValueError("broken")
            return unlink(records)

        with patch.object(Server, "unlink", broken):
            self.run_cron()
        self.assertFalse(other.exists())
        self.assertEqual(self.doomed.deletion_state, "failed")

    def test_the_deletion_waits_for_runs_that_came_behind(self):
        self.delete(self.doomed)
        with self.nobody_executes():
            self.doomed.with_user(self.root).run_command(self.command.with_user(self.root))
        self.run_cron()
        self.assertEqual(self.doomed.deletion_state, "due")
        log = self.env["cx.tower.command.log"].search([("server_id", "=", self.doomed.id)], limit=1)
        self.assertEqual(log.state, "queued")
        log.with_user(self.root).stop()
        self.run_cron()
        self.assertFalse(self.doomed.exists())

    # ------------------------------------------------------------------ who may, and what is refused before

    def test_rights_are_those_of_the_moment_it_was_asked_for(self):
        """What a person ordered with the right to is done; the host is cleaned up by then."""
        self.delete(self.doomed)
        self.doomed.manager_ids = self.root
        self.manager.sudo().active = False
        self.run_cron()
        self.assertFalse(self.doomed.exists())

    def test_who_may_not_delete_starts_nothing(self):
        other = new_test_user(self.env, "run_other", "base.group_user,cetmix_tower_server.group_manager")
        self.doomed.manager_ids += other
        self.doomed.user_ids += self.user
        for person in (other, self.user):
            for attempt in ("unlink", "action_delete", "action_force_delete"):
                with self.subTest(person=person.login, attempt=attempt), self.assertRaises(AccessError):
                    getattr(self.doomed.with_user(person), attempt)()
        with self.assertRaises(AccessError):
            self.delete(self.doomed, other, server_force_delete=True)
        self.assertFalse(self.log_of(self.doomed))

    def test_a_plan_that_the_person_may_not_run_is_not_run_by_deleting(self):
        self.plan.access_level = "3"
        with self.assertRaisesRegex(AccessError, "“Clean up”, which you may not run"):
            self.delete(self.doomed)
        self.assertFalse(self.log_of(self.doomed))

    def test_a_plan_cannot_be_linked_by_its_id_alone(self):
        self.plan.access_level = "3"
        server = self.new_server("Mine", plan_delete_id=False)
        with self.assertRaises(AccessError):
            server.with_user(self.manager).plan_delete_id = self.plan

    def test_nobody_says_that_a_server_is_to_be_deleted(self):
        """How a deletion stands is for Tower alone to write: it decides that a record goes."""
        for values in ({"deletion_step": "due"}, {"delete_plan_log_id": 1}):
            for person in (self.manager, self.root):
                with self.subTest(person=person.login, **values), self.assertRaises(AccessError):
                    self.doomed.with_user(person).write(values)
        self.doomed.with_user(self.manager).write({"deletion_state": "due"})
        self.assertFalse(self.doomed.sudo().deletion_step)

    def test_runs_that_have_not_ended(self):
        with self.nobody_executes():
            self.doomed.with_user(self.root).run_command(self.command)
        with self.assertRaisesRegex(UserError, "unfinished runs"):
            self.delete(self.doomed)
        with self.assertRaisesRegex(UserError, "unfinished runs"):
            self.doomed.with_user(self.root).action_force_delete()
        self.assertFalse(self.log_of(self.doomed))

    def test_a_jump_host_is_refused_before_its_plan_runs(self):
        self.new_server("Behind", jump_server_id=self.doomed.id, plan_delete_id=False)
        with self.assertRaisesRegex(UserError, "jump host of 1 others .Behind."):
            self.delete(self.doomed)
        self.assertFalse(self.log_of(self.doomed))

    def test_root_deletes_without_the_plan(self):
        with self.assertRaisesRegex(AccessError, "Only Root"):
            self.doomed.with_user(self.manager).action_force_delete()
        self.break_plan()
        self.delete(self.doomed)
        self.doomed.with_user(self.root).action_force_delete()
        self.assertFalse(self.doomed.exists())

    def test_force_in_the_context_counts_for_root_only(self):
        self.delete(self.doomed, server_force_delete=True)
        self.assertEqual(self.doomed.deletion_state, "due", "the manager's plan ran")
        other = self.new_server("Other")
        self.delete(other, self.root, server_force_delete=True)
        self.assertFalse(other.exists())

    def test_a_copy_has_the_plan_but_not_the_failure(self):
        self.break_plan()
        self.delete(self.doomed)
        copy = self.doomed.copy()
        self.assertEqual((copy.plan_delete_id, copy.status, copy.deletion_state), (self.plan, False, False))

    def test_a_rollback_takes_the_start_back(self):
        class Undo(Exception):
            pass

        with self.assertRaises(Undo), self.env.cr.savepoint():
            with self.nobody_executes():
                self.delete(self.doomed)
            raise Undo
        self.env.invalidate_all()
        self.assertFalse(self.log_of(self.doomed))
        self.assertFalse(self.doomed.status)

    def test_the_time_to_look_again_is_in_the_future(self):
        self.delete(self.doomed)
        with self.nobody_executes():
            self.doomed.with_user(self.root).run_command(self.command)
        before = fields.Datetime.now()
        cron = self.env.ref("cetmix_tower_server.ir_cron_delete_servers")
        self.doomed._delete_due()
        trigger = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)], order="id desc", limit=1)
        self.assertGreater(trigger.call_at, before + timedelta(seconds=30))
