import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import clean_context

from ...engine import states
from ...engine.exit_codes import ExitCode

# Ends of runs that were refused at their start; the person who started them has seen why.
NEVER_BEGAN = (
    ExitCode.ANOTHER_COMMAND_RUNNING,
    ExitCode.ANOTHER_PLAN_RUNNING,
    ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER,
)

#: Runs are counted up to here, as the web client counts the rows of a list: a log may have millions of them.
COUNT_LIMIT = 10_000


class CxTowerRunMixin(models.AbstractModel):
    """What command runs and flight plan runs have in common: who started them and when, their state, stopping them, and
    how lists read them.

    The state machine is ``engine.states``. Rows are written by the run engine only: no group has the right
    to create, write or (Root excepted) delete them, and the engine's writes are ``sudo``.
    """

    _name = "cx.tower.run.mixin"
    _description = "Tower run"
    _inherit = [
        "cx.tower.wait.mixin",
        "cx.tower.news.mixin",
        "cx.tower.sealed.mixin",
        "cx.tower.target.link.mixin",
    ]

    name = fields.Char(readonly=True, help="What ran and where, with the names at that time.")
    active = fields.Boolean(default=True)
    reference = fields.Char(
        required=True, readonly=True, copy=False, default=lambda self: self._new_run_reference()
    )
    label = fields.Char(index="trigram", help="Free text for finding this run later.")
    server_id = fields.Many2one("cx.tower.server", ondelete="set null", help="Empty when it was deleted.")
    user_id = fields.Many2one(
        "res.users", string="Started by", default=lambda self: self.env.user, ondelete="set null"
    )
    state = fields.Selection(states.LABELS, default=states.QUEUED, required=True, readonly=True)
    queued_date = fields.Datetime(default=fields.Datetime.now, readonly=True)
    start_date = fields.Datetime(readonly=True)
    finish_date = fields.Datetime(readonly=True)
    duration = fields.Float(readonly=True, help="Seconds from start to finish.")
    duration_current = fields.Float(compute="_compute_duration_current", string="Duration so far")
    is_running = fields.Boolean(compute="_compute_is_running", search="_search_is_running")
    message = fields.Text(readonly=True, help="One sentence about how the run ended.")
    stop_requested_by_id = fields.Many2one("res.users", string="Stop requested by", readonly=True)
    stop_requested_date = fields.Datetime(readonly=True)

    fleet_run_id = fields.Many2one(
        "cx.tower.fleet.run",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The fleet run that this run is a member of.",
    )
    is_held = fields.Boolean(
        string="Waiting for its turn",
        readonly=True,
        copy=False,
        help="It is held until its turn in the fleet run.",
    )

    _reference_unique = models.UniqueIndex("(reference)", "The reference of a run must be unique.")
    _fleet_members = models.Index(
        "(fleet_run_id, id) WHERE fleet_run_id IS NOT NULL AND state IN ('queued', 'running', 'waiting')"
    )

    _sealed = models.Index("(id) WHERE sealed IS NOT NULL")

    # In the order of the lists: reading a list by server, person or state reads its first rows only.
    _newest = models.Index("(start_date DESC, id DESC)")
    _newest_of_server = models.Index("(server_id, start_date DESC, id DESC)")
    _newest_of_user = models.Index("(user_id, start_date DESC, id DESC)")
    # Most runs succeed; these filters are for the others. Two states at once need an index of their own to stay in order.
    _newest_by_state = models.Index("(state, start_date DESC, id DESC) WHERE state != 'done'")
    _newest_failures = models.Index("(start_date DESC, id DESC) WHERE state IN ('failed', 'interrupted')")
    # For the filters by date; small and cheap in a table that is written in the order of time.
    _queued = models.Index("USING brin (queued_date)")

    def _sealed_place(self):
        return self.reference

    @api.model
    def _seal_new__(self, values, secrets):
        """Return the values of a new run as they are stored; see ``cx.tower.sealed.mixin``."""
        if not secrets:
            return values
        reference = values.get("reference") or self._new_run_reference()
        return self._seal__({**values, "reference": reference}, secrets, reference)

    @api.model
    def _new_run_reference(self):
        """Return a reference nobody can guess; it names a run in URLs and scripts."""
        return f"run_{secrets.token_hex(8)}"

    @api.model_create_multi
    def create(self, vals_list):
        # Runs are created with the engine's rights, so defaults in the caller's context must not apply.
        clean = self.with_env(self.env(context=clean_context(self.env.context)))
        vals_list = self._with_dates_of_ends(vals_list)
        return super(CxTowerRunMixin, clean).create(vals_list).with_env(self.env)

    @api.model
    def _with_dates_of_ends(self, vals_list):
        """Add dates to the values of runs that end with their creation: lists sort by them, the purge searches by them."""
        if not any(vals.get("state") in states.FINISHED for vals in vals_list):
            return vals_list
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        (now,) = self.env.cr.fetchone()
        dates = {"start_date": now, "finish_date": now}
        return [{**dates, **vals} if vals.get("state") in states.FINISHED else vals for vals in vals_list]

    @api.depends("start_date", "finish_date", "duration")
    def _compute_duration_current(self):
        now = fields.Datetime.now()
        for run in self:
            if run.finish_date or not run.start_date:
                run.duration_current = run.duration
            else:
                # the database's clock may be behind ours, or have been set back
                run.duration_current = max(0.0, (now - run.start_date).total_seconds())

    @api.depends("state")
    def _compute_is_running(self):
        for run in self:
            run.is_running = run.state in states.ACTIVE

    def _search_is_running(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = set()
        if True in value:
            wanted.update(states.ACTIVE)
        if False in value:
            wanted.update(states.FINISHED)
        return Domain("state", "in", sorted(wanted))

    def _check_may_stop(self):
        """Raise AccessError unless the caller may stop these runs: who started it, managers of its target, and Root."""
        self.check_access("read")
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        user = self.env.user
        for run in self:
            # sudo: compares the managers of the run's target with the caller; shows only names
            target = run.sudo()._run_target()
            if run.sudo().user_id != user and user not in target._get_stop_managers():
                raise AccessError(
                    self.env._(
                        "You may not stop “%(run)s”: only the person who started it, Managers of %(server)s and "
                        "Root may.",
                        run=run.sudo().name,
                        server=target.name,
                    )
                )

    def _notify_starter(self):
        """Notify the person who started a run of its end, as configured in the settings.

        A notification only stays open when something happened on a host.
        """
        if self.fleet_run_id:  # the fleet run notifies once for all its members
            return
        settings = self.env["cx.tower.settings"]._get()
        succeeded = self.state == states.DONE
        wanted = settings.notification_type_success if succeeded else settings.notification_type_error
        if not wanted or not self.user_id:
            return
        label = dict(states.LABELS)[self.state]
        nothing_ran = self.state == states.SKIPPED
        is_refused = self._exit_code() in NEVER_BEGAN
        self.user_id._bus_send(
            "simple_notification",
            {
                "type": self._notification_type(),
                "title": self.name,
                "message": self.message or self.env._("%(state)s", state=label),
                "sticky": wanted == "sticky" and not (nothing_ran or is_refused or self._was_wanted()),
            },
        )

    def _may_stop(self):
        """Return whether the caller may stop these runs."""
        try:
            self._check_may_stop()
        except AccessError:
            return False
        return True

    def _place_name(self):
        """Return where this run takes place, as lists of a fleet run's members show it. Extension point."""
        return self.server_name

    def _exit_code(self):
        """Return the exit code of a run that has ended. Overridden by both kinds of logs."""
        return 0

    def _start_result(self):
        """Return what the caller of a start gets: plain values that identify the logs."""
        # sudo: whoever started the runs is told their state and server, also where the logs are above their level
        rows = [
            {
                "id": log.id,
                "reference": log.reference,
                "server": log.server_id.reference or "",
                "state": log.state,
                "exit_code": log._exit_code(),
            }
            for log in self.sudo()
        ]
        single = (
            {key: rows[0][key] for key in ("id", "reference", "state", "exit_code")} if len(rows) == 1 else {}
        )
        return {"logs": rows, **single}

    @api.ondelete(at_uninstall=False)
    def _unlink_except_active(self):
        """Keep the logs of active runs: without its log a run would continue unseen on its host."""
        for log in self.sudo():  # sudo: the state decides, whether the caller may read it or not
            if log.state in states.ACTIVE:
                raise UserError(
                    self.env._("“%s” has not ended. Stop it first, then delete its log.", log.name)
                )

    @api.model
    def _get_title(self):
        """Return the title of a list of these runs. Overridden by both kinds of logs."""
        return self._description

    def _is_finished(self):
        """Return whether this run has ended, whatever the result."""
        self.ensure_one()
        return self.state in states.FINISHED

    def action_stop(self):
        """Request the stop of these runs and say so (button)."""
        self.stop()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("Stop requested. The log shows when the host has confirmed it."),
            },
        }

    def _action_open(self):
        """Return the action that shows these runs: one in its form, several in a list."""
        action = {
            "type": "ir.actions.act_window",
            "name": self._get_title(),
            "res_model": self._name,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", self.ids)],
        }
        if len(self) == 1:
            action |= {"view_mode": "form", "views": [(False, "form")], "res_id": self.id}
        return action

    # ------------------------------------------------------------------
    # Lists, counters and cards: newest first, by index, never all of a log of millions of runs
    # ------------------------------------------------------------------

    @api.model
    def _count_by(self, field_name, owners, domain=()):
        """Count the runs of records, as far as the caller may read them.

        :param str field_name: many2one that leads from a run to its owner
        :param owners: records
        :param domain: which runs count
        :return: {id of an owner: number of runs}; COUNT_LIMIT + 1 stands for "more than COUNT_LIMIT"
        """
        rows = self._query_of_each(field_name, owners, domain, limit=COUNT_LIMIT + 1)
        if not rows:
            return {}
        return dict(self.env.execute_query(SQL(
            "SELECT owner.id, (SELECT count(*) FROM %s AS counted) FROM unnest(%s::int[]) AS owner (id)", rows, owners.ids
        )))  # fmt: skip

    @api.model
    def _newest_by(self, field_name, owners, domain=()):
        """Find the newest run of records, among those that the caller may read.

        :return: {id of an owner: run}; owners without a run are missing
        """
        rows = self._query_of_each(field_name, owners, domain, limit=1)
        if not rows:
            return {}
        found = self.env.execute_query(SQL(
            "SELECT owner.id, newest.id FROM unnest(%s::int[]) AS owner (id) CROSS JOIN LATERAL %s AS newest",
            owners.ids, rows,
        ))  # fmt: skip
        runs = self.browse(run_id for _owner_id, run_id in found)  # so that they are fetched together
        return {owner_id: run for (owner_id, _run_id), run in zip(found, runs, strict=True)}

    def _query_of_each(self, field_name, owners, domain, limit):
        """Return a subselect of the newest runs of the row ``owner``, for a LATERAL join; None when the caller may read none."""
        field = self._fields[field_name]
        self.flush_model([field_name, "start_date"])
        query = self._search(list(domain), order=self._order, limit=limit)
        if query.is_empty():  # the caller may read none at all
            return None
        query.add_where(SQL("%s = owner.id", self._field_to_sql(self._table, field.name, query)))
        return query.subselect()
