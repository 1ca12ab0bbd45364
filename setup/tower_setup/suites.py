"""setup/test: provide everything, run the suites, add up their results."""

import os
import shutil
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from . import locks, odoo_home, ports, postgres, selection, tools, virtualenv
from .console import Console
from .database_state import state_of
from .errors import SetupError
from .hosts import make_privilege_separation_possible
from .manifests import depends
from .odoo_run import OdooRunner
from .outcomes import OdooLog, Outcome, from_junit, listed, odoo_failures, pytest_failures
from .paths import Layout, fingerprint, private_dir
from .processes import run
from .virtualenv import VirtualEnv

# Folders below tests/ that are suites of their own, in the order they run; the addons come between the two rows.
BEFORE = ("setup", "engine", "worker", "sshd")
AFTER = ("acceptance", "demo")
NOT_SUITES = ("benchmarks",)
WITHOUT_ODOO = ("setup", "engine", "worker", "sshd")
WITHOUT_TOOLS = ("setup", "worker")
TOURS = "tours"
TOUR_EXPRESSION = "tour"
# For use while working: a few minutes, no browser, nothing installed again.
FAST = "fast"
FAST_FOLDERS = ("engine", "worker")
SUITE_TIMEOUT_S = 40 * 60
# Suites that wait more than they compute run in so many processes side by side, each with fixtures of its own. The tests of
# a file share one process. With -k, one process starts faster.
LANES = {"sshd": 2, "acceptance": 2}
NO_TESTS_COLLECTED = 5  # exit status of pytest
TESTS_FAILED = 1  # exit status of Odoo
TOOLS = (tools.SSHD, tools.SSH, tools.BUSYBOX, tools.DASH, tools.ZSH, tools.MKSH)
BROWSER = (tools.CHROMIUM,)
SHOWN_LINES = 400


@dataclass
class Bench:
    """What the suites run with; the costly parts are provided when a suite first asks for them."""

    layout: Layout
    console: Console
    stack: ExitStack
    expression: str
    folder: Path
    database_folder: str = "test-postgres"
    durable: bool = False
    with_browser: bool = True
    dependencies: str = ""
    venv: VirtualEnv = field(init=False)
    _odoo: OdooRunner | None = None
    _tool_paths: list[str] | None = None

    def __post_init__(self) -> None:
        with self.provisioning():
            self.venv = virtualenv.provide(self.layout, self.console, self.dependencies)

    def provisioning(self):
        return locks.in_turn(self.layout.cache / "lock", self.console, "fetching what Tower needs")

    def odoo(self) -> OdooRunner:
        """Odoo and a database server of the tests' own."""
        if self._odoo is None:
            with self.provisioning():
                home = odoo_home.provide(self.layout, self.console)
            database = postgres.provide(
                self.layout, self.console, self.venv, self.database_folder, self.stack, durable=self.durable
            )
            more = tuple(sorted({path.parent for path in self.layout.test_addons().values()}))
            self._odoo = OdooRunner(self.layout, home, self.venv, database, self.folder, more)
        return self._odoo

    def tool_paths(self) -> list[str]:
        """Folders for PATH with the programs that the tests use and the machine lacks."""
        if self._tool_paths is None:
            own = self.layout.cache / "bin"
            with self.provisioning():
                tools.require_sudo(self.console)
                if os.geteuid() == 0:
                    make_privilege_separation_possible()
                for tool in (*TOOLS, *(BROWSER if self.with_browser else ())):
                    program = tools.provide(tool, self.layout, self.console)
                    if program.prefix:
                        tools.on_path(program, tool.program, own)
            self._tool_paths = [str(own), *tools.SBIN.split(":")]
        return self._tool_paths

    def environment(self, *, with_odoo: bool, with_tools: bool = True) -> dict[str, str]:
        base = self.odoo().for_tests() if with_odoo else self.venv.environment()
        if with_odoo:
            base["TOWER_TEST_POSTGRES"] = str(postgres.programs(self.layout, self.venv))
        paths = self.tool_paths() if with_tools else []
        return {
            **base,
            "PATH": os.pathsep.join([*paths[:1], base["PATH"], *paths[1:]]),
            "PYTHONUNBUFFERED": "1",
        }


