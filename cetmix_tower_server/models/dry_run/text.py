from odoo import models

from .plan import SERVERS_MAX
from .report import WARNING

INDENT = "    "


class CxTowerPlan(models.Model):
    """The report of a dry run as a text to print, to mail, to compare."""

    _inherit = "cx.tower.plan"

    def dry_run_text(self, servers=None, variable_values=None, domain=None, offset=0, limit=SERVERS_MAX):
        """Return the report of :meth:`dry_run` as text.

        Parameters and errors: as of :meth:`dry_run`.

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
            "%(run)s lines would run, %(skip)s are skipped, %(later)s are decided later.",
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
        return self.env._("ready, but see the warnings") if has_warnings else self.env._("ready")

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
            yield indent + INDENT + self.env._("Its code is above your level.")
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
