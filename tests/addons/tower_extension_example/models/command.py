from odoo import api, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.masking.masker import Masker
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.addons.cetmix_tower_server.engine.work import DatabaseWork, Ended

NOTE_TIMEOUT_S = 60


class CxTowerCommand(models.Model):
    """An action of commands, and a name in Python commands."""

    _inherit = "cx.tower.command"

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), ("site_note", "Write the site's note")]

    @api.model
    def _get_python_command_odoo_objects(self, server, site=None, **scopes):
        names = super()._get_python_command_odoo_objects(server, **scopes)
        return names | {"site": {"import": site, "help": self.env._("site the command runs for")}}


class CxTowerServer(models.Model):
    """The runner of the action."""

    _inherit = "cx.tower.server"

    def _get_command_runners(self):
        return {**super()._get_command_runners(), "site_note": self._command_runner_site_note}

    def _command_runner_site_note(self, log, logins):
        """Return the work of a command that writes its rendered code into the note of its site."""
        site = log._run_target()
        if site._name != "cx.tower.site":
            text = self.env._("“%s” runs on sites only.", log.command_id.name)
            return Ended(RunEnd.prevented(ExitCode.GENERAL_ERROR, text))
        inputs, _secrets = log._frozen_inputs__()
        site_id, note = site.id, inputs.code

        def perform(job, record):
            # In the transaction that also records the end: the note and the word "done" are committed together.
            record.env["cx.tower.site"].browse(site_id).note = note
            return RunEnd(ExitCode.OK, response=note)

        return DatabaseWork(perform, Masker({}), NOTE_TIMEOUT_S)
