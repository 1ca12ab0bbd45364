import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from psycopg2 import Error as DatabaseError
from psycopg2.errors import LockNotAvailable

from ...engine import states
from ...engine.database_errors import is_away, may_succeed_later
from ...engine.exit_codes import ExitCode
from ...worker.engine_context import engine_says, heard
from ..base.transactions import brief_locks
from ..server.connection import MANAGER

_logger = logging.getLogger(__name__)

# A deletion waits for runs that somebody started behind the delete plan; how often it looks again.
LOOK_AGAIN = timedelta(minutes=1)
RUNNING, DUE, FAILED = "running", "due", "failed"
DELETION_STEPS = [(RUNNING, "The delete plan runs"), (DUE, "About to be deleted"), (FAILED, "Failed")]


class CxTowerServer(models.Model):
    """Deleting a server that has a delete plan: the plan first, then the record.

    While the plan runs the server stays, with status ``deleting``. How the plan ended is noted in the transaction of its
    end, but the record is deleted in one that follows, by a cron that is triggered at once. In that same transaction
    the server would be gone under the hands of the lane that is recording the end, and a deletion that fails would take
    the record of what happened on the host with it. The runs of a deleted server stay in the log.
    Should the process die in between, the server is still due, and the cron finds it.
    """

    _inherit = "cx.tower.server"

    plan_delete_id = fields.Many2one(
        "cx.tower.plan",
        string="Delete plan",
        groups=MANAGER,
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        help="Runs when the server is deleted. If it succeeds, the record is deleted; if not, it stays.",
    )
    # Who may write a server may not always delete it: how a deletion stands is for Tower alone to write.
    deletion_step = fields.Selection(
        DELETION_STEPS,
        groups=fields.NO_ACCESS,
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    delete_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Run of the delete plan",
        groups=fields.NO_ACCESS,
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    deletion_state = fields.Selection(DELETION_STEPS, string="Deletion", compute="_compute_deletion_state")
    deletion_message = fields.Text(
        groups=MANAGER, readonly=True, copy=False, help="Why the server was not deleted."
    )

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "plan_delete_id"]

    @api.depends("deletion_step")
    def _compute_deletion_state(self):
        for server in self:
            server.deletion_state = server.sudo().deletion_step  # sudo: to be read by all, written by nobody

    def _is_being_deleted(self):
        """Return whether the deletion of this server is under way."""
        self.ensure_one()
        # sudo: a fact about the server, for whoever may read it
        return self.sudo().deletion_step in (RUNNING, DUE)

    def write(self, vals):
        if "status" not in vals or "deletion_step" in vals:
            return super().write(vals)
        # What a command of the delete plan says of the server ("stopped") does not end its deletion.
        busy = self.filtered(lambda server: server._is_being_deleted())
        if busy:
            super(CxTowerServer, busy).write({name: vals[name] for name in vals if name != "status"})
        others = self - busy
        # sudo: whoever gives a server another status has decided to keep it
        kept = (
            others.sudo().filtered("deletion_step") if vals["status"] != "delete_error" else others.browse()
        )
        kept.write({"deletion_step": False, "deletion_message": False})
        return super(CxTowerServer, others).write(vals)

    # ------------------------------------------------------------------ asking for it

    def unlink(self):
        """Delete servers. Those with a delete plan stay until it has ended well; what it cannot do keeps them.

        :return: True when all of them are gone, False when the delete plan of one has been started
        :raise AccessError: the caller may not delete one of them, or not run its delete plan
        :raise UserError: one is being deleted already, has runs that have not ended, or is the way to others
        """
        self.check_access("unlink")
        is_forced = self._is_deletion_forced()
        if not is_forced:
            self._check_is_not_being_deleted()
        elif not heard(self.env, "server_force_delete"):
            _logger.warning("%s deletes %s without delete plans", self.env.user.login, self)
        # sudo: who may delete a server need not see its delete plan to be held to it
        planned = self.browse() if is_forced else self.filtered(lambda server: server.sudo().plan_delete_id)
        if planned:
            # what would keep the record is found before anything is done to the host
            planned._unlink_except_running()
            planned._unlink_except_jump_host()
        result = super(CxTowerServer, self - planned).unlink()
        planned._start_delete_plans()
        return result and not planned

    def _is_deletion_forced(self):
        """Return whether the caller deletes without delete plans: Tower itself may, and Root, who is noted down."""
        if heard(self.env, "server_force_delete"):
            return True
        may = self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")
        return bool(may and self.env.context.get("server_force_delete"))

    def _check_is_not_being_deleted(self):
        """Raise for a server whose deletion is under way. One that was given up without a trace counts as failed."""
        busy = self.filtered(lambda server: server._is_being_deleted())
        if busy:
            busy.sudo()._find_ended_deletions()
            busy = busy.filtered(lambda server: server._is_being_deleted())
        for server in busy:
            log = server.sudo().delete_plan_log_id
            if server.sudo().deletion_step == DUE:
                text = self.env._(
                    "%(server)s is about to be deleted: its delete plan has ended. Nothing is left to do.",
                    server=server.name,
                )
            else:
                text = self.env._(
                    "%(server)s is being deleted already: its delete plan “%(plan)s” is running. Wait for its end, or"
                    " stop the run %(run)s to keep the server.",
                    server=server.name,
                    plan=log.plan_id.name or "",
                    run=log.reference or "",
                )
            raise UserError(text)

    @api.model
    def _deletion_blockers(self):
        return [link for link in super()._deletion_blockers() if link[1] != "jump_server_id"]  # see below

    @api.ondelete(at_uninstall=False)
    def _unlink_except_jump_host(self):
        """Servers that are reached through a deleted one could not be reached any more."""
        # sudo: servers and templates that the caller does not see count, too
        for model in ("cx.tower.server", "cx.tower.server.template"):
            records = self.env[model].sudo().with_context(active_test=False)
            domain = Domain("jump_server_id", "in", self.ids)
            if model == self._name:
                domain &= Domain("id", "not in", self.ids)
            behind = records.search(domain)
            if behind:
                shown = behind.with_env(self.env)._filtered_access("read")
                raise UserError(
                    self.env._(
                        "%(server)s is the jump host of %(count)s others (%(names)s). Give them another way first.",
                        server=behind[0].jump_server_id.name,
                        count=len(behind),
                        names=", ".join(shown[:5].mapped("name")) or self.env._("none that you may see"),
                    )
                )

    def _start_delete_plans(self):
        """Start the delete plans of these servers, as the caller: one that he may not run is not run by deleting, either.

        The starts are part of the caller's transaction, like all starts of runs.
        """
        servers = self.sudo()  # sudo: who may delete a server may have it say so
        servers.write({"status": "deleting", "deletion_step": RUNNING, "deletion_message": False})
        for plan, group in servers.grouped("plan_delete_id").items():
            body = self.env._("Deletion asked for. The delete plan “%s” runs first.", plan.name)
            group._message_log_batch(bodies=dict.fromkeys(group.ids, body))
            try:
                logs = group.with_env(self.env)._start_plan_runs(
                    plan.with_env(self.env), {}, deletes_server=True
                )
            except AccessError as error:
                raise AccessError(
                    self.env._(
                        "%(server)s is deleted by its delete plan “%(plan)s”, which you may not run. Ask somebody who"
                        " may, or have the plan opened to you.",
                        server=group[0].name,
                        plan=plan.name,
                    )
                ) from error
            for log in logs.sudo():
                log.server_id.delete_plan_log_id = log

    # ------------------------------------------------------------------ the end of the delete plan

    def _on_delete_plan_ended(self, log):
        """Note how the delete plan of this server has ended, in the transaction of that end.

        The end must not wait for somebody who holds the server, and what goes wrong in here must not undo it: then the
        cron notes it.

        :param log: its run, which has ended
        """
        try:
            with brief_locks(self.env, 2):
                self._note_delete_plan_ended(log)
        except LockNotAvailable:
            self.invalidate_recordset(flush=False)
        except Exception as error:
            if may_succeed_later(error):
                raise  # another transaction was faster, or the database went away: the end is recorded again
            _logger.exception("the end of the delete plan of server %s could not be noted", self.id)
            self.env.invalidate_all(flush=False)
        self._wake_deletion()

    def _note_delete_plan_ended(self, log):
        if log.plan_status == ExitCode.OK:
            self.write({"status": "deleting", "deletion_step": DUE, "delete_plan_log_id": log.id})
            return
        reason = self.env._(
            "The delete plan “%(plan)s” ended with exit code %(code)s.",
            plan=log.plan_id.name,
            code=log.plan_status,
        )
        self._note_deletion_failed(log, reason, details=log.message)

    def _note_deletion_failed(self, log, reason, details=None):
        """Note that this server stays.

        :param log: run of its delete plan; may be gone
        :param reason: sentence for everybody who may read the server
        :param details: what only its Managers may read
        """
        self.write(
            {
                "status": "delete_error",
                "deletion_step": FAILED,
                "delete_plan_log_id": log.id,
                "deletion_message": "\n".join(filter(None, (reason, details))),
            }
        )
        self._message_log(body=self.env._("The server was not deleted. %s", reason))
        self._notify_deletion(log.user_id, self.env._("%s was not deleted", self.name), reason, "danger")

    def _notify_deletion(self, user, title, message, kind):
        """Tell who asked for a deletion what became of it, as the settings want it."""
        settings = self.env["cx.tower.settings"]._get()
        is_success = kind == "success"
        wanted = settings.notification_type_success if is_success else settings.notification_type_error
        if user and wanted:
            user._bus_send(
                "simple_notification",
                {"type": kind, "title": title, "message": message, "sticky": wanted == "sticky"},
            )

    # ------------------------------------------------------------------ the deletion itself

    @api.model
    def _wake_deletion(self, at=None):
        cron = self.env.ref("cetmix_tower_server.ir_cron_delete_servers", raise_if_not_found=False)
        if cron:
            # sudo: what follows from the end of a run is started whoever started the run
            cron.sudo()._trigger(at)

    @api.model
    def _cron_delete(self):
        """Delete the servers whose delete plan has ended well. **Commits** after each of them."""
        servers, queue = self.with_context(active_test=False), self.env["cx.tower.run.queue"]
        for server in servers.search(self._ended_deletions_domain()):
            # One that fails must not keep those that are due.
            queue._do_apart(server._find_ended_deletions, f"noting the end of the delete plan of {server}")
        progress = self.env["ir.cron"]._commit_progress
        due = servers.search([("deletion_step", "=", DUE)])
        progress(0, remaining=len(due))
        for server in due:
            # What was asked for before the server was locked is seen, what is asked for after that waits and is refused.
            if server.try_lock_for_update():
                server._delete_due()
            if not progress(1):
                break

    @api.model
    def _ended_deletions_domain(self):
        """Return the domain of deletions whose run has ended, or is gone, without anybody having noted it."""
        gone = Domain("delete_plan_log_id", "=", False)
        return Domain("deletion_step", "=", RUNNING) & (
            gone | Domain("delete_plan_log_id.state", "in", sorted(states.FINISHED))
        )

    def _find_ended_deletions(self):
        """Note the ends of delete plans that nobody could note."""
        for server in self.filtered_domain(self._ended_deletions_domain()):
            log = server.delete_plan_log_id
            if log:
                server._note_delete_plan_ended(log)
            else:
                reason = self.env._("The run of the delete plan is gone: nobody knows what it did.")
                server._note_deletion_failed(log, reason)

    def _delete_due(self):
        """Delete this server, whose delete plan has ended well; the right to that was checked when it was asked for."""
        log, name, user = self.delete_plan_log_id, self.name, self.delete_plan_log_id.user_id
        if self._has_active_runs():
            self._wake_deletion(fields.Datetime.now() + LOOK_AGAIN)
            return
        try:
            with self.env.cr.savepoint():
                # In the name of who asked for it. What keeps a server was checked then, runs were just now.
                asked = self.with_user(user) if user else self
                asked.sudo().with_context(**engine_says(server_force_delete=True)).unlink()
        except DatabaseError as error:
            if is_away(error):
                raise
            if may_succeed_later(error):
                self.env.invalidate_all(flush=False)
                self._wake_deletion(fields.Datetime.now() + LOOK_AGAIN)  # others were faster; it stays due
                return
            _logger.warning("server %s could not be deleted: %s", self.id, error)
            self.env.invalidate_all(flush=False)
            reason = self.env._("The delete plan succeeded, but other records still need the server.")
            self._note_deletion_failed(log, reason, details=str(error))
        except Exception as error:
            if not isinstance(error, UserError):
                _logger.exception("server %s could not be deleted", self.id)
            self.env.invalidate_all(flush=False)
            reason = self.env._("The delete plan succeeded, but the server could not be deleted.")
            self._note_deletion_failed(log, reason, details=str(error))
        else:
            _logger.info("server %s was deleted for %s, its delete plan has ended well", name, user.login)
            text = self.env._("Its delete plan succeeded.")
            self._notify_deletion(user, self.env._("%s was deleted", name), text, "success")

    def _has_active_runs(self):
        active = [("server_id", "=", self.id), ("state", "in", sorted(states.ACTIVE))]
        return any(
            self.env[model].search_count(active, limit=1)
            for model in ("cx.tower.command.log", "cx.tower.plan.log")
        )

    # ------------------------------------------------------------------ actions

    def action_delete(self):
        """Delete these servers, or start their delete plans (again); for the button of a failed deletion.

        :return: action that shows the servers when all are gone, else True
        :raise AccessError, UserError: as :meth:`unlink`
        """
        if self.unlink():
            return self._action_servers()
        return True

    def action_force_delete(self):
        """Delete these servers without their delete plans. What these would have cleaned up stays on the hosts.

        :return: action that shows the servers
        :raise AccessError: the caller is not Root
        :raise UserError: runs on one of them have not ended
        """
        self.check_access("unlink")
        if not (self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")):
            raise AccessError(self.env._("Only Root deletes servers without running their delete plan."))
        self._check_is_not_being_deleted()
        self._unlink_except_running()
        self.with_context(**engine_says(server_force_delete=True)).unlink()
        return self._action_servers()

    def action_open_delete_plan_log(self):
        """Open the last run of this server's delete plan.

        :return: window action; False when there is none
        :raise AccessError: the caller may not read the server, or the run
        """
        self.ensure_one()
        self.check_access("read")
        log = self.sudo().delete_plan_log_id.with_env(self.env)  # sudo: the link only; the log is checked
        log.check_access("read")
        return log._action_open() if log else False

    @api.model
    def _action_servers(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_server")
        return action | {"target": "main"}
