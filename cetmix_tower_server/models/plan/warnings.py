from odoo import api, fields, models

from ...engine.plan.advice import Advice, ConditionAdvice, advise, advise_on_condition
from ...engine.plan.comparisons import READS_FALSE, find_uses, judge
from .condition_doubts import doubt_text

# Names that every run defines itself.
SYSTEM_NAMES = frozenset(["tower"])
# Fields that the warnings of a line depend on, in all lines of its plan, because earlier lines set values.
WARNING_DEPENDS = ("sequence", "condition", "path", "command_id.action", "command_id.code", "command_id.path")


class CxTowerPlan(models.Model):
    """Warnings for the author of a flight plan. They never prevent saving or running it."""

    _inherit = "cx.tower.plan"

    warnings = fields.Text(compute="_compute_warnings")

    @api.depends_context("uid", "lang")
    @api.depends(*(f"line_ids.{name}" for name in WARNING_DEPENDS))
    def _compute_warnings(self):
        for plan in self:
            found = plan._get_lines()._find_warnings()
            plan.warnings = "\n".join(
                self.env._("Line %(line)s: %(warning)s", line=number, warning=warning)
                for number, warnings in enumerate(found.values(), 1)
                for warning in warnings
            )


class CxTowerPlanLine(models.Model):
    """Warnings for the author of a line."""

    _inherit = "cx.tower.plan.line"

    warnings = fields.Text(compute="_compute_warnings")

    @api.depends_context("uid", "lang")
    @api.depends(
        "plan_id.access_level",
        "command_id.access_level",
        *WARNING_DEPENDS,
        *(f"plan_id.line_ids.{name}" for name in WARNING_DEPENDS),
    )
    def _compute_warnings(self):
        for plan, lines in self.grouped("plan_id").items():
            found = (plan.line_ids | lines)._sorted_as_run()._find_warnings()
            for line in lines:
                line.warnings = "\n".join([*line._level_warnings(), *found[line]])

    def _level_warnings(self):
        # sudo: names a command that the author may not read; the warning is about exactly that
        command = self.sudo().command_id
        level = self.plan_id.access_level
        if not command or not level or command.access_level <= level:
            return []
        return [
            self.env._(
                "“%(command)s” is above the access level of the flight plan. Everyone who may run the plan "
                "can run it.",
                command=command.name,
            )
        ]

    # ------------------------------------------------------------------ code and variables

    def _find_warnings(self):
        """Return {line: [warnings]} for the lines of one plan, in running order.

        Code that the caller may not read is ignored.
        """
        used = self._used_references()
        known = self._known_references(used)
        facts = self._facts_of_compared(known)
        found = {}
        python = []  # code of earlier Python commands, which may set values for the rest of the run
        is_open = False  # whether an earlier line may set unknown values
        for line in self:
            unknown = [
                (name, where)
                for where, names in used[line]
                for name in sorted(names - known)
                if not any(name in code for code in python) and not (is_open and name.startswith("_"))
            ]
            found[line] = [
                *line._condition_warnings(),
                *line._comparison_warnings(facts, python),
                *line._advice_warnings(),
                *(self._unknown_variable_warning(name, where, bool(python)) for name, where in unknown),
            ]
            if line.action == "python_code" and line.command_code:
                python.append(line.command_code)
            is_open |= line.action in ("plan", "python_code") and not line.command_code
        return found

    def _used_references(self):
        """Return {line: [(where, references)]} of the variables in the texts of these lines."""
        find = self.env["cx.tower.variable"]._find_variables
        readable = self.command_id._filtered_access("read")
        return {
            line: [
                (self.env._("the condition"), find(line.condition)),
                (self.env._("the path"), find(line.path or (line.command_id & readable).path)),
                (self.env._("the code"), find(line.command_code)),
            ]
            for line in self
        }

    @api.model
    def _known_references(self, used):
        """Return those of the ``used`` references that exist, with one query."""
        references = set().union(*(names for places in used.values() for _where, names in places))
        # sudo: only checks which references exist, also of variables that the author may not see
        variables = self.env["cx.tower.variable"].sudo()
        variables = variables.search_fetch([("reference", "in", sorted(references))], ["reference"])
        return SYSTEM_NAMES.union(variables.mapped("reference"))

    def _unknown_variable_warning(self, name, where, after_python):
        """Return the warning about an undefined variable.

        :param where: the text that uses it
        :param after_python: there are earlier Python commands, but none of them names it
        """
        values = {"name": name, "where": where}
        if not name.startswith("_"):
            return self.env._(
                "Unknown variable “%(name)s” in %(where)s. Correct the name or create the variable.", **values
            )
        if after_python:
            return self.env._(
                "No earlier Python command names “%(name)s”, which is used in %(where)s. It only has a "
                "value if the run is started with one.",
                **values,
            )
        return self.env._(
            "No earlier Python command could set “%(name)s”, which is used in %(where)s. It only has a "
            "value if the run is started with one.",
            **values,
        )

    def _condition_warnings(self):
        """Return warnings about a condition that cannot work as intended."""
        kind, detail = advise_on_condition(self.condition or "") or (None, "")
        if kind is ConditionAdvice.SYNTAX:
            return [self.env._("The condition is not a valid Python expression: %s.", detail)]
        if kind is ConditionAdvice.QUOTED:
            return [
                self.env._(
                    "The condition has quotes around a variable. Remove them, because values are quoted "
                    "automatically."
                )
            ]
        if kind is ConditionAdvice.NAME:
            return [
                self.env._(
                    "The condition uses the unknown name “%s”. Write variables in double braces and strings in quotes.",
                    detail,
                )
            ]
        return []

    def _facts_of_compared(self, known):
        """Return {reference: (options or None, values that read like "no")} of the variables that conditions compare.

        Only options and values that the caller may read count. Two queries.
        """
        names = {use.name for line in self for use in find_uses(line.condition or "")} & known - SYSTEM_NAMES
        facts = {name: (None, []) for name in names}
        Variable, Value = self.env["cx.tower.variable"], self.env["cx.tower.variable.value"]
        if not names or not Variable.has_access("read"):
            return facts
        variables = Variable.search([("reference", "in", sorted(names))])
        words = [form(word) for word in READS_FALSE for form in (str.lower, str.capitalize, str.upper)]
        doubtful = Value._read_group(
            [("variable_id", "in", variables.ids), ("value_char", "in", words)], ["variable_id", "value_char"]
        )
        for variable in variables:
            has_options = variable.variable_type == "o"
            options = variable.option_ids.mapped("value_char") if has_options else None
            texts = [text for owner, text in doubtful if owner == variable]
            facts[variable.reference] = (options, texts + (options or []))
        return facts

    def _comparison_warnings(self, facts, python):
        """Return warnings about comparisons that cannot work as intended.

        :param facts: result of :meth:`_facts_of_compared`
        :param python: code of earlier Python commands, which may set the values that they name
        """
        warnings = []
        for use in find_uses(self.condition or ""):
            if use.name not in facts or any(use.name in code for code in python):
                continue
            options, texts = facts[use.name]
            doubt = judge(use, texts, options)
            if doubt:
                warnings.append(self.env._("Condition: %s", doubt_text(self.env, use, doubt)))
        return list(dict.fromkeys(warnings))

    def _advice_warnings(self):
        """Return warnings about shell code for which Tower has a better solution."""
        if self.action != "ssh_command" or not self.command_code:
            return []
        texts = {
            Advice.CHAIN: self.env._(
                "The code chains commands with && or ;. Use one line per command, so that each has its own "
                "exit code and log."
            ),
            Advice.SUDO: self.env._(
                "The code calls sudo. Switch on “Sudo” of the line instead, so that the setting of each "
                "server applies."
            ),
            Advice.DIRECTORY: self.env._("The code changes the directory. Use the path of the line instead."),
        }
        advice = advise(self.command_code)
        return [text for key, text in texts.items() if key in advice]
