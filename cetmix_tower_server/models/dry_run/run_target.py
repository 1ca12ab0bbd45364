from dataclasses import replace

from odoo import models

from ...engine.errors import EngineError, FileError, RenderingError, UndefinedVariable, ValueInvalid
from ...engine.plan import conditions
from ...engine.plan.shared_results import Inputs, Shared
from ...engine.python import author_code
from ...engine.python.author_code import PythonCodeError
from ...engine.run_request import Instruction, RunValues, new_nonce
from ...engine.template import rendering

# Actions of which nothing happens on a host, besides those that wait.
AWAY_FROM_HOSTS = frozenset(["python_code"])
KINDS = {"value_invalid": ValueInvalid, "file": FileError, "code": PythonCodeError}


class DryRunValues:
    """What the steps of one dry run may use on each server; read once for all.

    :param custom: custom values of the run
    :param scopes: {server id: scope} as conditions see it
    """

    def __init__(self, custom, scopes):
        self.custom = custom
        self.scopes = scopes
        self.nonce = new_nonce()
        self.shared = Shared()
        self._for_code = {}
        self._inputs = {}

    def inputs(self, server_id):
        """Return the :class:`Inputs` of a server as conditions see them."""
        if server_id not in self._inputs:
            self._inputs[server_id] = Inputs(self.scopes[server_id])
        return self._inputs[server_id]

    def for_code(self, server_id):
        """Return (scope in which placeholders of secrets are marked, its :class:`Inputs`)."""
        if server_id not in self._for_code:
            scope = RunValues.marked(self.scopes[server_id], self.nonce).scope
            self._for_code[server_id] = scope, Inputs(scope)
        return self._for_code[server_id]


class CxTowerRunTargetMixin(models.AbstractModel):
    """The part of a run target that tells what a step would do, without doing it."""

    _inherit = "cx.tower.run.target.mixin"

    def _dry_run_values(self, plans, variable_values):
        """Return the :class:`DryRunValues` of these servers; one query.

        :param plans: {plan id: engine.plan.definition.FrozenPlan}
        """
        Variable = self.env["cx.tower.variable"]
        references = set()
        for plan in plans.values():
            for line in plan.lines:
                set_values = [text for action in line["actions"] for text in action["values"].values()]
                texts = self._texts_of(Instruction.of_line(line))
                read = conditions.metadata_uses(line["condition"])
                for text in (line["condition"], *read, *texts, *set_values):
                    references |= Variable._find_variables(text)
        tools = Variable._make_tools_values()
        # sudo: as the steps themselves would be prepared
        scopes = Variable._variable_scopes(self.sudo(), variable_values, references, tools)
        return DryRunValues(variable_values, scopes)

    def _dry_run_step(self, line, values, before):
        """Return what a step would do here; its secrets are not looked for.

        :param line: the line's document, see ``cx.tower.plan._definition``
        :param values: :class:`DryRunValues`
        :param before: ``engine.plan.dry_run.StepsBefore``
        :return: dict: ``code``, ``path``, ``use_sudo`` ("", "n", "p"), ``values_later`` (they stand in the code as they
            were written), ``facts``, ``secrets`` (references), ``problems``
        """
        self.ensure_one()
        texts = [text for text in self._texts_of(Instruction.of_line(line)) if text]
        _scope, inputs = values.for_code(self.id)
        may_be_set = frozenset(name for name in inputs.names(texts) if before.may_set(name))
        what = (line["command_id"], line["path"], line["use_sudo"])
        key = (what, self._dry_run_facts_key(), may_be_set, inputs.key(texts))
        step = values.shared.get(key, lambda: self._dry_run_new_step(line, values, before))
        return {**step, "problems": list(step["problems"])}

    def _dry_run_names(self):
        """Return what a report says about where it is: {"server": {``id``, ``reference``, ``name``}}. Extension point."""
        # sudo: the name of the server, to who may run something there
        server = self._run_server().sudo()
        return {"server": {"id": server.id, "reference": server.reference or "", "name": server.name}}

    def _find_dry_run_warnings(self):
        """Return warnings about this target itself, see ``cx.tower.plan.dry_run``. Extension point."""
        return self._run_server()._find_life_warnings()

    def _dry_run_facts_key(self):
        """Return what else of this server than values decides about its steps. Extension point."""
        return self._run_server().sudo()._sudo_mode(True)  # sudo: as the step would be prepared

    def _dry_run_new_step(self, line, values, before):
        # sudo: as the step would be prepared
        target, instruction = self.sudo(), Instruction.of_line(line)
        used = {
            name
            for text in self._texts_of(instruction)
            for name in self.env["cx.tower.variable"]._find_variables(text)
        }
        later = sorted(name for name in used if before.may_set(name))
        scope, _inputs = values.for_code(self.id)
        known = {name for name in later if name in scope.custom or scope.stored.get(name) is not None}
        scope = _with_names(scope, known)
        rendered, problems = {}, []
        while True:
            try:
                rendered = target._render_run(
                    instruction, RunValues(scope, values.nonce, checks_secrets=False)
                )
                if line["action"] == "python_code":
                    author_code.check(rendered["run_input"]["code"])
            except UndefinedVariable as error:
                name = error.variable.partition(".")[0]
                if before.may_set(name) and name not in known:
                    known.add(name)
                    scope = _with_names(scope, [name])
                    continue
                problems = [_problem_of(error, "value_missing") | {"variable": error.variable}]
            except EngineError as error:
                # What stands for a value that is not known yet is only good for printing.
                if not (later and isinstance(error, RenderingError)):
                    kind = next(
                        (name for name, kinds in KINDS.items() if isinstance(error, kinds)), "template"
                    )
                    problems = [_problem_of(error, kind)]
            break
        later = list(dict.fromkeys([*later, *sorted(known)]))
        return {
            "code": rendered.get("code") or "",
            "path": rendered.get("path") or "",
            "use_sudo": rendered.get("use_sudo", target._sudo_of(instruction)) or "",
            "values_later": [] if problems else later,
            "facts": self._dry_run_facts(line),
            "secrets": (rendered.get("run_input") or {}).get("secrets") or [],
            "problems": problems,
        }

    def _dry_run_set_values(self, texts, values, before):
        """Return the problems of what a post-run action sets.

        :param texts: {reference: text}; those that use what steps before may set are only known later
        """
        inputs = values.inputs(self.id)
        known = [text for text in texts.values() if not any(map(before.may_set, inputs.names([text])))]
        key = ("set", tuple(known), inputs.key(known))
        return list(values.shared.get(key, lambda: self._dry_run_new_values(texts, known, values)))

    def _dry_run_new_values(self, texts, known, values):
        problems = []
        for reference, text in texts.items():
            if text not in known:
                continue
            where = self.env._("value of “%(variable)s” set after the line", variable=reference)
            try:
                rendering.render(text, values.scopes[self.id], where=where)
            except UndefinedVariable as error:
                problems.append(_problem_of(error, "value_missing") | {"variable": error.variable})
            except EngineError as error:
                problems.append(_problem_of(error, "template"))
        return problems

    def _dry_run_facts(self, line):
        """Return sentences about what else a step would do. Extension point: actions tell what is special about them."""
        return []


def _with_names(scope, names):
    """Return a scope in which these variables stand as they are written."""
    return replace(scope, custom={**scope.custom, **{name: f"{{{{ {name} }}}}" for name in names}})


def _problem_of(error, kind):
    return {
        "kind": kind,
        "severity": "problem",
        "message": str(error),
        "exit_code": int(error.exit_code),
    }