def main(options: Namespace, layout: Layout, console: Console) -> int:
    chosen = _choose(options.suites, layout)
    folder = private_dir(layout.state / "test")
    total = Outcome()
    with locks.only_one(layout.state / "test.lock", "A test run of this checkout"), ExitStack() as stack:
        bench = Bench(layout, console, stack, options.expression, folder, dependencies=options.dependencies)
        bench.with_browser = options.suites != [FAST]
        for name, suite in chosen.items():
            outcome = suite(bench)
            _report(console, name, outcome)
            total += outcome
    _close(console, total)
    return 1 if total.failed or not total.passed else 0


def _choose(names: list[str], layout: Layout) -> dict[str, Callable[[Bench], Outcome]]:
    """The suites to run, by name.

    :raise SetupError: there is no such suite
    """
    folders = [
        path.name for path in sorted((layout.checkout / "tests").iterdir()) if any(path.glob("test_*.py"))
    ]
    folders = [name for name in folders if name not in NOT_SUITES]
    order = [*(n for n in BEFORE if n in folders), *sorted(set(folders) - {*BEFORE, *AFTER})]
    known: dict[str, Callable[[Bench], Outcome]] = {name: _pytest_suite(name) for name in order}
    known |= {name: _odoo_suite(name) for name in layout.addon_names()}
    known |= {name: _odoo_suite(name, folder=folder) for name, folder in layout.test_addons().items()}
    known |= {name: _pytest_suite(name) for name in AFTER if name in folders}
    unknown = [name for name in names if name not in (*known, TOURS, FAST)]
    if unknown:
        raise SetupError(f"There is no suite {unknown[0]}; there are: {', '.join([*known, TOURS, FAST])}.")
    wanted = [*names, *(FAST_FOLDERS if FAST in names else ())]
    chosen = {name: suite for name, suite in known.items() if name in wanted or not wanted}
    if FAST in names:
        chosen |= {f"{FAST} part of {name}": _fast_odoo_suite(name) for name in layout.addon_names()}
    if TOURS in names:
        chosen |= {f"{TOURS} of {name}": _odoo_suite(name, TOUR_EXPRESSION) for name in layout.addon_names()}
    return chosen


def _pytest_suite(name: str) -> Callable[[Bench], Outcome]:
    def suite(bench: Bench) -> Outcome:
        report = bench.folder / f"{name}.xml"
        log = bench.folder / f"{name}.log"
        for path in (report, log):
            path.unlink(missing_ok=True)
        argv = [
            bench.venv.python,
            "-m",
            "pytest",
            f"tests/{name}",
            f"--junitxml={report}",
            "-v",
            "--durations=10",
        ]
        argv += ["-p", "no:cacheprovider"]
        if bench.expression:
            argv += ["-k", bench.expression]
        elif name in LANES:
            argv += ["--numprocesses", str(LANES[name]), "--dist", "loadfile"]
        env = bench.environment(with_odoo=name not in WITHOUT_ODOO, with_tools=name not in WITHOUT_TOOLS)
        with bench.console.step(f"Tests: {name}") as step:
            running = {"step": step, "log": log, "check": False, "timeout_s": SUITE_TIMEOUT_S}
            status, _tail = run(argv, "", env=env, cwd=bench.layout.checkout, **running)
            step.good = status in (0, NO_TESTS_COLLECTED)
        if status == NO_TESTS_COLLECTED:
            return Outcome()
        outcome = from_junit(report) if report.exists() else Outcome()
        if status != 0 and not outcome.failed:
            outcome.failed.append(f"{name}: pytest ended with status {status}")
        if outcome.failed:
            _show(bench.console, pytest_failures(log), log)
        return outcome

    return suite


def _odoo_suite(addon: str, expression: str = "", folder: Path | None = None) -> Callable[[Bench], Outcome]:
    """All tests of an addon, on a database made for this run.

    :param folder: where the addon is, unless it is one of Tower's own
    """

    def suite(bench: Bench) -> Outcome:
        wanted = " and ".join(f"({part})" for part in (expression, bench.expression) if part)
        tags, total = selection.test_tags(folder or bench.layout.checkout / addon, wanted)
        if not total:
            return Outcome()
        odoo = bench.odoo()
        name = f"tower_test_{os.getpid()}"
        bench.stack.callback(_drop, odoo, name)
        _fresh_database(bench, odoo, name)
        options = ["-d", name, "-i", addon, f"--test-tags={tags}"]
        outcome, _is_complete = _run_odoo_tests(bench, odoo, addon, options, total)
        _drop(odoo, name)
        return outcome

    return suite


