from odoo import models


class CxTowerRunTargetMixin(models.AbstractModel):
    """What commands and flight plans can be run on: servers, and whatever an addon adds.

    This file is what a target tells about itself: each fact in one method, which a further kind of target overrides. All
    else asks the target and never assumes that it is a server. How runs are started is in ``starting.py``. An
    addon that adds a kind also gives logs a link to it, see ``cx.tower.run.mixin._get_target_fields``; the way is described in
    ``docs/developer/extending.md``.
    """

    _name = "cx.tower.run.target.mixin"
    _description = "Tower run target"

    def _run_server(self):
        """Return the server on whose host runs of this target work; for several targets, all of their servers."""
        raise NotImplementedError

    def _get_variable_scope_records(self):
        """Return {scope name: record} of the values of variables that count here, and of the system values ``tower.*``.

        Their order is that of ``cx.tower.variable._get_scopes``.
        """
        self.ensure_one()
        return {"server": self._run_server()}

    def _get_secret_owners(self):
        """Return {"server": record, "partner": record}, whose values of secrets count here before the global ones."""
        self.ensure_one()
        # sudo: a run may use the partner of its server; only its secrets are looked up by it
        server = self._run_server().sudo()
        return {"server": server, "partner": server.partner_id}

    def _get_guard_key(self, what):
        """Return the key of which only one run at a time may be active, where runs are not to be side by side.

        :param what: command or flight plan
        """
        self.ensure_one()
        return f"{self._name.removeprefix('cx.tower.')}:{self.id}:{what.id}"

    def _get_python_scopes(self, run):
        """Return the records that Python code of a run finds, by argument of
        ``cx.tower.command._get_python_command_odoo_objects``.

        :param run: log of the command, in the environment of the person who runs it
        """
        self.ensure_one()
        return {"server": self._run_server()}

    def _get_command_runners(self):
        """Return {action: runner}: methods that take the log of a claimed run and return its work.

        The work is done on the server's host, so these are the server's, see ``cx.tower.server``.
        """
        return self._run_server()._get_command_runners()

    def _find_refusals(self, what):
        """Return {target id: why a command or flight plan may not run there}, without the targets where it may.

        :param what: command or flight plan, with all rights: what restricts it counts, whoever asks
        """
        reasons = what._get_incompatibilities(self._run_server())
        found = {target.id: reasons[target._run_server().id] for target in self}
        return {target_id: reason for target_id, reason in found.items() if reason}

    def _get_stop_managers(self):
        """Return the people who may stop the runs of this target, besides those who started them and Root."""
        return self._run_server().manager_ids if self else self.env["res.users"]
