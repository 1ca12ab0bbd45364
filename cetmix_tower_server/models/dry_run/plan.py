from collections import Counter

from odoo import Command, models
from odoo.exceptions import ValidationError

from ...engine.plan.dry_run import LINES_MAX
from ..base.storable_values import LARGEST, is_whole_number
from .report import PROBLEM, WARNING, DryRun

SERVERS_MAX = 200  # in one report


class CxTowerPlan(models.Model):
    """The part of a flight plan that tells what it would do, without touching a host or leaving a log."""

    _inherit = "cx.tower.plan"

    def dry_run(self, servers=None, variable_values=None, domain=None, offset=0, limit=SERVERS_MAX):
        """Tell what this plan would do on servers: which lines would run, with which code, and what stands in the way.

        Nothing is started, nothing is stored, no host is contacted. Every step is assumed to succeed; lines behind
        a problem are looked at as if it were mended. Secrets are named, never shown; code and conditions above the
        caller's level are left out. Sources: product sections 2 and 3; access matrix, "Actions are rights too".

        :param servers: ids and references of servers, or a recordset; with ``domain`` both count. None of both: the
            servers that the plan is restricted to, else all that the caller may read
        :param dict variable_values: own values of the run, {reference: value}
        :param list domain: search domain of further servers
        :param int offset: number of servers to leave out at the start
        :param int limit: number of servers in the report, 1 to 200; for more, call again with the next ``offset``
        :return: dict:

            * ``plan``: {``id``, ``reference``, ``name``}
            * ``servers``: list, in the order of the servers:

              * ``server``: {``id``, ``reference``, ``name``}
              * ``ok``: whether nothing of severity "problem" was found
              * ``would_run``, ``skipped``, ``undecided``: numbers of lines, those of plans inside included
              * ``problems``: all there are, the worst first: ``kind``, ``severity`` ("problem": the run would fail;
                "warning"; "information"), ``message``, ``exit_code`` that a run would end with (0: none), ``line``
                (its number, "" when it is about the server); some with ``variable`` or ``secret``. Kinds:
                value_missing, value_invalid, secret_missing, template, file, code, condition, comparison, incompatible,
                empty_plan, recursion, connection, sudo, running, system, server, above_level
              * ``notes``: sentences, for example that the plan ends before its last line
              * ``complete``: False when the plan has more lines than are looked at
              * ``lines``: list of ``number`` ("2.1": first line of the plan that line 2 runs), ``name``, ``action``,
                ``outcome`` ("run", "skip", "later": decided by steps before it, "problem"), ``why``, ``condition``,
                ``condition_rendered``, ``code``, ``path``, ``use_sudo`` ("", "n", "p"), ``values_later`` (names that
                steps before may set), ``facts`` (sentences about its action), ``hidden`` (above the caller's level), ``note``, ``problems``, ``lines``

            * ``summary``: ``total`` servers that were chosen, ``offset``, ``servers`` in this report, ``ready``,
              ``with_problems``, ``with_warnings``, ``problems_by_kind`` ({kind: number of servers})
        :raise AccessError: the caller may not read the plan or a server, or may not set such values
        :raise ValidationError: unknown server; values, offset or limit that are none
        """
        self.ensure_one()
        self.check_access("read")
        chosen = self._dry_run_servers(servers, domain)
        page = chosen[self._dry_run_page(offset, limit)]
        reports = self._dry_run(page, variable_values or {})
        return {
            "plan": {"id": self.id, "reference": self.reference or "", "name": self.name},
            "servers": reports,
            "summary": {"total": len(chosen), "offset": offset, **self._dry_run_summary(reports)},
        }

    def _dry_run(self, servers, variable_values, lines_max=LINES_MAX):
        """Return the reports of :meth:`dry_run` for servers; raises as a run's start would."""
        servers = servers.with_env(self.env)
        servers._check_arguments(None, variable_values, None)
        servers._check_may_run_plan(self, variable_values)
        return DryRun(self, servers, variable_values, lines_max).reports()

    def _dry_run_servers(self, servers, domain):
        """Return the servers that the arguments name, each once."""
        Server = self.env["cx.tower.server"]
        if servers is None and domain is None:
            # sudo: the plan's own list; those that the caller does not see are left out
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
                    "A report begins at an offset from 0 and has 1 to %s servers. Ask for more with the next offset.",
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

    # ------------------------------------------------------------------ screens

    def action_dry_run(self):
        """Ask on which servers, and with which own values, to look what this plan would do (button).

        :raise AccessError: the caller may not read the plan
        """
        action = self.action_run_flight_plan()
        context = {**action["context"], "tower_dry_run_only": True}
        if self.server_ids:
            allowed = self.server_ids._filtered_access("read")
            context["default_server_ids"] = [Command.set(allowed.ids)]
        return action | {"name": self.env._("Dry Run of %s", self.name), "context": context}

    def _action_dry_run(self, servers, variable_values):
        """Return the action that shows a report; it is asked for by the screen itself.

        :param servers: cx.tower.server records, None for all that the plan may run on
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
        """Open the run wizard for this plan on servers, with own values filled in; nothing is started.

        :param list servers: ids or references of servers
        :param dict variable_values: own values of the run, {reference: value}; those without a variable are left out,
            the wizard cannot show them
        :return: action
        :raise AccessError: the caller may not read the plan, a server or a variable
        :raise ValidationError: unknown server, or a value that its variable does not take
        """
        self.ensure_one()
        self.check_access("read")
        values = variable_values or {}
        variables = self.env["cx.tower.variable"].search([("reference", "in", list(values))])
        chosen = self._dry_run_servers(servers, None)
        chosen.check_access("read")
        # As defaults and not as a wizard that is stored: its preview is made while the form is filled in.
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
        """Return the row of an own value in the wizard."""
        options = variable.option_ids if variable.variable_type == "o" else variable.option_ids.browse()
        option = options.filtered(lambda option: option.value_char == value)[:1]
        return {"variable_id": variable.id, "option_id": option.id, "value_char": value}
