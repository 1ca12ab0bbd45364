"""The report of a dry run: the findings of ``engine.plan.dry_run`` per server, as plain data that the caller may see."""

from functools import cached_property

from odoo.tools import SQL

from ...engine import states
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.files.document import FileToMake
from ...engine.plan.comparisons import find_uses, judge
from ...engine.plan.definition import freeze
from ...engine.plan.dry_run import LINES_MAX, Outcome, Walk, Why
from ...engine.template.rendering import UndefinedPolicy, render
from ..plan.condition_doubts import doubt_text
from .run_target import AWAY_FROM_HOSTS

PROBLEM, WARNING, INFORMATION = "problem", "warning", "information"
HIDDEN_PROBLEM_KINDS = frozenset(
    [
        "value_missing",
        "value_invalid",
        "template",
        "file",
        "code",
        "condition",
        "comparison",
        "secret_missing",
    ]
)


def new_problem(kind, message, severity=PROBLEM, exit_code=0, line="", **more):
    """Return a problem of a report, see ``cx.tower.plan.dry_run``."""
    return {
        "kind": kind,
        "severity": severity,
        "message": message,
        "exit_code": int(exit_code),
        "line": line,
        **more,
    }


class DryRun:
    """One dry run of a plan on servers, or on other targets of one model. Data that they share is read only once.

    The caller's right to run the plan has been checked. Parts of the plan may be above the caller's access level: their
    outcomes are reported, but not their code and conditions.
    """

    def __init__(self, plan, servers, variable_values, lines_max=LINES_MAX):
        self.env = plan.env
        self.plan = plan
        self.servers = servers
        self.lines_max = lines_max
        nested = plan._with_nested()
        self.plans = {plan_id: freeze(document) for plan_id, document in nested._definition().items()}
        self._readable_plans = set(nested.with_env(self.env)._filtered_access("read").ids)
        # sudo: running the plan includes running its commands; code above the caller's level is hidden below
        self._commands = self.env["cx.tower.command"].sudo()
        self._commands = self._commands.browse(
            {line["command_id"] for found in self.plans.values() for line in found.lines}
        )
        self._made_for = {command.id: command.os_ids for command in self._commands if command.os_ids}
        readable = self._commands.with_env(self.env)._filtered_access("read")
        self._hidden = set(self._commands.ids) - set(readable.ids)
        # sudo: restrictions apply whether visible or not
        self._restrictions = list(plan.sudo()._restrictions())
        self._values = servers._dry_run_values(self.plans, variable_values)
        self._variables = self._read_variables()
        self._own_problems = self._find_own_value_problems(variable_values)

    def reports(self):
        """Return one report per server, in order."""
        walks = {}
        for server in self.servers:
            if not self._restricting(server):
                walk = Walk(
                    self.plans,
                    self._values.scopes[server.id],
                    lambda report, before, server=server: self._prepare(server, report, before),
                    self._name_of_condition,
                    self.lines_max,
                    self._values.shared,
                )
                walks[server.id] = walk.run(self.plan.id)
        self._add_missing_secrets(walks)
        running = self._find_running(walks)
        hosts = self.servers._run_server()
        connection = hosts._find_connection_problems()
        self._passwords = hosts._ids_with_password()
        return [
            self._report(
                server,
                walks.get(server.id),
                running.get(server.id, []),
                connection[server._run_server().id],
            )
            for server in self.servers
        ]

    # ------------------------------------------------------------------ reading

    def _read_variables(self):
        """Return {reference: variable} of all variables that are used."""
        names = {name for scope in self._values.scopes.values() for name in scope.stored}
        # sudo: only to check levels, so that hidden values are not shown, and to compare values with options
        Variable = self.env["cx.tower.variable"].sudo()
        names |= set(self._values.custom)
        return {
            variable.reference: variable for variable in Variable.search([("reference", "in", sorted(names))])
        }

    def _may_see(self, names):
        """Return whether the caller's access level covers all these variables."""
        if self.env.su:
            return True
        level = self.env.user._cetmix_tower_access_level() or "0"
        return all(self._variables[name].access_level <= level for name in names if name in self._variables)

    def _find_own_value_problems(self, variable_values):
        """Return warnings about custom values that do not fit the options or the pattern of their variable."""
        problems = []
        for reference, value in variable_values.items():
            variable = self._variables.get(reference)
            if not variable or not isinstance(value, str):
                continue
            fits, message = variable._validate_value(value, may_be_template=False)
            if not fits:
                text = self.env._(
                    "Custom value of “%(name)s”: %(message)s", name=variable.name, message=message
                )
                problems.append(new_problem("value_invalid", text, WARNING, variable=reference))
        return problems

    def _find_option_problems(self, scope):
        """Return warnings about stored values that are no longer among the options of their variable."""
        problems = []
        for reference, text in scope.stored.items():
            variable = self._variables.get(reference)
            if not (text and variable and variable.variable_type == "o") or reference in scope.custom:
                continue
            if not variable._is_template(text) and not variable._validate_value(text)[0]:
                message = self.env._("The value of “%s” is not one of its options.", variable.name)
                problems.append(new_problem("value_invalid", message, WARNING, variable=reference))
        return problems

    def _restricting(self, server):
        host = server._run_server()
        return [text for servers, text in self._restrictions if host.id not in servers]

    def _name_of_condition(self, plan, line):
        return self.env._(
            "condition of line “%(line)s” of flight plan “%(plan)s”",
            line=line["name"],
            plan=plan.document["name"],
        )

    @cached_property
    def _whys(self):
        """The texts for outcomes that do not depend on the line."""
        return {
            Why.NO_CONDITION: self.env._("It has no condition."),
            Why.TRUE: self.env._("Its condition is true."),
            Why.FALSE: self.env._("Its condition is false."),
            Why.REACHED: self.env._("Depends on how earlier steps end."),
            Why.INVALID: self.env._("Its condition cannot be evaluated."),
            Why.EMPTY_PLAN: self.env._("The flight plan it runs has no lines."),
            Why.RECURSION: self.env._("The flight plan would run inside itself."),
            Why.NOTHING: self.env._("All lines of the flight plan it runs are skipped."),
            Why.INSIDE: self.env._("Which lines of its flight plan run is decided later."),
            Why.STEP: self.env._("It would run and fail."),
        }

    # ------------------------------------------------------------------ lines

    def _prepare(self, server, report, before):
        """Return (details of what a step would do, whether it has a problem). Called by the walk."""
        details = {"code": "", "path": "", "use_sudo": "", "values_later": [], "secrets": [], "problems": []}
        if report.line["action"] != "plan":
            details |= server._dry_run_step(report.line, self._values, before)
            details["problems"] += self._find_system_warnings(server, report.line)
        if report.sets:
            details["problems"] += server._dry_run_set_values(report.sets, self._values, before)
        is_broken = any(problem["severity"] == PROBLEM for problem in details["problems"])
        return details, is_broken

    def _find_system_warnings(self, server, line):
        made_for = self._made_for.get(line["command_id"])
        # sudo: only compares the operating system, which is not returned
        if not made_for or server._run_server().sudo().os_id in made_for:
            return []
        command = self._commands.browse(line["command_id"])
        text = self.env._(
            "“%(command)s” is intended for %(made_for)s. Check that it works on %(server)s.",
            command=command.name,
            made_for=", ".join(made_for.mapped("name")),
            server=server.name,
        )
        return [new_problem("system", text, WARNING)]

    def _add_missing_secrets(self, walks):
        """Turn steps whose secrets have no value into problems, with one query for all servers."""
        servers = self.servers.filtered(lambda server: server.id in walks)
        wanted = {}
        for server in servers:
            lines = [line for line in walks[server.id].walk() if line.details]
            wanted[server.id] = sorted({name for line in lines for name in line.details["secrets"]})
        missing = servers._find_missing_secrets(wanted)
        for server in servers:
            for line in walks[server.id].walk():
                lacking = [
                    name for name in missing[server.id] if name in (line.details or {}).get("secrets", ())
                ]
                for reference in lacking:
                    text = self.env._(
                        "The secret “%(reference)s” has no value for server %(server)s.",
                        reference=reference,
                        server=server.name,
                    )
                    code = ExitCode.SECRET_NOT_FOUND
                    line.details["problems"].append(
                        new_problem("secret_missing", text, exit_code=code, secret=reference)
                    )
                    line.outcome, line.why = Outcome.PROBLEM, Why.STEP

    # ------------------------------------------------------------------ active runs

    def _find_running(self, walks):
        """Return {server id: warnings} about active runs that block a start, with two queries for all servers."""
        wanted = {"cx_tower_plan_log": {}, "cx_tower_command_log": {}}
        Plan = self.env["cx.tower.plan"]
        for server in self.servers.filtered(lambda server: server.id in walks):
            places = [("", self.plan.id)]
            for line in walks[server.id].walk():
                if line.outcome is Outcome.SKIP:
                    continue
                if line.line["flight_plan_id"]:
                    places.append((line.number, line.line["flight_plan_id"]))
                elif not line.line["settings"]["allow_parallel_run"]:
                    command = self._commands.browse(line.line["command_id"])
                    key = server._get_guard_key(command)
                    wanted["cx_tower_command_log"].setdefault(key, (server, line.number, command.name))
            for number, plan_id in places:
                document = self.plans[plan_id].document
                if not document["allow_parallel_run"]:
                    key = server._get_guard_key(Plan.browse(plan_id))
                    wanted["cx_tower_plan_log"].setdefault(key, (server, number, document["name"]))
        found = {}
        codes = {
            "cx_tower_plan_log": ExitCode.ANOTHER_PLAN_RUNNING,
            "cx_tower_command_log": ExitCode.ANOTHER_COMMAND_RUNNING,
        }
        for table, places in wanted.items():
            for key in self._taken_keys(table, list(places)):
                server, number, name = places[key]
                text = self.env._(
                    "“%(name)s” is already running on %(server)s. Another start is refused until it has "
                    "ended.",
                    name=name,
                    server=server.name,
                )
                found.setdefault(server.id, []).append(
                    new_problem("running", text, WARNING, codes[table], number)
                )
        return found

    def _taken_keys(self, table, keys):
        if not keys:
            return []
        self.env["cx.tower.plan.log"].flush_model(["state"])
        self.env["cx.tower.command.log"].flush_model(["state"])
        query = SQL(
            "SELECT guard_key FROM %s WHERE guard_key = ANY(%s) AND state = ANY(%s) ORDER BY guard_key",
            SQL.identifier(table),
            keys,
            list(states.ACTIVE),
        )
        return [key for (key,) in self.env.execute_query(query)]

    # ------------------------------------------------------------------ the report

    def _report(self, server, walk, running, connection):
        """Return the report of one server. ``walk`` is None if the plan may not run there."""
        result = {
            **server._dry_run_names(),
            "ok": False,
            "would_run": 0,
            "skipped": 0,
            "undecided": 0,
            "problems": [],
            "notes": [],
            "complete": True,
            "lines": [],
        }
        if walk is None:
            result["problems"] = [
                new_problem(
                    "incompatible",
                    self.env._(
                        "%(what)s cannot run on %(server)s: it is restricted to other servers.",
                        what=what,
                        server=server.name,
                    ),
                    exit_code=ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER,
                )
                for what in self._restricting(server)
            ]
            return result
        result["complete"] = not walk.is_cut
        lines = list(walk.walk())
        problems = [*self._own_problems, *self._find_option_problems(self._values.scopes[server.id])]
        if not walk.lines:
            text = self.env._("The flight plan has no lines.")
            problems.append(new_problem("empty_plan", text, exit_code=ExitCode.PLAN_IS_EMPTY))
        problems += self._find_host_problems(server, lines, connection) + running
        problems += [new_problem(**problem) for problem in server._find_dry_run_warnings()]
        scope = self._values.scopes[server.id]
        result["lines"] = [self._line(line, problems, scope) for line in walk.lines]
        problems += self._find_hidden(lines)
        order = (PROBLEM, WARNING, INFORMATION)
        result["problems"] = sorted(problems, key=lambda problem: order.index(problem["severity"]))
        result["notes"] = self._notes(walk)
        for line in lines:
            if not line.lines:  # a nested plan is counted by its lines
                result["would_run"] += line.outcome is Outcome.RUN
                result["skipped"] += line.outcome is Outcome.SKIP
                result["undecided"] += line.outcome is Outcome.LATER
        result["ok"] = not any(problem["severity"] == PROBLEM for problem in problems)
        return result

    def _find_host_problems(self, server, lines, connection):
        """Return the problems of steps that need a connection to the host."""
        away = {*AWAY_FROM_HOSTS, *server.env["cx.tower.command"]._get_waiting_actions()}
        on_host = [
            line for line in lines if line.outcome is not Outcome.SKIP and line.line["action"] not in away
        ]
        if not on_host:
            return []
        sudo = [line.number for line in on_host if _wants_sudo(line.line)]
        in_shell = [line for line in on_host if line.line["action"] == "ssh_command"]
        paths = [line.number for line in in_shell if line.line["path"] or line.line["command_path"]]
        found = [*connection, *server._run_server()._find_sudo_problems(sudo, paths, self._passwords)]
        return [new_problem(**problem) for problem in found]

    def _find_hidden(self, lines):
        numbers = [line.number for line in lines if self._is_hidden(line)]
        if not numbers:
            return []
        text = self.env._(
            "The commands of these lines are above your access level, but you may run them as part of the "
            "flight plan: %s.",
            ", ".join(numbers),
        )
        return [new_problem("above_level", text, INFORMATION, line=numbers[0])]

    def _is_hidden(self, line):
        return line.line["command_id"] in self._hidden

    def _notes(self, walk):
        notes = []
        ending = next((line for line in walk.lines if line.ends), None)
        if ending:
            notes.append(self._text_of_end(ending))
        if walk.is_cut:
            notes.append(self.env._("The flight plan has more lines than a dry run evaluates."))
        return notes

    def _text_of_end(self, line):
        if len(line.ends) == 1:
            values = {"number": line.number, "code": line.ends[0]}
            return self.env._("The plan ends after line %(number)s with exit code %(code)s.", **values)
        return self.env._("The plan ends after line %s.", line.number)

    def _line(self, line, problems, scope):
        """Return a line with its nested lines. Its problems are also added to ``problems``."""
        is_hidden = self._is_hidden(line)
        own = [
            self._shown_problem(problem | {"line": line.number}, is_hidden)
            for problem in [*self._find_line_problems(line, scope), *(line.details or {}).get("problems", ())]
        ]
        problems += own
        inside = line.line["flight_plan_id"]
        shows_inside = not is_hidden and inside in self._readable_plans
        if shows_inside:
            lines = [self._line(nested, problems, scope) for nested in line.lines]
        else:
            lines = []
            for nested in line.lines:
                self._add_hidden_problems(nested, line.number, problems, scope)
        details = line.details or {}
        shown = not is_hidden
        return {
            "number": line.number,
            "name": line.line["name"],
            "action": line.line["action"],
            "outcome": line.outcome.value,
            "why": self._why(line, shown),
            "condition": line.line["condition"] if shown else "",
            "condition_rendered": line.rendered if shown and self._may_see(line.uses) else "",
            "code": details.get("code", "") if shown else "",
            "path": details.get("path", "") if shown else "",
            "use_sudo": details.get("use_sudo", ""),
            "values_later": details.get("values_later", []) if shown else [],
            "facts": details.get("facts", []) if shown else [],
            "hidden": is_hidden,
            "note": self._text_of_end(line) if line.ends else "",
            "problems": own,
            "lines": lines,
        }

    def _find_line_problems(self, line, scope):
        """Return the problems that the walk itself found in a line."""
        doubts = self._find_doubts(scope, line)
        if line.why is Why.INVALID:
            text = str(line.error) if self._may_see(line.uses) else line.error.summary
            return [*doubts, new_problem("condition", text, exit_code=ExitCode.CONDITION_INVALID)]
        name = self.plans[line.line["flight_plan_id"]].document["name"] if line.line["flight_plan_id"] else ""
        if line.why is Why.EMPTY_PLAN:
            text = self.env._("Flight plan “%s” has no lines.", name)
            return [*doubts, new_problem("empty_plan", text, exit_code=ExitCode.PLAN_IS_EMPTY)]
        if line.why is Why.RECURSION:
            text = self.env._("“%s” would run inside itself.", name)
            return [*doubts, new_problem("recursion", text, exit_code=ExitCode.ANOTHER_PLAN_RUNNING)]
        return doubts

    def _find_doubts(self, scope, line):
        """Return warnings about comparisons in a line's condition that cannot work as intended."""
        problems = []
        for use in find_uses(line.line["condition"]):
            value = scope.custom.get(use.name, scope.stored.get(use.name))
            if use.name in line.names or not isinstance(value, str):
                continue  # not known yet, not a text, or unset
            text = self._text_of(use.name, scope)
            variable = self._variables.get(use.name)
            has_options = variable and variable.variable_type == "o" and use.name not in scope.custom
            doubt = judge(use, [text], variable.option_ids.mapped("value_char") if has_options else None)
            if doubt:
                message = doubt_text(self.env, use, doubt, text if self._may_see(line.uses) else None)
                problems.append(new_problem("comparison", message, WARNING, variable=use.name))
        return problems

    def _text_of(self, name, scope):
        """Return the value of a variable as conditions see it; "" if it cannot be rendered."""
        try:
            return render(f"{{{{ {name} }}}}", scope, undefined=UndefinedPolicy.NONE)
        except EngineError:
            return ""

    def _shown_problem(self, problem, is_hidden):
        """Return a problem without anything that the caller may not see."""
        if not is_hidden or problem["kind"] not in HIDDEN_PROBLEM_KINDS:
            return problem
        text = self.env._("A step above your access level has a problem. Ask a Manager of the flight plan.")
        kept = {name: problem[name] for name in ("kind", "severity", "exit_code", "line")}
        return kept | {"message": text}

    def _add_hidden_problems(self, line, number, problems, scope):
        """Add the problems of a hidden line to those of the line that contains it."""
        for problem in [*self._find_line_problems(line, scope), *(line.details or {}).get("problems", ())]:
            problems.append(self._shown_problem(problem | {"line": number}, True))
        for nested in line.lines:
            self._add_hidden_problems(nested, number, problems, scope)

    def _why(self, line, shown):
        """Return the reason for the outcome of a line."""
        if line.why is Why.VALUES and not shown:
            return self.env._("Depends on earlier steps.")
        if line.why is Why.VALUES:
            return self.env._("Earlier steps may set: %s.", ", ".join(line.names))
        return self._whys[line.why]


def _wants_sudo(line):
    """Return whether a line, or the file it creates, requests sudo."""
    file = FileToMake.of(line)
    return line["use_sudo"] or (file and file.use_sudo)
