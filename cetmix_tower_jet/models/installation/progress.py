import logging

from odoo import fields, models
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.models.base.transactions import (
    GUARD_WAIT_S,
    brief_locks,
    must_be_repeated,
)
from psycopg2.errors import LockNotAvailable, UniqueViolation

from .cx_tower_jet_template_install import DONE, FAILED, INSTALL, PROCESSING

_logger = logging.getLogger(__name__)

PLAN_OF = {"install": "plan_install_id", "uninstall": "plan_uninstall_id"}


class CxTowerJetTemplateInstall(models.Model):
    """The way of an installation from line to line, as superuser, in the transaction of the event that leads on.

    A line that is in progress has a running flight plan; its end is the next event. Nothing waits in a process, so nothing is
    lost if one dies: the commit of an event contains what follows from it.
    """

    _inherit = "cx.tower.jet.template.install"

    def _continue(self):
        """Process lines until a flight plan runs, another installation is in the way, a line fails or all are done."""
        self.ensure_one()
        for line in self.line_ids.sorted(lambda line: (-line.order, line.id)):
            if self.state != PROCESSING:
                return
            if line.state == "done":
                continue
            self.current_line_id = line
            if not line._process():
                return
        if self.state == PROCESSING:
            self._end(DONE)

    def _end(self, state, message=""):
        """End this installation and tell the person who started it."""
        self.ensure_one()
        vals = {"state": state, "date_done": fields.Datetime.now(), "message": message or False}
        self.write(vals if state == FAILED else {**vals, "current_line_id": False})
        self._notify_starter()

    def _notify_starter(self):
        """Notify the person who started it of its end, as configured in the settings."""
        settings = self.env["cx.tower.settings"]._get()
        succeeded = self.state == DONE
        wanted = settings.notification_type_success if succeeded else settings.notification_type_error
        # without flight plans it has ended before the person can look away
        if not wanted or not self.user_id or not self.line_ids.plan_log_id:
            return
        label = dict(self._fields["state"]._description_selection(self.env))[self.state]
        self.user_id._bus_send(
            "simple_notification",
            {
                "type": "success" if succeeded else "danger",
                "title": self.display_name,
                "message": self.message or label,
                "sticky": wanted == "sticky",
            },
        )


class CxTowerJetTemplateInstallLine(models.Model):
    """The way of one template: waiting for its turn, the flight plan, the end."""

    _inherit = "cx.tower.jet.template.install.line"

    def _process(self):
        """Begin this line. If the process dies before the commit, neither the state nor the run exists.

        :return: whether it is done, so that the next one may begin
        """
        self.ensure_one()
        install = self.jet_template_install_id
        if not self._is_wanted():
            self.write({"state": "done", "message": self.env._("Nothing was left to do.")})
            return True
        if self._stands_behind_another():
            return False
        if not install.user_id:
            self._fail(self.env._("The person who started it was deleted. Try again."))
            return False
        plan = self.jet_template_id[PLAN_OF[install.action]]
        self._take()
        if not plan:
            self._succeed()
            return True
        self._start_plan(plan)
        return False

    def _take(self):
        """Make this line the only one that is in progress with its template on its server.

        Another transaction may have done the same since this one began, unseen by it. Then the database undoes this one; it is
        tried again and sees the other line.
        """
        try:
            with brief_locks(self.env, GUARD_WAIT_S):
                self.write({"state": "processing", "message": False, "plan_log_id": False})
        except (UniqueViolation, LockNotAvailable):
            self.env.cr.execute(
                "DO $$BEGIN RAISE 'another installation was faster' USING ERRCODE = 'serialization_failure'; END$$"
            )

    def _is_wanted(self):
        """Return whether there is something to do: another installation, or a person, may have done it meanwhile."""
        present = self.jet_template_id._where_installed(self.jet_template_id, self.server_id)
        is_installed = bool(present[self.server_id.id])
        return is_installed != (self.jet_template_install_id.action == INSTALL)

    def _stands_behind_another(self):
        """Return whether another installation is processing the same template on the same server; it continues this one.

        Its row is changed, so if its end is recorded at this moment, the database undoes one of the two transactions.
        """
        self.flush_model()
        self.env.cr.execute(
            """UPDATE cx_tower_jet_template_install_line SET state = state
                WHERE jet_template_id = %s AND server_id = %s AND state = 'processing' AND id <> %s RETURNING id""",
            (self.jet_template_id.id, self.server_id.id, self.id),
        )
        other = self.browse(row[0] for row in self.env.cr.fetchall())
        if other:
            self.jet_template_install_id.message = self.env._(
                "Waits: %s.", other.jet_template_install_id.display_name
            )
        return bool(other)

    def _start_plan(self, plan):
        """Start the flight plan of this line, in the name of the person who started the installation."""
        # sudo: the right to install includes the plans of the templates
        line = self.with_user(self.jet_template_install_id.user_id).sudo()
        try:
            with self.env.cr.savepoint():
                run = line._create_plan_runs(plan.with_env(line.env), RunRequest())
        except Exception as error:
            if must_be_repeated(error):
                raise
            _logger.exception("the flight plan of installation line %s cannot start", self.id)
            self._fail(self.env._("Its flight plan could not be started: %s", error))
            return
        if (
            self.state == "processing" and not self.plan_log_id
        ):  # it may have ended, refused or with nothing to do
            self.plan_log_id = run.with_env(self.env)
            # Dispatched last: the run may have ended when this returns.
            self.env["cx.tower.run.backend"]._chosen()._dispatch(run)

    def _plan_ended(self, run):
        """Take over how the flight plan ended, in the transaction that records it, and go on.

        :param run: log of the flight plan run
        """
        self.ensure_one()
        self.plan_log_id = run
        if run.plan_status:
            self._fail(run._reason_of_end())
        else:
            self._succeed()
            self.jet_template_install_id._continue()
        self._continue_others()

    def _succeed(self):
        """Record that this template is installed here now, or no longer.

        Past the ORM, which would change the template's row: installations on many servers end at the same time.
        """
        self.state = "done"
        self.jet_template_install_id.message = False
        is_install = self.jet_template_install_id.action == INSTALL
        self.env.cr.execute(
            "INSERT INTO cx_tower_jet_template_server_rel (jet_template_id, server_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
            if is_install
            else "DELETE FROM cx_tower_jet_template_server_rel WHERE jet_template_id = %s AND server_id = %s",
            (self.jet_template_id.id, self.server_id.id),
        )
        self.jet_template_id.invalidate_recordset(["server_ids"], flush=False)
        self.server_id.invalidate_recordset(["jet_template_ids"], flush=False)

    def _fail(self, reason):
        """End this line and its installation. The lines behind it stay to be done, for another try."""
        self.write({"state": "failed", "message": reason})
        self.jet_template_install_id._end(
            FAILED,
            self.env._("“%(template)s”: %(reason)s", template=self.jet_template_id.name, reason=reason),
        )

    def _continue_others(self):
        """Continue the installations that stand behind this one. An error in one of them affects no other."""
        installs = self.env["cx.tower.jet.template.install"]
        waiting = installs.search(
            [
                ("state", "=", PROCESSING),
                ("server_id", "=", self.server_id.id),
                ("current_line_id.state", "=", "to_process"),
                ("current_line_id.jet_template_id", "=", self.jet_template_id.id),
            ],
            order="id",
        )
        self.env["cx.tower.run.queue"]._do_each(
            waiting, lambda one: one._continue(), lambda one, error: one._give_up(error)
        )