def _fast_odoo_suite(addon: str) -> Callable[[Bench], Outcome]:
    """The tests of an addon that need neither a browser nor much time, on a database that is kept."""

    def suite(bench: Bench) -> Outcome:
        addons = bench.layout.with_own_dependencies(addon)
        tags, total = selection.test_tags(addons[-1], bench.expression, fast=True)
        if not total:
            return Outcome()
        odoo = bench.odoo()
        name = f"fast_{addon}"
        mark = bench.folder / f"{name}.state"
        state = state_of(addons)
        before = mark.read_text("ascii") if mark.exists() and odoo.database.exists(name) else ""
        # The mark is written again at the end, so the database of an interrupted run is not used again.
        mark.unlink(missing_ok=True)
        if not before:
            _drop(odoo, name)
            _fresh_database(bench, odoo, name)
        update = ["-u", ",".join(each.name for each in addons)]
        change = (update if before else ["-i", addon]) if before != state else []
        options = ["-d", name, *change, f"--test-tags={tags}"]
        outcome, is_complete = _run_odoo_tests(bench, odoo, addon, options, total)
        if is_complete:
            mark.write_text(state, "ascii")
        return outcome

    return suite


def _run_odoo_tests(
    bench: Bench, odoo: OdooRunner, addon: str, options: list[str], total: int
) -> tuple[Outcome, bool]:
    """Run an addon's tests in one Odoo process.

    :param options: database, what to install or update first, and the tests
    :param total: how many tests these are
    :return: the results, and whether Odoo ran the tests to their end
    """
    log = bench.folder / f"{addon}.log"
    log.unlink(missing_ok=True)
    follow = OdooLog()
    options = [*options, "--stop-after-init", "--max-cron-threads=0"]
    options += [f"--http-interface={ports.LOOPBACK}", f"--http-port={ports.free_port()}"]
    env = {**odoo.environment(), "PATH": bench.environment(with_odoo=True)["PATH"]}
    with bench.console.step(f"Tests: {addon} (Odoo)") as step:

        def on_line(line: str) -> None:
            follow.feed(line)
            step.note(f"{len(follow.started)} of {total}  {follow.current.rpartition('tests.')[2]}")

        running = {"step": step, "log": log, "check": False, "timeout_s": SUITE_TIMEOUT_S}
        status, _tail = run(odoo.argv(*options), "", on_line=on_line, env=env, **running)
        outcome = follow.outcome(status)
        step.good = not outcome.failed
    if outcome.failed:
        _show(bench.console, odoo_failures(log), log)
    return outcome, status in (0, TESTS_FAILED) and bool(follow.started)


def _fresh_database(bench: Bench, odoo: OdooRunner, name: str) -> None:
    """Create a database with Odoo's addons that ours need; a copy of one that is kept, if the server is ours."""
    if not odoo.database.embedded:
        odoo.database.create(name)
        return
    modules = depends(bench.layout.checkout, bench.layout.addon_names())
    template = f"base_{fingerprint(str(odoo.home.source), *modules)}"
    ready = bench.folder / f"{template}.ready"
    if not (ready.exists() and odoo.database.exists(template)):
        odoo.database.drop(template)
        odoo.database.create(template)
        with bench.console.step(
            f"Making a database with {', '.join(modules)} (kept for the next run)"
        ) as step:
            odoo.install(template, modules, step, demo=False)
        ready.touch()
    odoo.database.create(name, template)
    filestore = bench.folder / "data" / "filestore"
    if (filestore / template).exists():
        shutil.copytree(filestore / template, filestore / name, dirs_exist_ok=True)


def _drop(odoo: OdooRunner, name: str) -> None:
    odoo.database.drop(name)
    shutil.rmtree(odoo.folder / "data" / "filestore" / name, ignore_errors=True)


def _show(console: Console, lines: list[str], log: Path) -> None:
    """Print the important lines of a log, shortened in the middle if there are many."""
    if len(lines) > SHOWN_LINES:
        half = SHOWN_LINES // 2
        lines = [*lines[:half], f"... {len(lines) - SHOWN_LINES} lines ...", *lines[-half:]]
    console.say("\n".join([*lines, f"(all of it: {log})"]))


def _report(console: Console, name: str, outcome: Outcome) -> None:
    console.say(
        f"{name}: {outcome.line}"
        if outcome.passed or outcome.failed or outcome.skipped
        else f"{name}: nothing to run"
    )


def _close(console: Console, total: Outcome) -> None:
    console.say()
    for name in listed(total.failed):
        console.say(f"FAILED  {name}")
    if not total.passed and not total.failed:
        console.say("No test was run.")
    console.say(total.line)
