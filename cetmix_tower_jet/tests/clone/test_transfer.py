from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .clone_case import CloneCase

RECOVERY = "odoo.addons.cetmix_tower_jet.models.clone.recovery"


@tagged("post_install", "-at_install")
class TestTransfer(CloneCase):
    """Transfers: cloning, the switch, destroying, and each way in which one fails and goes on."""

    def _ends(self, transfer):
        return transfer.jet_id, transfer.new_jet_id

    def _move(self, **arguments):
        """Transfer the shop. :return: (transfer, the original, the new jet), whose clone plan runs"""
        transfer = self._transfer(self.manager, **arguments)
        return transfer, self.shop, transfer.new_jet_id

    # ------------------------------------------------------------------ the whole way

    def test_before_the_switch_nothing_of_the_original_changes(self):
        reference = self.shop.reference
        transfer, original, new = self._move()
        self.assertEqual(
            (transfer.state, new.server_id, new.name), ("cloning", self.other, "Shop (transfer)")
        )
        self.assertEqual(new.current_transition_id.plan_log_id.plan_id, self.other_plan)
        self.assertEqual(new.current_transition_id.source, "transfer")
        self.assertEqual((original.name, original.reference, original.state), ("Shop", reference, "running"))

    def test_the_switch(self):
        tag = self.env["cx.tower.tag"].create({"name": "Shops"})
        task = self.env["cx.tower.scheduled.task"].create(
            {"name": "Nightly", "command_id": self._new_command("Look").id, "jet_ids": self.shop.ids}
        )
        self.shop.write({"tag_ids": [(6, 0, tag.ids)], "note": "Ours", "metadata": {"edition": "ent"}})
        self._give_values(self.shop, clone_colour="red", clone_hidden="deep")
        reference = self.shop.reference
        transfer, original, new = self._move()
        self.assertFalse(new.scheduled_task_ids)
        self._end_action(new)
        self.assertEqual((transfer.state, transfer.message), ("done", False))
        self.assertTrue(transfer.switch_date and transfer.finish_date)
        self.assertEqual((new.name, new.reference, new.state), ("Shop", reference, "running"))
        self.assertEqual((new.user_ids, new.manager_ids), (self.user, self.manager))
        self.assertEqual((new.tag_ids, new.note, new.metadata), (tag, "Ours", {"edition": "ent"}))
        self.assertEqual(self._own(new), {"clone_colour": "red", "clone_hidden": "deep"})
        self.assertEqual((new.scheduled_task_ids, original.scheduled_task_ids.ids), (task, []))
        self.assertEqual((original.name, original.state), ("Shop (transferred)", "running"))
        self.assertNotEqual(original.reference, reference)
        self.assertTrue(original.active)
        self.assertEqual(
            [one.action_name for one in transfer.transition_ids],
            ["Clone of Shop", "Prepare", "Build", "Start"],
        )

    def test_the_original_is_destroyed_if_asked_for(self):
        self._give_plan("Destroy")
        self._state("removed")
        transfer, original, new = self._move(destroy_original=True)
        self._end_action(new)
        self.assertEqual((transfer.state, new.name), ("destroying", "Shop"))
        self.assertEqual(original.current_action_id.name, "Destroy")
        self._end_action(original)
        self.assertEqual((transfer.state, original.active, original.seat), ("done", False, 0))
        self.assertIn("Destroy", transfer.transition_ids.mapped("action_name"))

    def test_on_each_host_a_jet_keeps_the_reference_under_which_it_is_there(self):
        reference = self.shop.reference
        transfer, original, new = self._move()
        of_new = new.reference
        on_host = self.env["cx.tower.variable"]._get_jet_system_values
        self._end_action(new)
        self.assertEqual((new.reference, on_host(new)["reference"]), (reference, of_new))
        self.assertEqual(on_host(original)["reference"], reference)
        original.bring_to_state(False)
        self.assertEqual(original.host_reference, original.reference)
        back = self.env["cx.tower.jet.transfer"].browse(new.transfer(self.server)["transfer"]).new_jet_id
        of_back = back.reference
        self._end_action(back)
        self.assertEqual((back.reference, on_host(back)["reference"]), (reference, of_back))
        self.assertEqual(on_host(new)["reference"], of_new)

    def test_what_changes_on_the_original_meanwhile_is_taken_over(self):
        self._give_values(self.shop, clone_colour="red", clone_hidden="deep")
        transfer, original, new = self._move()
        values = {value.variable_reference: value for value in original.variable_value_ids}
        values["clone_colour"].value_char = "blue"
        values = {value.variable_reference: value for value in new.variable_value_ids}
        values["clone_hidden"].value_char = "set by the clone plan"
        original.name = "Best shop"
        original.user_ids = False
        self._end_action(new)
        self.assertEqual(
            (new.name, original.name, new.user_ids.ids), ("Best shop", "Best shop (transferred)", [])
        )
        self.assertEqual(self._own(new), {"clone_colour": "blue", "clone_hidden": "set by the clone plan"})

    def test_an_original_without_a_state(self):
        self.shop._set_state(self._state(None))
        transfer, original, new = self._move(destroy_original=True)
        self._end_action(new)
        self.assertEqual((transfer.state, new.name, new.state), ("done", "Shop", False))

    # ------------------------------------------------------------------ waiting for the original

    def test_the_switch_waits_for_the_original(self):
        self._give_plan("Restart")
        transfer, original, new = self._move()
        self._action("Restart").trigger(original)
        self._end_action(new)
        self.assertEqual((transfer.state, new.name), ("switching", "Shop (transfer)"))
        self.assertIn("Restart", transfer.message)
        self._end_action(original)
        self.assertEqual((transfer.state, new.name), ("done", "Shop"))

    def test_the_new_jet_follows_an_original_that_has_moved(self):
        transfer, original, new = self._move()
        self._action("Stop").trigger(original)
        self._end_action(new)
        self.assertEqual((transfer.state, new.state, new.name), ("done", "stopped", "Shop"))

    def test_the_new_jet_cannot_follow(self):
        self._give_plan("Stop")
        transfer, original, new = self._move()
        original.correct_state("suspended", "It was suspended by hand.")
        self._end_action(new)
        self.assertEqual((transfer.state, original.name), ("failed", "Shop"))
        self.assertIn("No actions lead", transfer.message)

    def test_waiting_is_cancelled(self):
        self._give_plan("Restart")
        transfer, original, new = self._move()
        with self.assertRaisesRegex(UserError, "does not wait"):
            transfer.cancel()
        self._action("Restart").trigger(original)
        self._end_action(new)
        with self.assertRaises(AccessError):
            transfer.with_user(self.user).cancel()
        transfer.with_user(self.manager).cancel()
        self.assertEqual(transfer.state, "failed")
        self._end_action(original)
        self.assertEqual((transfer.state, original.name), ("failed", "Shop"))

    # ------------------------------------------------------------------ failing and going on

    def test_a_clone_plan_that_fails(self):
        for exit_code in (7, -208, -209):
            with self.subTest(exit_code):
                transfer, original, new = self._move()
                self._end_action(new, exit_code)
                self.assertEqual(
                    (transfer.state, original.name, original.state), ("failed", "Shop", "running")
                )
                self.assertTrue(transfer.message)
                result = transfer.with_user(self.manager).retry()
                self.assertEqual((result["state"], result["new_jet_id"]), ("cloning", new.id))
                self._end_action(new)
                self.assertEqual((transfer.state, new.name), ("done", "Shop"))
                self.shop = new
                self.template.server_ids = self.server | self.other
                self.other, self.server = self.server, self.other

    def test_retry_clone_on_the_new_jet_continues_its_transfer(self):
        transfer, original, new = self._move()
        self._end_action(new, 7)
        new.with_user(self.manager).retry_clone()
        self.assertEqual(transfer.state, "cloning")
        self._end_action(new)
        self.assertEqual(transfer.state, "done")

    def test_resuming_the_run_continues_the_transfer(self):
        transfer, original, new = self._move()
        run = new.current_transition_id.plan_log_id
        self._end_action(new, -209)
        self.assertEqual(transfer.state, "failed")
        run.resume()
        self.assertEqual(transfer.state, "cloning")
        self._end_action(new)
        self.assertEqual((transfer.state, new.name), ("done", "Shop"))

    def test_an_action_of_the_new_jet_that_fails(self):
        self._give_plan("Build")
        transfer, original, new = self._move()
        self._end_action(new)
        self._end_action(new, 1)
        self.assertEqual((transfer.state, new.state, original.name), ("failed", "draft", "Shop"))
        transfer.with_user(self.manager).retry()
        self.assertEqual((transfer.state, new.current_action_id.name), ("cloning", "Build"))
        self._end_action(new)
        self.assertEqual((transfer.state, new.name, new.state), ("done", "Shop", "running"))

    def test_destroying_that_fails(self):
        self._give_plan("Destroy")
        transfer, original, new = self._move(destroy_original=True)
        self._end_action(new)
        run = original.current_transition_id.plan_log_id
        self._end_action(original, -209)
        self.assertEqual((transfer.state, new.name), ("failed", "Shop"))
        run.resume()
        self.assertEqual(transfer.state, "destroying")
        self._end_action(original, 1)
        self.assertEqual(transfer.state, "failed")
        transfer.with_user(self.manager).retry()
        self.assertEqual((transfer.state, new.name), ("destroying", "Shop"))
        self._end_action(original)
        self.assertEqual((transfer.state, original.active), ("done", False))

    def test_what_is_left_is_destroyed_later(self):
        transfer, original, new = self._move()
        self._end_action(new)
        self.assertTrue(transfer.with_user(self.manager).may_destroy)
        transfer.with_user(self.manager).destroy_old_jet()
        self.assertEqual((transfer.state, original.active), ("done", False))
        with self.assertRaisesRegex(UserError, "Nothing of the original is left"):
            transfer.destroy_old_jet()

    def test_the_health_page_lists_it_until_it_is_tried_again_or_its_new_jet_is_deleted(self):
        def check():
            facts = self.env["cetmix.tower"].with_user(self.manager).get_health()
            return next(
                (one["status"], one["value"]) for one in facts["checks"] if one["name"] == "jet_transfers"
            )

        transfer, original, new = self._move()
        self.assertEqual(check(), ("ok", 0))
        self._end_action(new, 1)
        self.assertEqual(check(), ("warning", 1))
        new.unlink()
        self.assertEqual(check(), ("ok", 0))

    def test_what_is_offered_for_many_transfers_takes_the_same_number_of_queries(self):
        transfers = self.env["cx.tower.jet.transfer"]
        for _number in range(6):
            transfer, original, new = self._move()
            self._end_action(new, 1)
            transfers |= transfer

        def count(some):
            self.env.invalidate_all()
            some = some.with_user(self.manager)
            some.mapped("state")
            before = self.env.cr.sql_log_count
            some.mapped("may_retry")
            return self.env.cr.sql_log_count - before

        count(transfers)
        self.assertEqual(count(transfers), count(transfers[-2:]))
        self.assertEqual(transfers.with_user(self.manager).filtered("may_retry"), transfers[-1:])

    def test_what_cannot_be_tried_again(self):
        transfer, original, new = self._move()
        with self.assertRaisesRegex(UserError, "did not fail"):
            transfer.retry()
        self._end_action(new, 1)
        with self.assertRaises(AccessError):
            transfer.with_user(self.user).retry()
        second = self._transfer()
        with self.assertRaisesRegex(UserError, "has followed"):
            transfer.retry()
        self._end_action(second.new_jet_id, 1)
        second.new_jet_id.unlink()
        with self.assertRaisesRegex(UserError, "was deleted"):
            second.retry()

    def test_whoever_may_not_use_the_other_server_does_not_continue_there(self):
        transfer, original, new = self._move()
        self._end_action(new, 7)
        self.other.write({"user_ids": [(3, self.manager.id)], "manager_ids": [(3, self.manager.id)]})
        with self.assertRaises(AccessError):
            transfer.with_user(self.manager).retry()
        self.assertEqual((transfer.state, new.current_transition_id.ids), ("failed", []))

    def test_the_original_is_archived_meanwhile(self):
        transfer, original, new = self._move()
        original.active = False
        self._end_action(new)
        self.assertEqual((transfer.state, new.name), ("failed", "Shop (transfer)"))
        self.assertIn("was archived", transfer.message)

    def test_the_person_may_no_longer_change_the_original(self):
        transfer, original, new = self._move()
        original.manager_ids = False
        self._end_action(new)
        self.assertEqual(transfer.state, "failed")
        self.assertIn("may no longer change", transfer.message)

    def test_an_end_that_was_missed_is_taken_over_by_the_cron(self):
        look = self.env["cx.tower.jet.transition"]._cron_look_after_jets
        transfer, original, new = self._move()
        look()
        self.assertEqual(transfer.state, "cloning")
        self.patch(type(new), "_on_journey_ended", lambda *_args: None)
        self._end_action(new)
        self.assertEqual(transfer.state, "cloning")
        with self.assertLogs(RECOVERY, "WARNING"):
            look()
        self.assertEqual((transfer.state, new.name), ("done", "Shop"))

    def test_a_failure_that_was_missed_is_taken_over_by_the_cron(self):
        transfer, original, new = self._move(destroy_original=True)
        new.current_transition_id._end_without_following(ValueError("x"))
        with self.assertLogs(RECOVERY, "WARNING"):
            self.env["cx.tower.jet.transition"]._cron_look_after_jets()
        self.assertEqual(transfer.state, "failed")
        self.assertIn("ValueError", transfer.message)

    # ------------------------------------------------------------------ what follows the jet

    def _needs_shop(self, **values):
        desks = self._new_template("Desk")
        need = self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": desks.id,
                "template_required_id": self.template.id,
                "state_required_id": self._state("running").id,
                "needed_in_state_ids": [(6, 0, self._state("running").ids)],
                **values,
            }
        )
        desk = self._new_jet("Desk", "running", desks)
        desk.jet_requires_ids.jet_depends_on_id = self.shop
        return desk, need

    def test_dependants_are_relinked_also_those_that_need_a_jet_on_their_server(self):
        for where in ("same", "any"):
            with self.subTest(where):
                desk, need = self._needs_shop(where=where)
                transfer, original, new = self._move()
                self._end_action(new)
                self.assertEqual(
                    (desk.jet_requires_ids.jet_depends_on_id, desk.unmet_dependency_count), (new, 0)
                )
                self.assertFalse(original.get_impact())
                jets = self.env["cx.tower.jet"].search_count([])
                self._action("Stop", desk.jet_template_id).trigger(desk)
                new.correct_state("stopped", "It was stopped by hand.")
                self._action("Start", desk.jet_template_id).trigger(desk)
                self.assertEqual((desk.state, new.state), ("running", "running"))
                self.assertEqual(desk.jet_requires_ids.jet_depends_on_id, new)
                self.assertEqual(self.env["cx.tower.jet"].search_count([]), jets)
                self.shop = new
                self.other, self.server = self.server, self.other
                (desk | original).jet_requires_ids.unlink()
                desk.unlink()
                need.template_id.server_ids = False
                need.template_id.unlink()

    def test_a_new_jet_serves_nobody_before_the_switch(self):
        transfer, original, new = self._move()
        self._give_plan("Restart")
        self._action("Restart").trigger(original)
        self._end_action(new)
        self.assertEqual(transfer.state, "switching")
        self.assertFalse(new._accepts_new_links())
        self._end_action(original)
        self.assertTrue(new._accepts_new_links())

    def test_waiting_dependants_go_on_with_the_new_jet(self):
        self._give_plan("Start")
        desk, need = self._needs_shop()
        self._action("Stop", desk.jet_template_id).trigger(desk)
        transfer, original, new = self._move()
        original.correct_state("stopped", "By hand.")
        self._action("Start", desk.jet_template_id).trigger(desk)
        self.assertEqual(
            (desk.current_transition_id.state, original.current_action_id.name), ("waiting", "Start")
        )
        self._end_action(new)
        self._end_action(new)
        self.assertEqual(transfer.state, "switching")
        self._end_action(original)
        self.assertEqual((transfer.state, desk.state), ("done", "running"))
        self.assertEqual(desk.jet_requires_ids.jet_depends_on_id, new)

    # ------------------------------------------------------------------ refused

    def test_refused(self):
        with self.assertRaisesRegex(UserError, "already on"):
            self.shop.transfer(self.server.id)
        with self.assertRaisesRegex(ValidationError, "nowhere"):
            self.shop.transfer("nowhere")
        with self.assertRaises(AccessError):
            self._transfer(self.user)
        self._action("Destroy").unlink()
        with self.assertRaisesRegex(UserError, "No actions lead"):
            self._transfer(destroy_original=True)
        self.template.plan_clone_different_server_id = False
        with self.assertRaisesRegex(ValidationError, "to another server"):
            self._transfer()
        self.assertFalse(self.env["cx.tower.jet.transfer"].search([("jet_id", "=", self.shop.id)]))

    def test_an_original_that_the_person_may_not_destroy(self):
        self._action("Destroy").access_level = "3"
        with self.assertRaisesRegex(UserError, "above your access level"):
            self._transfer(self.manager, destroy_original=True)
        self.assertTrue(self._transfer(self.manager))

    def test_one_transfer_a_jet(self):
        transfer, original, new = self._move()
        with self.assertRaisesRegex(UserError, "is being transferred"):
            original.transfer(self.other.id)
        with self.assertRaisesRegex(UserError, "is being transferred"):
            new.transfer(self.server.id)
        self._end_action(new, 1)
        self.assertTrue(self._transfer())

    def test_neither_jet_is_deleted_meanwhile(self):
        self._give_plan("Restart")
        transfer, original, new = self._move()
        self._action("Restart").trigger(original)
        self._end_action(new)
        for jet in (original, new):
            with self.assertRaisesRegex(UserError, "cannot be deleted now|is being transferred"):
                jet.unlink()
        transfer.cancel()
        new.unlink()
        self.assertFalse(transfer.exists().new_jet_id)
        self._end_action(original)
        original.correct_state("removed", "By hand.")
        original.unlink()
        self.assertEqual(transfer.jet_name, "Shop")

    def test_nobody_writes_transfers(self):
        transfer, original, new = self._move()
        for person in (self.user, self.manager, self.root):
            for values in ({"state": "done"}, {"switch_date": False}):
                with self.assertRaises(AccessError):
                    transfer.with_user(person).write(values)
        with self.assertRaises(AccessError):
            transfer.with_user(self.manager).create({"jet_name": "x", "level": "1"})
        self.assertEqual(transfer.with_user(self.user).state, "cloning")
        original.user_ids = False
        new.user_ids = False
        with self.assertRaises(AccessError):
            transfer.with_user(self.user).read(["state"])

    def test_the_addon_is_not_removed_meanwhile(self):
        self._give_plan("Restart")
        transfer, original, new = self._move()
        self._action("Restart").trigger(original)
        self._end_action(new)
        with self.assertRaisesRegex(UserError, "cannot be uninstalled"):
            self.env["cx.tower.jet"]._check_can_be_uninstalled()

    def test_a_value_that_cannot_be_taken_over_is_not_told_to_users(self):
        hidden = self.env["cx.tower.variable"].create(
            {"name": "For Managers", "reference": "for_managers", "access_level": "2"}
        )
        self._give_values(self.shop, for_managers="hidden text", clone_colour="red")
        transfer, original, new = self._move()
        hidden.validation_pattern = "[0-9]+"
        original.set_variable_value("clone_colour", "blue")
        self._end_action(new)
        transfer, original = transfer.with_user(self.user), original.with_user(self.user)
        texts = f"{transfer.message} {original.message_ids.mapped('body')}"
        self.assertEqual(transfer.state, "failed")
        self.assertIn("One value that you may not see cannot be restored.", texts)
        self.assertNotIn("hidden text", texts)
        self.assertNotIn("For Managers", texts)

    def test_a_jet_that_was_transferred_is_cloned_from_where_it_is_on_its_host(self):
        _transfer, original, new = self._move()
        own = new.reference
        self._end_action(new)
        clone = new.clone(server=original.server_id.id)
        values = clone.sudo().current_transition_id.plan_log_id._custom_values__().values
        self.assertEqual(
            (values["__original_jet__"], values["__original_host_reference__"]), (new.reference, own)
        )
        self.assertNotEqual(own, new.reference)
