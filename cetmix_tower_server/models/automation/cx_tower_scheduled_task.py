from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools.misc import format_date, format_datetime

from ...engine import schedule

WEEKDAY_FIELDS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INTERVAL_FIELDS = ("interval_number", "interval_type", *WEEKDAY_FIELDS)
# These fields determine what runs, where, when and with which values.
DECIDING_FIELDS = (
    "action",
    "command_id",
    "plan_id",
    "server_ids",
    "server_template_ids",
    "next_call",
    "custom_variable_value_ids",
    *INTERVAL_FIELDS,
)
INTERVAL_LIMIT = 9999
PREVIEW_COUNT = 5


class CxTowerScheduledTask(models.Model):
    """Runs a command or flight plan on a schedule, with the rights of its owner.

    The owner's rights at the moment of the run count. Whoever changes what, where, when or with which values a task runs
    becomes its owner, so nobody can use the rights of another person. ``starting.py`` starts the runs, ``results.py``
    evaluates them, and ``engine/schedule.py`` computes the dates.
    """

    _name = "cx.tower.scheduled.task"
    _description = "Tower Scheduled Task"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.automation.mixin",
        "mail.thread",
    ]
    _order = "sequence, name, id"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    user_id = fields.Many2one(
        "res.users",
        string="Runs as",
        required=True,
        default=lambda self: self.env.user,
        copy=False,
        index=True,
        ondelete="restrict",
        help=(
            "The owner of the task: each run has this person's rights, and the schedule follows their time "
            "zone. Whoever changes what the task does becomes its owner."
        ),
    )
    timezone = fields.Char(compute="_compute_timezone", string="Time zone")
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_scheduled_task_server_rel",
        "scheduled_task_id",
        "server_id",
        string="Servers",
    )
    server_template_ids = fields.Many2many(
        "cx.tower.server.template",
        "cx_tower_server_template_scheduled_task_rel",
        "scheduled_task_id",
        "server_template_id",
        string="Server templates",
        copy=False,
        help="The task also runs on servers created from these templates from now on.",
    )
    user_ids = fields.Many2many(
        "res.users", "cx_tower_scheduled_task_user_rel", "record_id", "user_id", string="Users"
    )
    manager_ids = fields.Many2many(
        "res.users", "cx_tower_scheduled_task_manager_rel", "record_id", "manager_id", string="Managers"
    )
    custom_variable_value_ids = fields.One2many(
        "cx.tower.scheduled.task.cv", "scheduled_task_id", string="Custom values", copy=True
    )

    interval_number = fields.Integer(string="Every", required=True, default=1)
    interval_type = fields.Selection(
        [
            ("minutes", "Minutes"),
            ("hours", "Hours"),
            ("days", "Days"),
            ("dow", "Weeks, on selected days"),
            ("weeks", "Weeks"),
            ("months", "Months"),
        ],
        string="Unit",
        required=True,
        default="months",
    )
    monday = fields.Boolean()
    tuesday = fields.Boolean()
    wednesday = fields.Boolean()
    thursday = fields.Boolean()
    friday = fields.Boolean()
    saturday = fields.Boolean()
    sunday = fields.Boolean()
    next_call = fields.Datetime(
        string="Next run",
        required=True,
        default=fields.Datetime.now,
        copy=False,
        index=True,
        help=(
            "Shown in your time zone. The next five runs are shown in the owner's time zone. Changing this "
            "date moves the whole schedule."
        ),
    )
    schedule_start = fields.Datetime(
        string="Schedule start",
        readonly=True,
        copy=False,
        help="Reference date of the schedule. It determines the time of day and the day of the month.",
    )
    next_calls = fields.Text(string="Next five runs", compute="_compute_next_calls")
    last_call = fields.Datetime(string="Last run", readonly=True, copy=False)
    schedule_text = fields.Char(compute="_compute_schedule_text", string="Schedule")
    note = fields.Text()

    _interval_positive = models.Constraint(
        f"CHECK(interval_number BETWEEN 1 AND {INTERVAL_LIMIT})",
        f"The interval must be a number from 1 to {INTERVAL_LIMIT}.",
    )

    @api.model
    def _get_deciding_fields(self):
        """Return the fields that determine what runs, where, when and with which values. Extension point."""
        return [*DECIDING_FIELDS]

    @api.model
    def _get_user_role_group(self):
        return "cetmix_tower_server.group_manager"  # users have no rights on tasks at all

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "command_id", "plan_id"]

    # ------------------------------------------------------------------ schedule

    @api.depends("user_id.tz")
    def _compute_timezone(self):
        for task in self:
            # sudo: reads only the owner's time zone, which everyone who can read the task may know
            task.timezone = task.user_id.sudo().tz or "UTC"

    @api.depends(*INTERVAL_FIELDS)
    def _compute_schedule_text(self):
        for task in self:
            task.schedule_text = task._is_schedulable() and task._word_schedule()

    def _word_schedule(self):
        """Return the interval in words."""
        texts = {
            "minutes": (self.env._("Every minute"), self.env._("Every %s minutes")),
            "hours": (self.env._("Every hour"), self.env._("Every %s hours")),
            "days": (self.env._("Every day"), self.env._("Every %s days")),
            "weeks": (self.env._("Every week"), self.env._("Every %s weeks")),
            "months": (self.env._("Every month"), self.env._("Every %s months")),
        }
        by_day = self.interval_type == "dow"
        one, many = texts["weeks" if by_day else self.interval_type]
        text = one if self.interval_number == 1 else many % self.interval_number
        if not by_day:
            return text
        # names of weekdays in the reader's language: 1 January 2024 was a Monday
        names = [
            format_date(self.env, date(2024, 1, 1 + number), date_format="EEE")
            for number, name in enumerate(WEEKDAY_FIELDS)
            if self[name]
        ]
        return f"{text}: {', '.join(names)}"

    def _schedule(self, anchor):
        """Return the leading arguments of the functions in ``engine.schedule``."""
        weekdays = {number for number, name in enumerate(WEEKDAY_FIELDS) if self[name]}
        zone = schedule.zone(self.timezone)
        return anchor, self.interval_number, self.interval_type, weekdays, zone

    def _is_schedulable(self):
        """Return whether the interval is complete. In the form it may not be yet."""
        has_days = self.interval_type != "dow" or any(self[name] for name in WEEKDAY_FIELDS)
        return bool(self.interval_type and has_days and 1 <= self.interval_number <= INTERVAL_LIMIT)

    @api.model
    def _get_next_call(self, task, from_date):
        """Return when a task is due next, in UTC.

        :param task: the task
        :param datetime from_date: the result is later than this date (UTC)
        :return: datetime, or False if it would exceed the range of dates
        """
        return schedule.next_call(*task._schedule(task._anchor()), from_date) or False

    def _anchor(self):
        """Return the reference date of the schedule: the next run if it was set to a date outside of the schedule."""
        typed, start = self.next_call, self.schedule_start
        if not start or not typed:
            return typed or start or fields.Datetime.now()
        return start if schedule.is_moment(*self._schedule(start), typed) else typed

    @api.depends(*INTERVAL_FIELDS, "next_call", "user_id.tz")
    def _compute_next_calls(self):
        for task in self:
            if not task._is_schedulable() or not task.next_call:
                task.next_calls = False
                continue
            anchor = task._anchor()
            before = schedule.next_calls(*task._schedule(anchor), task.next_call, PREVIEW_COUNT - 1)
            shown = [
                format_datetime(self.env, moment, tz=task.timezone, dt_format="EEEE, d MMM y HH:mm")
                for moment in [task.next_call, *before]
            ]
            task.next_calls = "\n".join(shown)

    @api.onchange(*INTERVAL_FIELDS)
    def _onchange_interval(self):
        """Show the next run of a changed schedule."""
        self.schedule_start = self.schedule_start or self.next_call
        if self._is_schedulable():
            self.next_call = self._first_call() or self.next_call

    @api.onchange("next_call")
    def _onchange_next_call(self):
        """Keep a next run that was typed by hand as the reference date if the interval is changed afterwards."""
        self.schedule_start = self._anchor() if self._is_schedulable() else self.next_call

    def _first_call(self):
        """Return the first date of a schedule whose interval was changed, never before the schedule starts."""
        anchor = self.schedule_start or self.next_call or fields.Datetime.now()
        now = fields.Datetime.now()
        return schedule.next_call(*self._schedule(anchor), now)

    @api.constrains(*INTERVAL_FIELDS)
    def _check_interval(self):
        for task in self:
            if not task._is_schedulable():
                raise ValidationError(
                    self.env._(
                        "The schedule of “%s” is incomplete. Choose at least one day of the week and an "
                        "interval of at least 1.",
                        task.name,
                    )
                )

    # ------------------------------------------------------------------ owner and next run

    @api.model_create_multi
    def create(self, vals_list):
        default = {"user_id": self.env.context.get("default_user_id", self.env.uid)}
        self._check_may_set_owner([default | vals for vals in vals_list])
        tasks = super().create(vals_list)
        for task in tasks:
            # sudo: the field is read-only for people
            super(CxTowerScheduledTask, task.sudo()).write({"schedule_start": task.next_call})
        tasks._plan_cron()
        return tasks

    def copy_data(self, default=None):
        """Pause the copy. Otherwise it would run on the servers of the original before anybody has changed it."""
        vals_list = super().copy_data({"active": False} | (default or {}))
        for task, vals in zip(self, vals_list, strict=True):
            if "next_call" not in vals:
                vals["next_call"] = task._call_in_future()
        return vals_list

    def _call_in_future(self):
        """Return when this task is due next, ignoring missed dates."""
        now = fields.Datetime.now()
        return self.next_call if self.next_call > now else self._get_next_call(self, now) or self.next_call

    def write(self, vals):
        self._check_may_set_owner([vals])
        zones = {task: task.timezone for task in self}
        resumed = self.filtered(lambda task: not task.active) if vals.get("active") else self.browse()
        result = super().write(vals)
        if vals.get("active") or vals.keys() & set(self._get_deciding_fields()):
            self._take_over()
        if vals.keys() & {"next_call", "user_id", *INTERVAL_FIELDS}:
            for task in self:
                task._move_schedule("next_call" in vals, zones[task] != task.timezone)
        if "next_call" not in vals:
            resumed._skip_missed_calls()
        if vals.get("active") or vals.keys() & {"next_call", *INTERVAL_FIELDS}:
            self._plan_cron()
        return result

    def _skip_missed_calls(self):
        """Let these tasks, which were paused, run at their next regular date instead of catching up immediately."""
        for task in self:
            moment = task._call_in_future()
            if moment != task.next_call:
                super(CxTowerScheduledTask, task).write({"next_call": moment})

    def _move_schedule(self, is_typed, is_other_zone):
        """Update the schedule start or the next run after the other one, or the interval, has changed.

        :param is_typed: the next run was set by a person (or by the last run)
        :param is_other_zone: the time zone has changed. The next run keeps its moment and becomes the schedule start.
        """
        start = self._anchor()
        if is_other_zone and not is_typed:
            start = self.next_call
        elif not is_typed:
            start = self.schedule_start or self.next_call
            next_call = self._first_call()
            if next_call and next_call != self.next_call:
                super().write({"next_call": next_call})
        if self.schedule_start != start:
            # sudo: the field is read-only for people
            super(CxTowerScheduledTask, self.sudo()).write({"schedule_start": start})

    def _take_over(self):
        """Make the caller the owner of these tasks, because the caller has changed what they do.

        Otherwise a manager could run something with another person's rights. Root sets the owner explicitly.
        """
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        others = self.filtered(lambda task: task.user_id != self.env.user)
        # sudo: callers have checked write access to the task or its values; only the caller's own user is set
        others.sudo().write({"user_id": self.env.user.id})

    def _check_may_set_owner(self, vals_list):
        """Raise AccessError if the caller sets another person as owner. Only Root may."""
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        if any(vals.get("user_id", self.env.uid) != self.env.uid for vals in vals_list):
            raise AccessError(self.env._("Only Root can make a scheduled task run as another user."))

    @api.model
    def _plan_cron(self, not_before=None):
        """Trigger the cron for the moment when the next task is due.

        :param not_before: earliest moment for the trigger, so that a task that could not be run is not retried at once
        """
        cron = self.env.ref("cetmix_tower_server.ir_cron_run_scheduled_tasks", raise_if_not_found=False)
        # sudo: looks at the tasks of all people, and returns nothing; triggering the cron is part of every schedule
        first = self.sudo().search([("next_call", "!=", False)], order="next_call", limit=1)
        if not cron or not first:
            return
        moment = max(first.next_call, not_before or first.next_call)
        triggers = self.env["ir.cron.trigger"].sudo()
        if moment <= fields.Datetime.now() or not triggers.search_count(
            [("cron_id", "=", cron.id), ("call_at", "=", moment)], limit=1
        ):
            cron.sudo()._trigger(moment)
