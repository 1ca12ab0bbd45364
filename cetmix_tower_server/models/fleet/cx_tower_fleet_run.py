import secrets
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import clean_context

from ...engine import states
from ...engine.run_request import RunRequest
from ..base.storable_values import is_whole_number

RUNNING = "running"
STOPPING = "stopping"
STATES = [
    (RUNNING, "Running"),
    (STOPPING, "Stopping"),
    (states.DONE, "Done"),
    (states.FAILED, "Failed"),
    (states.STOPPED, "Stopped"),
]
ACTIVE = (RUNNING, STOPPING)
SERVERS_LIMIT = 10_000


class CxTowerFleetRun(models.Model):
    """One command or flight plan on many servers, with limits for parallel runs and for failures.

    Its members are ordinary runs, one per server: logs with ``fleet_run_id``. All of them are created when the fleet run
    starts, with the inputs of that moment. Members that are not yet allowed to run are *held*, see ``turns.py``.
    """

    _name = "cx.tower.fleet.run"
    _description = "Tower Fleet Run"
    _inherit = ["cx.tower.wait.mixin", "cx.tower.news.mixin", "bus.listener.mixin"]
    _order = "id desc"

    name = fields.Char(required=True, readonly=True)
    reference = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: f"fleet_run_{secrets.token_hex(8)}",
    )
    active = fields.Boolean(default=True)
    label = fields.Char(index="trigram", help="Free text for finding this run later.")
    user_id = fields.Many2one(
        "res.users", string="Started by", default=lambda self: self.env.user, index=True, ondelete="set null"
    )
    kept_user_name = fields.Char(string="Started by (deleted)", readonly=True, copy=False)
    action = fields.Selection(
        [("command", "Command"), ("plan", "Flight plan")], required=True, readonly=True, string="What runs"
    )
    command_id = fields.Many2one(
        "cx.tower.command", readonly=True, ondelete="set null", index="btree_not_null"
    )
    plan_id = fields.Many2one(
        "cx.tower.plan",
        string="Flight plan",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    access_level = fields.Selection(
        selection=lambda self: self.env["cx.tower.access.mixin"]._selection_access_level(),
        required=True,
        readonly=True,
        default="2",
    )
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_fleet_run_server_rel",
        "fleet_run_id",
        "server_id",
        string="Servers",
        readonly=True,
    )
    command_log_ids = fields.One2many("cx.tower.command.log", "fleet_run_id", string="Command runs")
    plan_log_ids = fields.One2many("cx.tower.plan.log", "fleet_run_id", string="Flight plan runs")
    variable_values = fields.Json(string="Custom values", readonly=True)
    run_input = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Remaining inputs needed to run it again."
    )
    concurrency_limit = fields.Integer(
        string="Servers at once",
        readonly=True,
        aggregator=None,
        help="Servers that run at the same time. 0: as many as the settings allow.",
    )
    stop_after_failures = fields.Integer(
        string="Stop after failures",
        readonly=True,
        aggregator=None,
        help="Start no more servers after this many have failed. 0: never stop early.",
    )
    stop_after_percent = fields.Integer(
        string="Stop after failures (%)",
        readonly=True,
        aggregator=None,
        help="Start no more servers once this percentage of them has failed. 0: never stop early.",
    )
    server_count = fields.Integer(string="Number of servers", readonly=True, aggregator=None)
    failures = fields.Integer(readonly=True, aggregator=None)
    is_halted = fields.Boolean(
        readonly=True, help="Too many servers failed, so the remaining ones were not started."
    )
    state = fields.Selection(STATES, required=True, readonly=True, default=RUNNING, index=True)
    message = fields.Text(readonly=True, help="How the run ended, in one sentence.")
    start_date = fields.Datetime(string="Started", default=fields.Datetime.now, readonly=True)
    finish_date = fields.Datetime(string="Ended", readonly=True)
    stop_requested_by_id = fields.Many2one("res.users", string="Stop requested by", readonly=True)
    stop_requested_date = fields.Datetime(readonly=True)
    retry_of_id = fields.Many2one(
        "cx.tower.fleet.run", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _reference_unique = models.UniqueIndex("(reference)", "The reference of a run must be unique.")

    # ------------------------------------------------------------------
    # Starting
    # ------------------------------------------------------------------

    @api.model
    def start(
        self,
        command=None,
        plan=None,
        servers=None,
        tags=None,
        os=None,
        domain=None,
        concurrency_limit=0,
        stop_after_failures=0,
        stop_after_percent=0,
        variable_values=None,
        path=None,
        sudo=None,
        label=None,
    ):
        """Start a command or a flight plan on many servers. Servers the caller may not read are not found.

        :param command: id or reference of a command (or the record); this or ``plan``
        :param plan: id or reference of a flight plan
        :param list servers: ids or references of servers; None: all that match the criteria
        :param list tags: references of tags; servers with any of them
        :param list os: references of operating systems; servers with any of them
        :param list domain: further condition on servers, as in a search
        :param int concurrency_limit: servers at once; 0: as many as the settings allow
        :param int stop_after_failures: failed servers after which no further one is started; 0: never
        :param int stop_after_percent: the same as a share of the servers, 1 to 100; 0: never
        :param dict variable_values: custom values of the run
        :param str path: directory, for a command
        :param sudo: False: without sudo, for a command
        :param str label: a word to find the run by
        :return: dict ``id``, ``reference``, ``state``, ``servers`` (number of them)
        :raise AccessError: the caller may not run that on one of these servers
        :raise ValidationError: nothing to run, no servers, unknown references, limits out of range
        """
        self.browse().check_access("read")
        found = self._find_servers(servers, tags, os, domain)
        request = RunRequest(variable_values=variable_values or {}, path=path, sudo=sudo, label=label)
        limits = {
            "concurrency_limit": concurrency_limit,
            "stop_after_failures": stop_after_failures,
            "stop_after_percent": stop_after_percent,
        }
        what = self._what_argument(found, command, plan)
        return self._start(found, what, request, limits)._start_result()

    @api.model
    def _what_argument(self, targets, command, plan):
        """Return the command or flight plan that the arguments of :meth:`start` name."""
        if bool(command) == bool(plan):
            raise ValidationError(self.env._("Pass either a command or a flight plan to run."))
        return targets._command_argument(command) if command else targets._plan_argument(plan)

    def _start_result(self):
        fleet = self.sudo()  # sudo: who started it reads what he started
        return {
            "id": fleet.id,
            "reference": fleet.reference,
            "state": fleet.state,
            "servers": fleet.server_count,
        }

    @api.model
    def _find_servers(self, servers=None, tags=None, os=None, domain=None):
        """Return the servers that are meant, among those the caller may read; see :meth:`start`.

        :raise ValidationError: names that nothing answers to, or no server at all
        """
        criteria = Domain(domain or Domain.TRUE)
        if tags:
            criteria &= Domain("tag_ids", "in", self._named("cx.tower.tag", tags).ids)
        if os:
            criteria &= Domain("os_id", "in", self._named("cx.tower.os", os).ids)
        if servers is not None:
            criteria &= Domain("id", "in", self._named("cx.tower.server", servers).ids)
        elif criteria.is_true():
            raise ValidationError(
                self.env._("No servers are selected. Pass servers, tags, operating systems or a domain.")
            )
        found = self.env["cx.tower.server"].search(criteria, limit=SERVERS_LIMIT + 1)
        if not found:
            raise ValidationError(self.env._("No server you can access matches the selection."))
        if len(found) > SERVERS_LIMIT:
            raise ValidationError(
                self.env._("A fleet run can have at most %s servers. Split it into several.", SERVERS_LIMIT)
            )
        return found

    @api.model
    def _named(self, model, names):
        """Return the records of a model that ids or references name, as the caller sees them.

        :raise ValidationError: names that no record answers to which the caller may read
        """
        records = self.env[model]._find_named(names)
        unseen = records - records._filtered_access("read")
        if unseen:
            raise records._not_found(unseen.ids)
        return records

    def _name_of(self, what, servers):
        """Return what a run of something on these servers is called."""
        if len(servers) == 1:
            return self.env._("%(what)s on %(server)s", what=what, server=servers.name)
        return self.env._("%(what)s on %(count)s servers", what=what, count=len(servers))

    @api.model
    def _start(self, targets, what, request, limits, retry_of_id=None):
        """Start a fleet run: all checks as the caller, then the runs of all targets, then turns are given.

        :param targets: where to run: servers, or another model of ``cx.tower.run.target.mixin``
        :param what: command or flight plan
        :param request: :class:`engine.run_request.RunRequest`
        :param limits: dict of ``concurrency_limit``, ``stop_after_failures``, ``stop_after_percent``
        :param retry_of_id: id of the fleet run that is repeated
        :return: fleet run, readable by the caller
        """
        limits = self._checked_limits(limits)
        targets._refuse_secrets_in_values(request.variable_values)
        # sudo: nobody may create fleet runs by hand; the right to run is checked below, before anything is queued.
        # Defaults in the caller's context must not come along.
        clean = self.env(su=True, context=clean_context(self.env.context))
        # sudo: the name and level of what runs are shown to whoever may read the fleet run
        description = self._describe(targets, what.sudo(), request)
        fleet = self.with_env(clean).create(
            {
                **description,
                "user_id": self.env.user.id,
                "start_date": False,  # until all members are there
                "retry_of_id": retry_of_id,
                **limits,
            }
        )
        request = replace(request, log_values={**request.log_values, "fleet_run_id": fleet.id})
        if fleet.action == "command":
            members = targets._create_command_runs(what, request)
        else:
            members = targets._create_plan_runs(what, request)
        members = members.sudo()  # sudo: the right to run was checked
        fleet._give_first_turns(members)
        self.env["cx.tower.run.backend"]._chosen()._dispatch(members)
        return fleet.sudo(self.env.su)

    @api.model
    def _describe(self, targets, what, request):
        """Return the values that say what a fleet run runs, and where."""
        is_command = what._name == "cx.tower.command"
        return {
            "name": self._name_of(what.name, targets),
            "label": request.label,
            "action": "command" if is_command else "plan",
            "command_id": is_command and what.id,
            "plan_id": not is_command and what.id,
            "access_level": what.access_level,
            self._targets_field(targets): [(6, 0, targets.ids)],
            "server_count": len(targets),
            "variable_values": request.variable_values or False,
            "run_input": {"path": request.path, "sudo": request.sudo, "code": request.code},
        }

    @api.model
    def _get_targets_fields(self):
        """Return the links to what fleet runs run on. Extension point: an addon that adds a kind of target adds a many2many.

        A fleet run has targets of one kind.
        """
        return ["server_ids"]

    @api.model
    def _targets_field(self, targets):
        """Return the link to targets of this kind."""
        names = {self._fields[name].comodel_name: name for name in self._get_targets_fields()}
        return names[targets._name]

    def _run_targets(self):
        """Return what this fleet run runs on."""
        return next((self[name] for name in self._get_targets_fields() if self[name]), self.server_ids)

    @api.model
    def _checked_limits(self, limits):
        """Return the limits of a fleet run as numbers.

        :raise ValidationError: not a number, negative, or a share above 100 %
        """
        checked = {}
        for name in ("concurrency_limit", "stop_after_failures", "stop_after_percent"):
            value = limits.get(name) or 0
            highest = 100 if name == "stop_after_percent" else SERVERS_LIMIT
            if not is_whole_number(value, 0, highest):
                field = self._fields[name]._description_string(self.env)
                raise ValidationError(
                    self.env._(
                        "“%(field)s” must be a whole number from 0 to %(highest)s.",
                        field=field,
                        highest=highest,
                    )
                )
            checked[name] = value
        return checked

    # ------------------------------------------------------------------
    # Deleting
    # ------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_active(self):
        """Keep active fleet runs: without them, their held members would never get a turn."""
        for fleet in self.sudo():  # sudo: only reads state and name, to explain the refusal
            if fleet.state in ACTIVE:
                raise UserError(
                    self.env._("“%s” is still running. Stop it before you delete it.", fleet.name)
                )

    # ------------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------------

    def _action_open(self):
        """Return the action that shows this fleet run."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Fleet Run"),
            "res_model": self._name,
            "view_mode": "form",
            "views": [(False, "form")],
            "res_id": self.id,
            "context": {"active_id": False},
        }

    def action_open_members(self):
        """Open the list of this fleet run's members.

        :raise AccessError: the caller may not read the fleet run
        """
        self.ensure_one()
        self.check_access("read")
        xmlid = "action_cx_tower_command_log" if self.action == "command" else "action_cx_tower_plan_log"
        action = self.env["ir.actions.act_window"]._for_xml_id(f"cetmix_tower_server.{xmlid}")
        return action | {"domain": [("fleet_run_id", "=", self.id)], "context": {}}
