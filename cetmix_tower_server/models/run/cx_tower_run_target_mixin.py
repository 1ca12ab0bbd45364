from odoo import models


class CxTowerRunTargetMixin(models.AbstractModel):
    """What commands and flight plans run on: servers, and whatever an addon adds.

    This file holds the questions that Tower asks a target, one method each. A new kind of target overrides them; no other code
    assumes that a target is a server. ``starting.py`` starts runs, ``rendering.py`` renders their code. An addon that adds a
    kind of target also links runs to it (``cx.tower.target.link.mixin``), see ``docs/developer/extending.md``.
    """

    _name = "cx.tower.run.target.mixin"
    _description = "Tower run target"

    def _run_server(self):
        """Return the server on whose host runs of this target work; for several targets, all of their servers."""
        raise NotImplementedError

    def _get_variable_scope_records(self):
        """Return {scope name: record}: whose values of variables apply here, and what the system values ``tower.*`` describe.

        ``cx.tower.variable._get_scopes`` decides their order.
        """
        self.ensure_one()
        return {"server": self._run_server()}

    def _get_secret_owners(self):
        """Return {"server": record, "partner": record}: whose values of secrets apply here, before the global ones."""
        self.ensure_one()
        # sudo: whoever may run something here uses the secrets of the server's partner; the partner is not shown
        server = self._run_server().sudo()
        return {"server": server, "partner": server.partner_id}

    def _get_guard_key(self, what):
        """Return the key under which only one run at a time may be active, unless the author allows parallel runs.

        :param what: command or flight plan
        """
        self.ensure_one()
        return f"{self._name.removeprefix('cx.tower.')}:{self.id}:{what.id}"

    def _get_python_scopes(self, run):
        """Return the records that the Python code of a run can use: arguments of
        ``cx.tower.command._get_python_command_odoo_objects``.

        :param run: log of the command, in the environment of the person who runs it
        """
        self.ensure_one()
        return {"server": self._run_server()}

    def _get_command_runners(self):
        """Return {action: runner}: methods that take the log of a claimed run and return its work.

        By default those of the server, on whose host the work is done.
        """
        return self._run_server()._get_command_runners()

    def _find_refusals(self, what):
        """Return {target id: why a command or flight plan may not run there}, without the targets where it may.

        :param what: command or flight plan, as superuser: restrictions apply even if the caller may not see them
        """
        reasons = what._get_incompatibilities(self._run_server())
        found = {target.id: reasons[target._run_server().id] for target in self}
        return {target_id: reason for target_id, reason in found.items() if reason}

    def _find_busy(self, request):
        """Return {target id: why nothing new may be started there at the moment}, without the targets where it may.

        What is already running continues, and flight plans continue with their next steps.

        :param request: :class:`engine.run_request.RunRequest`
        """
        return {}

    def _get_stop_managers(self):
        """Return the people who may stop the runs of this target, besides those who started them and Root."""
        return self._run_server().manager_ids if self else self.env["res.users"]
