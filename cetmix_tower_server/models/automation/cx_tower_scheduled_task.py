from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools.misc import format_date, format_datetime

from ...engine import schedule

WEEKDAY_FIELDS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INTERVAL_FIELDS = ("interval_number", "interval_type", *WEEKDAY_FIELDS)
# Who changes one of these decides what runs, where, when or with which values.
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
    """Runs a command or a flight plan again and again, as the person it belongs to.

    All rights are those of the owner at the moment of the run. Nobody can use somebody else's: who changes what, where, when
    or with which values a task runs becomes its owner. How it runs lives in ``cx_tower_scheduled_task_run.py``, when, in
    ``engine/schedule.py``.
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
        help="Its rights count for each run, and its time zone for the schedule. Who changes what the task does becomes it.",
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
        help="The task also runs on servers that are made from them from now on.",
    )
    user_ids = fields.Many2many(
        "res.users", "cx_tower_scheduled_task_user_rel", "record_id", "user_id", string="Users"
    )
    manager_ids = fields.Many2many(
        "res.users", "cx_tower_scheduled_task_manager_rel", "record_id", "manager_id", string="Managers"
    )
    custom_variable_value_ids = fields.One2many(
        "cx.tower.scheduled.task.cv", "scheduled_task_id", string="Own values", copy=True
    )

    interval_number = fields.Integer(string="Every", required=True, default=1)
    interval_type = fields.Selection(
        [
            ("minutes", "Minutes"),
            ("hours", "Hours"),
            ("days", "Days"),
            ("dow", "Weeks, on these days"),
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
        help="Shown by your clock; the next five times by that of the person it runs as. Setting it moves the whole schedule.",
    )
    schedule_start = fields.Datetime(
        string="Counted from",
        readonly=True,
        copy=False,
        help="The moment that the schedule is counted from: it gives the time of day and the day of the month.",
    )
    next_calls = fields.Text(string="Next five times", compute="_compute_next_calls")
    last_call = fields.Datetime(string="Last run", readonly=True, copy=False)
    schedule_text = fields.Char(compute="_compute_schedule_text", string="Schedule")
    note = fields.Text()

    _interval_positive = models.Constraint(
        f"CHECK(interval_number BETWEEN 1 AND {INTERVAL_LIMIT})",
        f"The interval must be a number from 1 to {INTERVAL_LIMIT}.",
    )

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
            # sudo: whoever sees the task sees by which clock it goes
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
        # the day's name in the person's language: 1 January 2024 was a Monday
        names = [
            format_date(self.env, date(2024, 1, 1 + number), date_format="EEE")
            for number, name in enumerate(WEEKDAY_FIELDS)
            if self[name]
        ]
        return f"{text}: {', '.join(names)}"

    def _schedule(self, anchor):
        """Return the arguments that the functions of ``engine.schedule`` begin with."""
        weekdays = {number for number, name in enumerate(WEEKDAY_FIELDS) if self[name]}
        zone = schedule.zone(self.timezone)
        return anchor, self.interval_number, self.interval_type, weekdays, zone

    def _is_schedulable(self):
        """Return whether the interval is one: while it is typed it may not be."""
        has_days = self.interval_type != "dow" or any(self[name] for name in WEEKDAY_FIELDS)
        return bool(self.interval_type and has_days and 1 <= self.interval_number <= INTERVAL_LIMIT)

    @api.model
    def _get_next_call(self, task, from_date):
        """Return when a task is due next, in UTC.

        :param task: the task
        :param datetime from_date: the moment (UTC) that it must be later than
        :return: datetime, or False when that lies behind the end of the calendar
        """
        return schedule.next_call(*task._schedule(task._anchor()), from_date) or False

    def _anchor(self):
        """Return the moment that the schedule is counted from; with a typed next run, that one when it moves the schedule."""
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
        """Show at once when a changed schedule is due next."""
        self.schedule_start = self.schedule_start or self.next_call
        if self._is_schedulable():
            self.next_call = self._first_call() or self.next_call

    @api.onchange("next_call")
    def _onchange_next_call(self):
        """Let a typed next run count when the interval is chosen afterwards; one that the interval gave does not."""
        self.schedule_start = self._anchor() if self._is_schedulable() else self.next_call

    def _first_call(self):
        """Return when a schedule whose interval was changed is due next; never before it was to begin."""
        anchor = self.schedule_start or self.next_call or fields.Datetime.now()
        now = fields.Datetime.now()
        return schedule.next_call(*self._schedule(anchor), now)

    @api.constrains(*INTERVAL_FIELDS)
    def _check_interval(self):
        for task in self:
            if not task._is_schedulable():
                raise ValidationError(
                    self.env._(
                        "“%s”: choose at least one day of the week, and an interval of at least 1.", task.name
                    )
                )

    # ------------------------------------------------------------------ whose it is

    @api.model_create_multi
    def create(self, vals_list):
        default = {"user_id": self.env.context.get("default_user_id", self.env.uid)}
        self._check_may_set_owner([default | vals for vals in vals_list])
        tasks = super().create(vals_list)
        for task in tasks:
            # sudo: nobody sets it by hand
            super(CxTowerScheduledTask, task.sudo()).write({"schedule_start": task.next_call})
        tasks._plan_cron()
        return tasks

    def copy_data(self, default=None):
        """A copy is paused: it would run beside the original, on the same servers, before anybody has changed it."""
        vals_list = super().copy_data({"active": False} | (default or {}))
        for task, vals in zip(self, vals_list, strict=True):
            if "next_call" not in vals:
                vals["next_call"] = task._call_in_future()
        return vals_list

    def _call_in_future(self):
        """Return when this task is due next if it does not make up for what it has missed."""
        now = fields.Datetime.now()
        return self.next_call if self.next_call > now else self._get_next_call(self, now) or self.next_call

    def write(self, vals):
        self._check_may_set_owner([vals])
        zones = {task: task.timezone for task in self}
        resumed = self.filtered(lambda task: not task.active) if vals.get("active") else self.browse()
        result = super().write(vals)
        if vals.get("active") or vals.keys() & set(DECIDING_FIELDS):
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
        """Have these tasks, which were paused, run at their next time, not at once for those that they have missed."""
        for task in self:
            moment = task._call_in_future()
            if moment != task.next_call:
                super(CxTowerScheduledTask, task).write({"next_call": moment})

    def _move_schedule(self, is_typed, is_other_zone):
        """Keep in step what is counted from and what is next, after one of the two or the interval was changed.

        :param is_typed: a person (or the last run) set the next run
        :param is_other_zone: the time zone changed: the next run stays when it is, and the clock there counts from then on
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
            # sudo: nobody sets it by hand
            super(CxTowerScheduledTask, self.sudo()).write({"schedule_start": start})

    def _take_over(self):
        """Make the caller the owner of these tasks, whose doings the caller has changed.

        Else a manager could have something run with another person's rights. Root may, and sets the owner by hand.
        """
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        others = self.filtered(lambda task: task.user_id != self.env.user)
        # sudo: the right to write the task, or its values, was checked by whoever calls
        others.sudo().write({"user_id": self.env.user.id})

    def _check_may_set_owner(self, vals_list):
        """Raise AccessError when the caller makes tasks run as somebody else; only Root may."""
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        if any(vals.get("user_id", self.env.uid) != self.env.uid for vals in vals_list):
            raise AccessError(self.env._("Only Root can make a scheduled task run as another user."))

    @api.model
    def _plan_cron(self, not_before=None):
        """Have the cron look when the next task is due, not only at its next round.

        :param not_before: the earliest moment to look, for what was just looked at and left
        """
        cron = self.env.ref("cetmix_tower_server.ir_cron_run_scheduled_tasks", raise_if_not_found=False)
        # sudo: tasks of other people count too; starting the cron is part of every schedule
        first = self.sudo().search([("next_call", "!=", False)], order="next_call", limit=1)
        if not cron or not first:
            return
        moment = max(first.next_call, not_before or first.next_call)
        triggers = self.env["ir.cron.trigger"].sudo()
        if moment <= fields.Datetime.now() or not triggers.search_count(
            [("cron_id", "=", cron.id), ("call_at", "=", moment)], limit=1
        ):
            cron.sudo()._trigger(moment)
