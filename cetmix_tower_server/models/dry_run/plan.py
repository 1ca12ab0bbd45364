from collections import Counter

from odoo import Command, models
from odoo.exceptions import ValidationError

from ...engine.plan.dry_run import LINES_MAX
from ...engine.run_request import RunRequest
from ..base.storable_values import LARGEST, is_whole_number
from .report import PROBLEM, WARNING, DryRun

SERVERS_MAX = 200  # in one report
INDENT = "    "


class CxTowerPlan(models.Model):
    """Dry runs: what a flight plan would do on servers, without contacting a host or creating a log."""

    _inherit = "cx.tower.plan"

    def dry_run(self, servers=None, variable_values=None, domain=None, offset=0, limit=SERVERS_MAX):
        """Return what this plan would do on servers: which lines would run, with which code, and which problems exist.

        Nothing is started or stored, and no host is contacted. Every step is assumed to succeed, and lines after a problem
        are evaluated as if it were solved. Secrets are named but never shown. Code and conditions above the caller's access
        level are left out.

        :param servers: ids and references of servers, or a recordset. Default: the servers that the plan is restricted to,
            otherwise all that the caller may read
        :param dict variable_values: custom values of the run, {reference: value}
        :param list domain: search domain for servers, in addition to ``servers``
        :param int offset: number of servers to skip
        :param int limit: number of servers in the report, 1 to 200; for more, call again with the next ``offset``
        :return: dict:

            * ``plan``: {``id``, ``reference``, ``name``}
            * ``servers``: list, in the order of the servers:

              * ``server``: {``id``, ``reference``, ``name``}
              * ``ok``: whether no problem of severity "problem" was found
              * ``would_run``, ``skipped``, ``undecided``: numbers of lines, including those of nested plans
              * ``problems``: the most severe first: ``kind``, ``severity`` ("problem": the run would fail;
                "warning"; "information"), ``message``, ``exit_code`` that a run would end with (0: none), ``line``
                (its number, "" if the problem concerns the server); some with ``variable`` or ``secret``. Kinds:
                value_missing, value_invalid, secret_missing, template, file, code, condition, comparison, incompatible,
                empty_plan, recursion, connection, sudo, running, system, server, above_level
              * ``notes``: texts, for example that the plan ends before its last line
              * ``complete``: False if the plan has more lines than a dry run evaluates
              * ``lines``: list of ``number`` ("2.1": first line of the plan that line 2 runs), ``name``, ``action``,
                ``outcome`` ("run", "skip", "later": depends on earlier steps, "problem"), ``why``, ``condition``,
                ``condition_rendered``, ``code``, ``path``, ``use_sudo`` ("", "n", "p"), ``values_later`` (names of values
                that earlier steps may set), ``facts`` (texts about its action), ``hidden`` (above the caller's level),
                ``note``, ``problems``, ``lines``

            * ``summary``: ``total`` number of chosen servers, ``offset``, ``servers`` in this report, ``ready``,
              ``with_problems``, ``with_warnings``, ``problems_by_kind`` ({kind: number of servers})
        :raise AccessError: the caller may not read the plan or a server, or may not set these values
        :raise ValidationError: unknown server; invalid values, offset or limit
        """
        self.ensure_one()
        self.check_access("read")
        return self._dry_run_report(self._dry_run_servers(servers, domain), variable_values, offset, limit)

    def _dry_run_report(self, chosen, variable_values, offset, limit):
        """Return what :meth:`dry_run` returns, for servers or other targets of one model."""
        page = chosen[self._dry_run_page(offset, limit)]
        reports = self._dry_run(page, variable_values or {})
        return {
            "plan": {"id": self.id, "reference": self.reference or "", "name": self.name},
            "servers": reports,
            "summary": {"total": len(chosen), "offset": offset, **self._dry_run_summary(reports)},
        }

    def _dry_run(self, servers, variable_values, lines_max=LINES_MAX):
        """Return the reports of :meth:`dry_run` for servers. Raises the same errors as the start of a run."""
        servers = servers.with_env(self.env)
        servers._check_request(RunRequest(variable_values=variable_values))
        servers._check_may_run_plan(self, variable_values)
        return DryRun(self, servers, variable_values, lines_max).reports()

    def _dry_run_servers(self, servers, domain):
        """Return the servers that the arguments select, without duplicates."""
        Server = self.env["cx.tower.server"]
        if servers is None and domain is None:
            # sudo: reads the plan's full list of servers, which is then filtered by the caller's access
            own = self.sudo().server_ids.with_env(self.env)
            return own._filtered_access("read") if own else Server.search([("active", "=", True)])
        found = Server.search(domain) if domain is not None else Server
        if servers is None:
            return found
        if isinstance(servers, models.BaseModel):
            return servers.with_env(self.env) | found
        return Server._find_named(servers) | found

    def _dry_run_page(self, offset, limit):
        if not (is_whole_number(offset, 0, LARGEST) and is_whole_number(limit, 1, SERVERS_MAX)):
            raise ValidationError(
                self.env._(
                    "The offset must be 0 or more and the limit from 1 to %s servers. Use the next offset "
                    "for further servers.",
                    SERVERS_MAX,
                )
            )
        return slice(offset, offset + limit)

    def _dry_run_summary(self, reports):
        def having(report, severity):
            return {problem["kind"] for problem in report["problems"] if problem["severity"] == severity}

        kinds = Counter(kind for report in reports for kind in having(report, PROBLEM))
        ready = sum(report["ok"] for report in reports)
        return {
            "servers": len(reports),
            "ready": ready,
            "with_problems": len(reports) - ready,
            "with_warnings": sum(bool(having(report, WARNING)) for report in reports),
            "problems_by_kind": dict(sorted(kinds.items())),
        }

    # ------------------------------------------------------------------ as text

    def dry_run_text(self, servers=None, variable_values=None, domain=None, offset=0, limit=SERVERS_MAX):
        """Return the report of :meth:`dry_run` as text, to print, send or compare.

        Parameters and errors are those of :meth:`dry_run`.

        :return: str
        """
        report = self.dry_run(servers, variable_values, domain, offset, limit)
        summary = report["summary"]
        parts = [
            self.env._("Dry run of flight plan “%s”", report["plan"]["name"]),
            self.env._(
                "%(ready)s of %(servers)s servers ready, %(count)s with problems.",
                ready=summary["ready"],
                servers=summary["servers"],
                count=summary["with_problems"],
            ),
            *(
                [self.env._("Warnings for %s of them.", summary["with_warnings"])]
                if summary["with_warnings"]
                else []
            ),
        ]
        left = summary["total"] - summary["offset"] - summary["servers"]
        if summary["offset"] or left > 0:
            parts.append(
                self.env._(
                    "Servers %(first)s to %(last)s of %(total)s.",
                    first=summary["offset"] + 1,
                    last=summary["offset"] + summary["servers"],
                    total=summary["total"],
                )
            )
        for server in report["servers"]:
            parts += ["", *self._dry_run_server_text(server)]
        return "\n".join(parts) + "\n"

    def _dry_run_server_text(self, report):
        name = f"{report['server']['name']} ({report['server']['reference']})"
        state = self._dry_run_state_text(report)
        yield f"== {name}: {state} =="
        yield self.env._(
            "%(run)s lines would run, %(skip)s would be skipped, %(later)s are decided later.",
            run=report["would_run"],
            skip=report["skipped"],
            later=report["undecided"],
        )
        labels = self._dry_run_labels()
        for problem in report["problems"]:
            place = self.env._("line %s", problem["line"]) + ": " if problem["line"] else ""
            yield f"{labels[problem['severity']]}: {place}{problem['message']}"
        yield from report["notes"]
        for line in report["lines"]:
            yield from self._dry_run_line_text(line, labels, 0)

    def _dry_run_state_text(self, report):
        if not report["ok"]:
            return self.env._("has problems")
        has_warnings = any(problem["severity"] == WARNING for problem in report["problems"])
        return self.env._("ready, with warnings") if has_warnings else self.env._("ready")

    def _dry_run_line_text(self, line, labels, depth):
        indent = INDENT * depth
        yield f"{indent}{line['number']}. [{labels[line['outcome']]}] {line['name']}: {line['why']}"
        facts = [
            (self.env._("condition"), line["condition"]),
            (self.env._("with values"), line["condition_rendered"]),
            (self.env._("directory"), line["path"]),
            (self.env._("sudo"), line["use_sudo"] and self.env._("yes")),
            (self.env._("known later"), ", ".join(line["values_later"])),
        ]
        for label, text in facts:
            if text:
                yield f"{indent}{INDENT}{label}: {text}"
        for fact in line["facts"]:
            yield f"{indent}{INDENT}{fact}"
        if line["hidden"]:
            yield indent + INDENT + self.env._("Its code is hidden: it is above your access level.")
        for text in line["code"].splitlines():
            yield f"{indent}{INDENT}| {text}"
        for nested in line["lines"]:
            yield from self._dry_run_line_text(nested, labels, depth + 1)
        if line["note"]:
            yield f"{indent}{INDENT}{line['note']}"

    def _dry_run_labels(self):
        return {
            "run": self.env._("runs"),
            "skip": self.env._("skipped"),
            "later": self.env._("decided later"),
            "problem": self.env._("PROBLEM"),
            "warning": self.env._("Warning"),
            "information": self.env._("Information"),
        }

    # ------------------------------------------------------------------ screens

    def action_dry_run(self):
        """Open the wizard that asks for the servers and custom values of a dry run (button).

        :raise AccessError: the caller may not read the plan
        """
        action = self.action_run_flight_plan()
        context = {**action["context"], "tower_dry_run_only": True}
        if self.server_ids:
            allowed = self.server_ids._filtered_access("read")
            context["default_server_ids"] = [Command.set(allowed.ids)]
        return action | {"name": self.env._("Dry Run of %s", self.name), "context": context}

    def _action_dry_run(self, servers, variable_values):
        """Return the action that opens the dry run screen, which then requests the report.

        :param servers: cx.tower.server records, or None for all servers that the plan may run on
        """
        self.check_access("read")
        return {
            "type": "ir.actions.client",
            "tag": "cetmix_tower_dry_run",
            "name": self.env._("Dry run of %s", self.name),
            "params": {
                "plan_id": self.id,
                "server_ids": None if servers is None else servers.ids,
                "variable_values": variable_values,
            },
        }

    def action_run_on_servers(self, servers, variable_values=None):
        """Open the run wizard for this plan, with servers and custom values filled in. Nothing is started.

        :param list servers: ids or references of servers
        :param dict variable_values: custom values of the run, {reference: value}. Values without a variable are ignored,
            because the wizard cannot show them.
        :return: action
        :raise AccessError: the caller may not read the plan, a server or a variable
        :raise ValidationError: unknown server, or a value that is invalid for its variable
        """
        self.ensure_one()
        self.check_access("read")
        values = variable_values or {}
        variables = self.env["cx.tower.variable"].search([("reference", "in", list(values))])
        chosen = self._dry_run_servers(servers, None)
        chosen.check_access("read")
        # Defaults instead of a stored wizard, because the preview is computed while the form is filled in.
        context = {
            "default_plan_id": self.id,
            "default_server_ids": [Command.set(chosen.ids)],
            "default_custom_variable_value_ids": [
                Command.create(self._own_value_line(variable, values[variable.reference]))
                for variable in variables
            ],
        }
        return self.action_run_flight_plan() | {"context": context}

    @staticmethod
    def _own_value_line(variable, value):
        """Return the values of the wizard line for a custom value."""
        options = variable.option_ids if variable.variable_type == "o" else variable.option_ids.browse()
        option = options.filtered(lambda option: option.value_char == value)[:1]
        return {"variable_id": variable.id, "option_id": option.id, "value_char": value}
