"""Results of the test runners in one format."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# The only reasons for which a test may be skipped. Any other skip counts as a failure, because it would hide that
# setup/test did not provide something.
ACCEPTED_SKIPS = ("needs root", "needs a kernel")

_ODOO_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)$")
_STARTING = re.compile(r"Starting (\S+) \.\.\.")
_FAILED = re.compile(r"(?:FAIL|ERROR): (?:Subtest )?(setUpClass \S+|tearDownClass \S+|\S+)")
_SUMMARY = re.compile(r"At least one test failed|Module \S+: \d+ failures|\d+ failed, \d+ error")
_SKIPPED = re.compile(r"skipped (\S+) : (.*)")
# Loggers whose warnings announce that something will stop working.
_WARNING_LOGGERS = ("odoo.registry", "odoo.tools.view_validation", "py.warnings")
_OURS = "cetmix_tower"


@dataclass
class Outcome:
    """Results of one suite. failed: name of each failed test. passed, skipped: how many."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    @property
    def line(self) -> str:
        """The closing line that people and machines read."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.failed)} failed{skipped}"

    def skip(self, name: str, reason: str) -> None:
        """Count a skipped test, as a failure unless the reason is one of those we accept."""
        if any(accepted in reason for accepted in ACCEPTED_SKIPS):
            self.skipped += 1
        else:
            self.failed.append(f"{name} (skipped: {reason})")


def from_junit(path: Path) -> Outcome:
    """Results of a pytest run, from the file that `--junitxml` wrote."""
    outcome = Outcome()
    for case in ET.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(name)
        elif skipped is not None and skipped.get("type") != "pytest.xfail":
            outcome.skip(name, skipped.get("message") or "")
        else:
            outcome.passed += 1
    return outcome


class OdooLog:
    """Follows the log of a test run of Odoo, line by line."""

    def __init__(self) -> None:
        self.started: set[str] = set()
        self.current = ""
        self._failed: dict[str, None] = {}
        self._skipped: dict[str, str] = {}

    def feed(self, line: str) -> None:
        match = _ODOO_LINE.match(line)
        if not match:
            return
        level, logger, text = match["level"], match["logger"], match["text"]
        if started := _STARTING.match(text):
            self.current = f"{logger}.{started[1]}"
            self.started.add(self.current)
        elif skipped := _SKIPPED.match(text):
            self._skipped[f"{logger}.{skipped[1]}"] = skipped[2]
        elif level in ("ERROR", "CRITICAL"):
            self._problem(logger, text)
        elif level == "WARNING" and _OURS in text and logger.startswith(_WARNING_LOGGERS):
            self._failed[f"{logger}: {text}"] = None

    def _problem(self, logger: str, text: str) -> None:
        failed = _FAILED.match(text)
        name = f"{logger}.{failed[1]}" if failed else f"{logger}: {text[:200]}"
        if not _SUMMARY.match(text):  # a summary only repeats failures
            self._failed[name] = None

    def outcome(self, status: int | None) -> Outcome:
        """The results, given Odoo's exit status (None: it was ended for taking too long)."""
        outcome = Outcome(failed=list(self._failed))
        for name, reason in self._skipped.items():
            outcome.skip(name, reason)
        if status != 0 and not outcome.failed:
            outcome.failed.append(
                f"Odoo ended with status {status}" if status else f"{self.current} took too long"
            )
        outcome.passed = len(self.started - set(self._failed) - set(self._skipped))
        return outcome


def odoo_failures(log: Path) -> list[str]:
    """The errors in Odoo's log, each with the lines that follow it up to the next entry."""
    shown, telling = [], False
    for line in log.read_text("utf-8", "replace").splitlines():
        match = _ODOO_LINE.match(line)
        if match:
            warns = match["level"] == "WARNING" and _OURS in match["text"]
            telling = warns or match["level"] in ("ERROR", "CRITICAL")
        if telling:
            shown.append(line)
    return shown


def pytest_failures(log: Path) -> list[str]:
    """The part of pytest's output that reports errors; all of it if there is no such part."""
    lines = log.read_text("utf-8", "replace").splitlines()
    heads = ("= FAILURES =", "= ERRORS =")
    first = next((index for index, line in enumerate(lines) if any(head in line for head in heads)), 0)
    return lines[first:]


def listed(names: Iterable[str], limit: int = 50) -> list[str]:
    """The names, cut to a number that a person will read."""
    names = list(names)
    return names if len(names) <= limit else [*names[:limit], f"... and {len(names) - limit} more"]
