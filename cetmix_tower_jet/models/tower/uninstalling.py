from odoo import api, models
from odoo.addons.cetmix_tower_server.engine import states
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import sql

from ..clone.cx_tower_jet_transfer import LIVE as TRANSFERS_LIVE

MODULE = "cetmix_tower_jet"
NAMED = 3
#: What a step becomes that moved a jet, by its action. It must not succeed silently.
CODE_WITHOUT_JETS = {
    "jet_action": 'echo "This step triggered an action of a jet. The jets were uninstalled." >&2; exit 1',
    "create_waypoint": 'echo "This step created a waypoint of a jet. The jets were uninstalled." >&2; exit 1',
}


class IrModuleModule(models.Model):
    """The addon cannot be uninstalled while something is running on jets."""

    _inherit = "ir.module.module"

    def button_uninstall(self):
        doomed = self + self.downstream_dependencies()
        if MODULE in doomed.mapped("name"):
            self.env["cx.tower.jet"]._check_can_be_uninstalled()
        return super().button_uninstall()


class CxTowerJet(models.Model):
    """What must have ended, and what is removed, before the addon is uninstalled."""

    _inherit = "cx.tower.jet"

    @api.model
    def _check_can_be_uninstalled(self):
        """Raise UserError while jets move, templates are being installed, or runs on jets are live."""
        # sudo: whoever may uninstall addons is told what is in the way
        jets = self.sudo().with_context(active_test=False).search([("current_transition_id", "!=", False)])
        found = [f"“{jet.name}”: {jet._busy_text()}" for jet in jets[:NAMED]]
        installations = self.env["cx.tower.jet.template.install"].sudo()
        running = installations.search([("state", "=", "processing")], limit=NAMED)
        found += [installation._live_text() for installation in running]
        transfers = self.env["cx.tower.jet.transfer"].sudo()  # sudo: as above
        found += transfers.search([("state", "in", TRANSFERS_LIVE)], limit=NAMED).mapped("display_name")
        for model in ("cx.tower.plan.log", "cx.tower.command.log"):
            # sudo: as above
            runs = self.env[model].sudo().search(self._domain_of_live_runs(), limit=NAMED)
            found += runs.mapped("name")
        if found:
            raise UserError(
                self.env._(
                    "Jets cannot be uninstalled now, because something is running: %s. Wait for it to end, or stop it.",
                    "; ".join(dict.fromkeys(filter(None, found))),
                )
            )

    @api.model
    def _domain_of_live_runs(self):
        on_jets = Domain("jet_id", "!=", False) | Domain("jet_template_install_line_id", "!=", False)
        return Domain("state", "in", list(states.ACTIVE)) & on_jets

    @api.model
    def _prepare_uninstall(self):
        """Remove what belongs to jets from the tables of the server addon, so that servers stay usable. Nothing is done on hosts.

        Called by the uninstall hook, as superuser. It must not raise: Odoo would try again at each start.
        """
        self._end_steps_that_wait()
        self._replace_jet_commands()
        tasks = self.env["cx.tower.scheduled.task"].with_context(active_test=False)
        tasks.search([("action", "=", "create_waypoint")]).unlink()
        on_jets = Domain("jet_id", "!=", False) | Domain("jet_template_id", "!=", False)
        everything = {"active_test": False}
        files = self.env["cx.tower.file"].with_context(**everything).search(on_jets)
        files._write_quietly({"pushed_path": False})  # so that nothing is deleted on hosts
        self.env["cx.tower.server.log"].with_context(**everything).search(on_jets).unlink()
        files.last_log_id = False  # a transfer that is going on must not keep its file
        files.unlink()
        # without an owner they would become global
        self.env["cx.tower.variable.value"].with_context(**everything).search(on_jets).unlink()
        self.env.flush_all()
        sql.set_not_null(self.env.cr, "cx_tower_file", "server_id")

    @api.model
    def _end_steps_that_wait(self):
        """End steps that began to wait for an action, or a waypoint, of a jet after the check."""
        waiting = [("command_action", "in", [*CODE_WITHOUT_JETS]), ("state", "in", list(states.ACTIVE))]
        text = self.env._("The jets were uninstalled.")
        for log in self.env["cx.tower.command.log"].search(waiting):
            log._finish(RunEnd(int(ExitCode.JET_NOT_FOUND), text))

    @api.model
    def _replace_jet_commands(self):
        """Give commands that move jets code that fails: the server addon does not know their type."""
        Command = self.env["cx.tower.command"].with_context(active_test=False)
        for action, code in CODE_WITHOUT_JETS.items():
            commands = Command.search([("action", "=", action)])
            commands.write({"action": "ssh_command", "code": code, "path": False, "active": False})
