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
from ...engine.run_request import RunRequest
from ..base.engine_context import engine_says, heard
from ..base.transactions import brief_locks
from ..server.connection import MANAGER

_logger = logging.getLogger(__name__)

# A deletion waits for runs that were started after the delete plan, and checks for their end at this interval.
LOOK_AGAIN = timedelta(minutes=1)
RUNNING, DUE, FAILED = "running", "due", "failed"
DELETION_STEPS = [(RUNNING, "Delete plan running"), (DUE, "About to be deleted"), (FAILED, "Failed")]


class CxTowerServer(models.Model):
    """Deletes a server that has a delete plan: first the plan runs, then the record is deleted.

    While the plan runs, the server has the status ``deleting``. The transaction that records the end of the plan only marks
    the server as due; a cron, triggered at once, then deletes the record in a transaction of its own. Deleting it in the
    first transaction would remove the server while a lane is still recording the run, and an error would undo the record of
    what happened on the host. If the process dies in between, the server is still due and the cron finds it. The runs of a
    deleted server stay in the log.
    """

    _inherit = "cx.tower.server"

    plan_delete_id = fields.Many2one(
        "cx.tower.plan",
        string="Delete plan",
        groups=MANAGER,
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        help="Runs when the server is deleted. The record is deleted only if the plan succeeds.",
    )
    # Write access to a server does not include deleting it, so only Tower itself writes the progress of a deletion.
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
        groups=MANAGER, readonly=True, copy=False, help="Reason why the server was not deleted."
    )

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "plan_delete_id"]

    @api.depends("deletion_step")
    def _compute_deletion_state(self):
        for server in self:
            # sudo: everyone who may read the server may know it
            server.deletion_state = server.sudo().deletion_step

    def _is_being_deleted(self):
        """Return whether this server is being deleted."""
        self.ensure_one()
        # sudo: reads only this flag of a server that the caller works with
        return self.sudo().deletion_step in (RUNNING, DUE)

    def write(self, vals):
        if "status" not in vals or "deletion_step" in vals:
            return super().write(vals)
        # Commands of the delete plan may set the status, for example to "stopped". That does not end the deletion.
        busy = self.filtered(lambda server: server._is_being_deleted())
        if busy:
            super(CxTowerServer, busy).write({name: vals[name] for name in vals if name != "status"})
        others = self - busy
        # sudo: setting another status cancels a failed deletion; write access to the server is checked by super()
        kept = (
            others.sudo().filtered("deletion_step") if vals["status"] != "delete_error" else others.browse()
        )
        kept.write({"deletion_step": False, "deletion_message": False})
        return super(CxTowerServer, others).write(vals)

    # ------------------------------------------------------------------ request

    def unlink(self):
        """Delete servers. Servers with a delete plan are kept until it has succeeded.

        :return: True if all of them were deleted, False if at least one delete plan was started
        :raise AccessError: the caller may not delete one of them, or may not run its delete plan
        :raise UserError: one is already being deleted, has active runs, or is the jump host of others
        """
        self.check_access("unlink")
        is_forced = self._is_deletion_forced()
        if not is_forced:
            self._check_is_not_being_deleted()
        elif not heard(self.env, "server_force_delete"):
            _logger.warning("%s deletes %s without delete plans", self.env.user.login, self)
        # sudo: reads only whether there is a delete plan; it applies even if the caller may not see it
        planned = self.browse() if is_forced else self.filtered(lambda server: server.sudo().plan_delete_id)
        if planned:
            # anything that would prevent the deletion is found before the plan changes the host
            planned._unlink_except_running()
            planned._unlink_except_jump_host()
        result = super(CxTowerServer, self - planned).unlink()
        planned._start_delete_plans()
        return result and not planned

    def _is_deletion_forced(self):
        """Return whether delete plans are skipped. Only Tower itself and Root can do that; for Root it is logged."""
        if heard(self.env, "server_force_delete"):
            return True
        may = self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")
        return bool(may and self.env.context.get("server_force_delete"))

    def _check_is_not_being_deleted(self):
        """Raise UserError for servers that are being deleted. If the run of the plan is gone, the deletion has failed."""
        busy = self.filtered(lambda server: server._is_being_deleted())
        if busy:
            # sudo: records what has happened, for whoever looks first
            busy.sudo()._find_ended_deletions()
            busy = busy.filtered(lambda server: server._is_being_deleted())
        for server in busy:
            # sudo: why the server cannot be used is told to whoever wanted to use it
            log = server.sudo().delete_plan_log_id
            if server.sudo().deletion_step == DUE:
                text = self.env._(
                    "%(server)s is about to be deleted: its delete plan has ended. You do not need to do "
                    "anything.",
                    server=server.name,
                )
            else:
                text = self.env._(
                    "%(server)s is already being deleted: its delete plan “%(plan)s” is running. Wait for "
                    "it to end, or stop the run %(run)s to keep the server.",
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
        """Keep jump hosts: servers behind a deleted one could no longer be reached."""
        # sudo: servers and templates that the caller may not see count, too; their names are not shown
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
                        "%(server)s is the jump host of %(count)s others (%(names)s). Change or remove "
                        "their jump host first.",
                        server=behind[0].jump_server_id.name,
                        count=len(behind),
                        names=", ".join(shown[:5].mapped("name")) or self.env._("none that you can access"),
                    )
                )

    def _start_delete_plans(self):
        """Start the delete plans of these servers as the caller, who needs the right to run them.

        Like all starts of runs, they are part of the caller's transaction.
        """
        # sudo: the right to delete the servers was checked; only Tower writes these fields
        servers = self.sudo()
        servers.write({"status": "deleting", "deletion_step": RUNNING, "deletion_message": False})
        for plan, group in servers.grouped("plan_delete_id").items():
            body = self.env._("Deletion requested. The delete plan “%s” runs first.", plan.name)
            group._message_log_batch(bodies=dict.fromkeys(group.ids, body))
            try:
                logs = group.with_env(self.env)._start_plan_runs(
                    plan.with_env(self.env), RunRequest(log_values={"deletes_server": True})
                )
            except AccessError as error:
                raise AccessError(
                    self.env._(
                        "Deleting %(server)s runs its delete plan “%(plan)s”, which you may not run. Ask a "
                        "Manager of the flight plan to delete the server or to give you access to the plan.",
                        server=group[0].name,
                        plan=plan.name,
                    )
                ) from error
            for log in logs.sudo():
                log.server_id.delete_plan_log_id = log

    # ------------------------------------------------------------------ the end of the delete plan

    def _on_delete_plan_ended(self, log):
        """Record on this server how its delete plan has ended, in the transaction of that end.

        That transaction must neither wait long for a lock on the server nor fail because of an error in here. In both cases
        the cron records it later.

        :param log: the ended run of the delete plan
        """
        try:
            with brief_locks(self.env, 2):
                self._note_delete_plan_ended(log)
        except LockNotAvailable:
            self.invalidate_recordset(flush=False)
        except Exception as error:
            if may_succeed_later(error):
                raise  # another transaction was faster, or the database went away: the end is recorded again
            _logger.exception("the end of the delete plan of server %s could not be recorded", self.id)
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
        """Record that the deletion of this server has failed.

        :param log: run of its delete plan; empty if it no longer exists
        :param reason: text for everyone who may read the server
        :param details: text that only its managers may read
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
        """Notify the person who requested a deletion of its result, as configured in the settings."""
        settings = self.env["cx.tower.settings"]._get()
        is_success = kind == "success"
        wanted = settings.notification_type_success if is_success else settings.notification_type_error
        if user and wanted:
            user._bus_send(
                "simple_notification",
                {"type": kind, "title": title, "message": message, "sticky": wanted == "sticky"},
            )

    # ------------------------------------------------------------------ deletion of the record

    @api.model
    def _wake_deletion(self, at=None):
        cron = self.env.ref("cetmix_tower_server.ir_cron_delete_servers", raise_if_not_found=False)
        if cron:
            # sudo: triggering the cron is all that happens; it deletes only servers that are due
            cron.sudo()._trigger(at)

    @api.model
    def _cron_delete(self):
        """Delete the servers whose delete plan has succeeded (cron). **Commits** after each of them."""
        servers, queue = self.with_context(active_test=False), self.env["cx.tower.run.queue"]
        for server in servers.search(self._ended_deletions_domain()):
            # An error in one of them must not affect those that are due.
            queue._do_in_savepoint(
                server._find_ended_deletions, f"recording the end of the delete plan of {server}"
            )
        progress = self.env["ir.cron"]._commit_progress
        due = servers.search([("deletion_step", "=", DUE)])
        progress(0, remaining=len(due))
        for server in due:
            # Runs requested before this lock are visible here; later requests wait for the lock and are refused.
            if server.try_lock_for_update():
                server._delete_due()
            if not progress(1):
                break

    @api.model
    def _ended_deletions_domain(self):
        """Return the domain of deletions whose run has ended or no longer exists, but whose end was not recorded."""
        gone = Domain("delete_plan_log_id", "=", False)
        return Domain("deletion_step", "=", RUNNING) & (
            gone | Domain("delete_plan_log_id.state", "in", sorted(states.FINISHED))
        )

    def _find_ended_deletions(self):
        """Record the ends of delete plans that could not be recorded when they ended."""
        for server in self.filtered_domain(self._ended_deletions_domain()):
            log = server.delete_plan_log_id
            if log:
                server._note_delete_plan_ended(log)
            else:
                reason = self.env._(
                    "The run of the delete plan no longer exists, so its result is unknown. Check the "
                    "host, then delete the server again."
                )
                server._note_deletion_failed(log, reason)

    def _delete_due(self):
        """Delete this server, whose delete plan has succeeded. The right to delete it was checked on request."""
        log, name, user = self.delete_plan_log_id, self.name, self.delete_plan_log_id.user_id
        if self._has_active_runs():
            self._wake_deletion(fields.Datetime.now() + LOOK_AGAIN)
            return
        try:
            with self.env.cr.savepoint():
                # sudo: in the name of the person who requested the deletion and whose right was checked then
                requested = self.with_user(user) if user else self
                requested.sudo().with_context(**engine_says(server_force_delete=True)).unlink()
        except DatabaseError as error:
            if is_away(error):
                raise
            if may_succeed_later(error):
                self.env.invalidate_all(flush=False)
                self._wake_deletion(
                    fields.Datetime.now() + LOOK_AGAIN
                )  # another process was faster; still due
                return
            _logger.warning("server %s could not be deleted: %s", self.id, error)
            self.env.invalidate_all(flush=False)
            reason = self.env._("The delete plan succeeded, but other records still refer to the server.")
            self._note_deletion_failed(log, reason, details=str(error))
        except Exception as error:
            if not isinstance(error, UserError):
                _logger.exception("server %s could not be deleted", self.id)
            self.env.invalidate_all(flush=False)
            reason = self.env._("The delete plan succeeded, but the server could not be deleted.")
            self._note_deletion_failed(log, reason, details=str(error))
        else:
            _logger.info("server %s was deleted for %s after its delete plan succeeded", name, user.login)
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
        """Delete these servers, or start their delete plans again (button of a failed deletion).

        :return: action that opens the list of servers if all were deleted, otherwise True
        :raise AccessError, UserError: as :meth:`unlink`
        """
        if self.unlink():
            return self._action_servers()
        return True

    def action_force_delete(self):
        """Delete these servers without running their delete plans, which leaves their hosts as they are.

        :return: action that opens the list of servers
        :raise AccessError: the caller is not Root
        :raise UserError: one of them has active runs
        """
        self.check_access("unlink")
        if not (self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")):
            raise AccessError(self.env._("Only Root may delete servers without running their delete plans."))
        self._check_is_not_being_deleted()
        self._unlink_except_running()
        self.with_context(**engine_says(server_force_delete=True)).unlink()
        return self._action_servers()

    def action_open_delete_plan_log(self):
        """Open the last run of this server's delete plan.

        :return: window action; False if there is no run
        :raise AccessError: the caller may not read the server, or the run
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: reads only the link; access to the run is checked as the caller
        log = self.sudo().delete_plan_log_id.with_env(self.env)
        log.check_access("read")
        return log._action_open() if log else False

    @api.model
    def _action_servers(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_server")
        return action | {"target": "main"}


class CxTowerPlanLog(models.Model):
    """The run of a delete plan. Its end decides whether the server is deleted."""

    _inherit = "cx.tower.plan.log"

    deletes_server = fields.Boolean(
        string="Deletes its server", readonly=True, help="If the run succeeds, its server is deleted."
    )

    def _plan_finished(self):
        result = super()._plan_finished()
        if self.deletes_server:
            # sudo: the right to delete the server was checked when the run was started
            self.sudo().server_id._on_delete_plan_ended(self.sudo())
        return result

    def _notify_starter(self):
        """Skip the notification of the run: the deletion of the server sends its own."""
        if not self.deletes_server:
            super()._notify_starter()

    def _make_resumed(self, user, changed):
        if not self.deletes_server:
            return super()._make_resumed(user, changed)
        server = self.server_id
        if not server.with_user(user).has_access("unlink"):
            raise AccessError(
                self.env._(
                    "Resuming this run would delete %(server)s, and you may not delete it. Ask somebody who may.",
                    server=server.name,
                )
            )
        if server.deletion_step != "failed" or server.delete_plan_log_id != self:
            raise UserError(
                self.env._(
                    "The deletion of %(server)s was cancelled. To restart it, delete the server again.",
                    server=server.name,
                )
            )
        server.write({"status": "deleting", "deletion_step": "running", "deletion_message": False})
        resumed = super()._make_resumed(user, changed)
        server.delete_plan_log_id = resumed
        return resumed

    def _resumed_values(self):
        return {**super()._resumed_values(), "deletes_server": self.deletes_server}
