from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

# What to do next, of post-run actions and of a plan's own rule for errors.
THEN_EXIT = ("e", "Exit with the command's exit code")
THEN_EXIT_CUSTOM = ("ec", "Exit with a custom exit code")
THEN_NEXT = ("n", "Run the next command")


class CxTowerPlan(models.Model):
    """A flight plan: commands in order, and what happens when one fails. What runs is :meth:`_definition`."""

    _name = "cx.tower.plan"
    _description = "Tower Flight Plan"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.audience.mixin",
        "cx.tower.tag.mixin",
        "cx.tower.variable.text.mixin",
    ]
    _order = "name"

    active = fields.Boolean(default=True)
    color = fields.Integer(export_string_translation=False)
    note = fields.Text()
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_plan_cx_tower_server_rel",
        "cx_tower_plan_id",
        "cx_tower_server_id",
        string="Only on servers",
        help="Leave empty to allow all servers.",
    )
    tag_ids = fields.Many2many("cx.tower.tag", "cx_tower_plan_tag_rel", "plan_id", "tag_id")
    user_ids = fields.Many2many("res.users", "cx_tower_plan_user_rel", "record_id", "user_id", string="Users")
    manager_ids = fields.Many2many(
        "res.users", "cx_tower_plan_manager_rel", "record_id", "manager_id", string="Managers"
    )
    # The lines of an archived plan are archived with it; its form shows them all the same.
    line_ids = fields.One2many(
        "cx.tower.plan.line", "plan_id", string="Lines", copy=True, context={"active_test": False}
    )
    command_ids = fields.Many2many(
        "cx.tower.command",
        "cx_tower_command_flight_plan_used_id_rel",
        "plan_id",
        "command_id",
        string="Commands",
        compute="_compute_command_ids",
        store=True,
        copy=False,
    )
    on_error_action = fields.Selection(
        [THEN_EXIT, THEN_EXIT_CUSTOM, THEN_NEXT],
        string="When a command fails",
        required=True,
        default="e",
        help="Counts for a command that failed and has no post-run action for its exit code.",
    )
    custom_exit_code = fields.Integer(help="Exit code of the plan when a command fails.")
    allow_parallel_run = fields.Boolean(
        help="Let the plan run on a server where it is running already. Otherwise a second start is refused."
    )
    timeout_s = fields.Integer(
        string="Time limit (s)", help="For the whole run. 0: the limit of the settings."
    )

    plan_log_count = fields.Integer(
        string="Number of runs", compute="_compute_plan_log_count", help="Counted up to 10,000."
    )
    access_level_warn_msg = fields.Text(compute="_compute_access_level_warn_msg")

    @api.depends("line_ids.command_id")
    def _compute_command_ids(self):
        for plan in self:
            plan.command_ids = plan.line_ids.command_id

    def _compute_plan_log_count(self):
        counts = self.env["cx.tower.plan.log"]._count_by("plan_id", self)
        for plan in self:
            plan.plan_log_count = counts.get(plan.id, 0)

    @api.depends("access_level", "line_ids.command_id.access_level")
    def _compute_access_level_warn_msg(self):
        for plan in self:
            # sudo: that a command is above the plan's level is what the author has to know
            commands = plan.line_ids.sudo().command_id.filtered(
                lambda command, plan=plan: (command.access_level or "1") > (plan.access_level or "3")
            )
            plan.access_level_warn_msg = bool(commands) and self.env._(
                "Who may run this flight plan runs commands above its access level: %(commands)s.",
                commands=", ".join(commands.mapped("name")),
            )

    def _get_lines(self):
        """Return the lines in the order they run, also when it was changed in this transaction."""
        return self.line_ids._sorted_as_run()

    @api.model
    def _get_restricting_relations(self):
        return [*super()._get_restricting_relations(), "server_ids"]

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "line_ids"]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        self.env["cx.tower.plan.log"]._check_no_active_runs("plan_id", self)

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self.env["cx.tower.plan.log"]._outlive("plan_id", self)
        self.env["cx.tower.plan.log"]._outlive_sources("plan_id", self)

    # ------------------------------------------------------------------ plans in plans

    def _with_nested(self):
        """Return these plans and all that they run through their commands, to any depth, the nearest first.

        The number of queries does not depend on how many there are. Without the caller's rights: what a plan runs is a fact, whoever asks.
        """
        self.env["cx.tower.plan.line"].flush_model(["plan_id", "command_id"])
        self.env["cx.tower.command"].flush_model(["action", "flight_plan_id"])
        query = SQL(
            """
            WITH RECURSIVE nested (id) AS (
                SELECT unnest(%s::int[])
                 UNION
                SELECT command.flight_plan_id
                  FROM nested
                  JOIN cx_tower_plan_line line ON line.plan_id = nested.id
                  JOIN cx_tower_command command ON command.id = line.command_id
                 WHERE command.action = 'plan' AND command.flight_plan_id IS NOT NULL
            )
            SELECT id FROM nested
            """,
            self.ids,
        )
        # names and server lists are read as they are, archived or not, translated or not
        plans = self.sudo().with_context(active_test=False)
        plans = plans.browse([plan_id for (plan_id,) in self.env.execute_query(query)])  # read together
        found = dict.fromkeys(plan for plan in plans if plan in self)
        waiting = list(found)
        for plan in waiting:
            nested = plan._get_lines().command_id._get_flight_plans()
            waiting += [plan for plan in nested if plan not in found]
            found.update(dict.fromkeys(nested))
        return plans.browse([plan.id for plan in found])

    def _check_no_recursion(self):
        """Raise ValidationError, naming the path, when one of these plans runs itself through its commands."""
        plans = self._with_nested()
        runs = {plan: plan.line_ids.command_id._get_flight_plans() for plan in plans}
        finished = set()
        for start in plans:
            # Depth first without recursion: ``path`` holds the plans on the way, ``left`` what each still runs.
            path, left = [start], [list(runs[start])]
            while path:
                if path[-1] in finished or not left[-1]:
                    finished.add(path.pop())
                    left.pop()
                    continue
                plan = left[-1].pop()
                if plan in path:
                    names = [step.name for step in [*path[path.index(plan) :], plan]]
                    raise ValidationError(
                        self.env._(
                            "A flight plan cannot run itself: %(path)s.",
                            path=" → ".join(f"“{n}”" for n in names),
                        )
                    )
                path.append(plan)
                left.append(list(runs[plan]))

    # ------------------------------------------------------------------ servers

    def _is_plan_incompatible_with_server(self, server):
        """Return a sentence that says what cannot run on ``server``, or False.

        Looks at this plan, its commands and everything in plans it runs.
        """
        self.ensure_one()
        return self._get_incompatibilities(server)[server.id]

    def _get_incompatibilities(self, servers):
        """Return {server id: sentence or False} for many servers, with the queries of one."""
        self.ensure_one()
        reasons = dict.fromkeys(servers.ids, False)
        for restricted, text in self._restrictions():
            for server_id in reasons:
                if not reasons[server_id] and server_id not in restricted:
                    name = servers.browse(server_id).sudo().name
                    reasons[server_id] = self.env._(
                        "%(what)s is restricted to other servers than %(server)s.", what=text, server=name
                    )
        return reasons

    def _restrictions(self):
        """Yield (ids of the only servers, what is restricted to them) for this plan and what it runs.

        Reads without the caller's rights: a server that the caller does not see restricts just the same.
        """
        for plan in self._with_nested():
            if plan.server_ids:
                yield set(plan.server_ids.ids), self.env._("Flight plan “%s”", plan.name)
            for number, line in enumerate(plan._get_lines(), 1):
                command = line.command_id
                if command.server_ids:
                    yield (
                        set(command.server_ids.ids),
                        self.env._(
                            "Command “%(command)s” in line %(line)s of flight plan “%(plan)s”",
                            command=command.name,
                            line=number,
                            plan=plan.name,
                        ),
                    )

    # ------------------------------------------------------------------ what runs

    def _definition(self):
        """Return {plan id: document} of what these plans run: plain JSON, with a fixed number of queries.

        The document is frozen into a run: it is what runs, and what a resumed run is compared with. Read without
        the caller's rights: a plan may use commands above the level of the person who runs it. Texts are as stored:
        templates are not rendered, placeholders of secrets not resolved.
        """
        plans = self.sudo().with_context(active_test=False)
        return {plan.id: plan._definition_document() for plan in plans}

    def _definition_document(self):
        return {
            "id": self.id,
            "reference": self.reference,
            "name": self.name,
            "on_error": self.on_error_action,
            "custom_exit_code": self.custom_exit_code,
            "timeout_s": self.timeout_s,
            "allow_parallel_run": self.allow_parallel_run,
            "lines": [line._definition_document() for line in self._get_lines()],
        }

    # ------------------------------------------------------------------ actions

    def action_open_plan_logs(self):
        """Open the runs of this plan.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_plan_log")
        return action | {"domain": [("plan_id", "=", self.id)], "context": {}}

    def action_run_flight_plan(self):
        """Open the run wizard for this plan.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Run Flight Plan"),
            "res_model": "cx.tower.plan.run.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_plan_id": self.id},
        }
