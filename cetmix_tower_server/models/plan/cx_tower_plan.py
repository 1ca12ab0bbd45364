from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

# What to do next: choices of post-run actions and of the error rule of a plan.
THEN_EXIT = ("e", "Exit with the command's exit code")
THEN_EXIT_CUSTOM = ("ec", "Exit with a custom exit code")
THEN_NEXT = ("n", "Run the next command")


class CxTowerPlan(models.Model):
    """A flight plan: an ordered list of commands, and what to do when one fails.

    A run executes the frozen result of :meth:`_definition`.
    """

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
    # The lines of an archived plan are archived, too; its form still shows them.
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
        help="Applies when a command fails and no post-run action matches its exit code.",
    )
    custom_exit_code = fields.Integer(help="Exit code of the plan when a command fails.")
    allow_parallel_run = fields.Boolean(
        help="Allow several runs at once on the same server. Otherwise, a second start is refused."
    )
    timeout_s = fields.Integer(
        string="Timeout (s)", help="For the whole run. 0: the timeout from the settings."
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
            # sudo: names commands that the author may not read; the warning is about exactly these
            commands = plan.line_ids.sudo().command_id.filtered(
                lambda command, plan=plan: (command.access_level or "1") > (plan.access_level or "3")
            )
            plan.access_level_warn_msg = bool(commands) and self.env._(
                "Everyone who may run this flight plan can run these commands above its access level: "
                "%(commands)s.",
                commands=", ".join(commands.mapped("name")),
            )

    def _get_lines(self):
        """Return the lines in running order, including changes of this transaction."""
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
        """Return these plans and all plans nested in them, to any depth, the nearest first, as superuser.

        The number of queries does not depend on the number of plans.
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
        # sudo: nested plans run regardless of whether the caller may read them; callers show only what may be shown
        plans = self.sudo().with_context(active_test=False)
        plans = plans.browse([plan_id for (plan_id,) in self.env.execute_query(query)])  # prefetched together
        found = dict.fromkeys(plan for plan in plans if plan in self)
        waiting = list(found)
        for plan in waiting:
            nested = plan._get_lines().command_id._get_flight_plans()
            waiting += [plan for plan in nested if plan not in found]
            found.update(dict.fromkeys(nested))
        return plans.browse([plan.id for plan in found])

    def _check_no_recursion(self):
        """Raise ValidationError, naming the path, if one of these plans runs itself, directly or through nested plans."""
        plans = self._with_nested()
        runs = {plan: plan.line_ids.command_id._get_flight_plans() for plan in plans}
        finished = set()
        for start in plans:
            # Depth-first without recursion: ``path`` holds the current chain, ``left`` the unvisited plans of each.
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
        """Return the reason why this plan cannot run on ``server``, or False.

        Checks this plan, its commands and all nested plans.
        """
        self.ensure_one()
        return self._get_incompatibilities(server)[server.id]

    def _get_incompatibilities(self, servers):
        """Return {server id: reason or False} for many servers. The number of queries does not depend on their number."""
        self.ensure_one()
        reasons = dict.fromkeys(servers.ids, False)
        for restricted, text in self._restrictions():
            for server_id in reasons:
                if not reasons[server_id] and server_id not in restricted:
                    # sudo: only the name of a server that was passed in
                    name = servers.browse(server_id).sudo().name
                    reasons[server_id] = self.env._(
                        "%(what)s cannot run on %(server)s: it is restricted to other servers.",
                        what=text,
                        server=name,
                    )
        return reasons

    def _restrictions(self):
        """Yield (ids of servers, name of what is restricted to them) for this plan and everything in it.

        Read as superuser: a restriction applies even if the caller may not see its servers.
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

    # ------------------------------------------------------------------ frozen definition

    def _definition(self):
        """Return {plan id: document} as plain JSON, with a fixed number of queries.

        The document is frozen into a run: it defines what runs, and a resumed run is compared with it. Texts are returned
        as stored: variables are not rendered, and secrets are not resolved.
        """
        # sudo: a plan may use commands above the access level of the person who runs it; the result stays in the engine
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
        """Open the list of this plan's runs.

        :raise AccessError: the caller may not read the plan
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_plan_log")
        return action | {"domain": [("plan_id", "=", self.id)], "context": {}}

    def action_run_flight_plan(self):
        """Open the run wizard for this plan.

        :raise AccessError: the caller may not read the plan
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
