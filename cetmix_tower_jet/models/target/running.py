from odoo import api, models
from odoo.addons.cetmix_tower_server.worker import worker as run_worker
from odoo.exceptions import UserError, ValidationError


class CxTowerRunTargetMixin(models.AbstractModel):
    """Commands and flight plans that are started on a server for one of its jets run on the jet."""

    _inherit = "cx.tower.run.target.mixin"

    def run_command(
        self, command, path=None, sudo=None, ssh_connection=None, jet_template=None, jet=None, **kwargs
    ):
        """Start a command on these servers, or on a jet of this server. Other parameters: see ``cetmix_tower_server``.

        :param jet: record, id or reference of a jet on this server: the command runs on the jet
        :param jet_template: template of the jet, which follows from the jet and is only compared with it
        :return: as without a jet
        :raise ValidationError: the jet is on another server
        :raise UserError: an action is running on the jet
        """
        jet = self._jet_here(jet, jet_template)
        if jet:
            return jet.run_command(command, path=path, sudo=sudo, ssh_connection=ssh_connection, **kwargs)
        return super().run_command(command, path, sudo, ssh_connection, **kwargs)

    def run_flight_plan(self, flight_plan, jet_template=None, jet=None, **kwargs):
        """Start a flight plan on these servers, or on a jet of this server.

        :param flight_plan: record, id or reference. Other parameters: see :meth:`run_command` and ``cetmix_tower_server``
        :return: as without a jet
        :raise ValidationError, UserError: as :meth:`run_command`
        """
        jet = self._jet_here(jet, jet_template)
        if jet:
            return jet.run_flight_plan(flight_plan, **kwargs)
        return super().run_flight_plan(flight_plan, **kwargs)

    def _jet_here(self, jet, jet_template):
        """Return the jet that a caller names for a run on this target; empty when none is named, or it is the target itself.

        :param jet: record, id or reference
        :param jet_template: record, id or reference of its template
        """
        jets, target = self.env["cx.tower.jet"], self
        if isinstance(jet, int) and not isinstance(jet, bool):
            jets._jet_argument(jet)  # a jet was meant, so 0 does not mean its server
        if not (jet or jet_template):
            return jets
        if self._name == jets._name:
            found = self if not jet else jets._jet_argument(jet)
        elif not jet:
            raise ValidationError(
                self.env._("Pass a jet as well: the values of a jet template only apply to its jets.")
            )
        else:
            found = jets._jet_argument(jet)
        facts = found.sudo()  # sudo: compares the links of jets that the caller can read
        template = jet_template.id if isinstance(jet_template, models.BaseModel) else jet_template
        if template and template not in (facts.jet_template_id.id, facts.jet_template_id.reference):
            raise ValidationError(self.env._("“%s” is not a jet of that template.", found.name))
        if self._name == jets._name:
            if found != self:
                raise ValidationError(self.env._("Pass no other jet to a run on “%s”.", self.name))
            return jets
        if facts.server_id.ids != target.ids:
            raise ValidationError(
                self.env._(
                    "“%(jet)s” is on %(server)s, not on %(other)s.",
                    jet=found.name,
                    server=facts.server_id.name,
                    other=", ".join(target.mapped("name")),
                )
            )
        return found


class CxTowerJet(models.Model):
    """Commands and flight plans on jets: while an action runs, only its own flight plan may start anything."""

    _inherit = "cx.tower.jet"

    def run_command(
        self, command, path=None, sudo=None, ssh_connection=None, jet_template=None, jet=None, **kwargs
    ):
        """Start a command on each of these jets.

        Parameters and result: as on servers.

        :raise AccessError: without the right to read the jet or the command, or to set custom values
        :raise UserError: an action is running on one of the jets; says which, and who started it. The flight plan of that
            action may run commands.
        """
        self._check_nothing_runs()
        return super().run_command(command, path, sudo, ssh_connection, jet_template, jet, **kwargs)

    def run_flight_plan(self, flight_plan, jet_template=None, jet=None, **kwargs):
        """Start a flight plan on each of these jets.

        :param flight_plan: record, id or reference. Other parameters: as on servers
        :return: as on servers
        :raise AccessError, UserError: as :meth:`run_command`
        """
        self._check_nothing_runs()
        return super().run_flight_plan(flight_plan, jet_template, jet, **kwargs)

    def run_code(self, code, action="ssh_command", path=None, sudo=None, variable_values=None, label=None):
        """Run code that is not stored as a command on each of these jets.

        Parameters and result: as on servers.

        :raise AccessError, UserError: as :meth:`run_command`
        """
        self._check_nothing_runs()
        return super().run_code(code, action, path, sudo, variable_values, label)

    def _check_nothing_runs(self):
        """Raise UserError if an action runs on one of these jets, unless the caller is part of it."""
        self.check_access("read")
        busy = self.sudo()._find_busy(None)  # sudo: everybody who sees a jet is told why it is busy
        for reason in busy.values():
            raise UserError(reason)

    def _find_busy(self, request):
        """Where an action runs, only its own flight plan starts, and what that plan's commands start."""
        busy = super()._find_busy(request)
        moving = self.filtered("current_transition_id")
        if not moving:
            return busy
        own = self._transitions_of_this_thread()
        if request and request.log_values.get("jet_transition_id"):
            asking = own.browse(request.log_values["jet_transition_id"])
            own |= asking | asking.parent_id
        for jet in moving:
            if jet.current_transition_id not in own:
                busy[jet.id] = self.env._(
                    "Nothing can be started on “%(jet)s” now: %(busy)s. Wait for it to end, or stop it.",
                    jet=jet.name,
                    busy=jet._busy_text(),
                )
        return busy

    @api.model
    def _transitions_of_this_thread(self):
        """Return the transitions whose flight plans the calling code is part of: that of its own run, and of those around it.

        Decided by the run that this thread executes, not by anything that a caller could pass.
        """
        held = run_worker.get(self.env.cr.dbname).held_by_this_thread()
        # sudo: finds out what the calling code belongs to; nothing of it is shown
        log = self.env["cx.tower.command.log"].sudo().browse(held or [])
        found = self.env["cx.tower.jet.transition"].sudo()
        while log:
            run = log.plan_log_id.top_plan_log_id
            found |= run.jet_transition_id | run.jet_transition_id.parent_id
            log = run.triggering_command_log_id
        return found
