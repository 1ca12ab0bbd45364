"""Running Odoo on a database with our addons, with progress from its log."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import Step
from .errors import SetupError
from .odoo_home import OdooHome
from .paths import Layout, private_dir, write_private
from .postgres import Database
from .processes import run
from .virtualenv import VirtualEnv

ERROR_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (?:ERROR|CRITICAL) (.*)")
# Odoo only warns when demo data cannot be loaded, and installs without it.
DEMO_FAILURE = "demo data failed to install"
MODULE_LINE = re.compile(r"Loading module (\S+) \((\d+)/(\d+)\)")


@dataclass(frozen=True)
class OdooRunner:
    """Starts Odoo for one purpose (the demo, the tests)."""

    layout: Layout
    home: OdooHome
    venv: VirtualEnv
    database: Database
    folder: Path
    more_addons: tuple[Path, ...] = ()  # folders with addons besides Odoo's and Tower's

    def argv(self, *arguments: str) -> list[str]:
        """Command line of Odoo with a configuration of our own, so that ~/.odoorc is not read."""
        options = [*arguments, f"--config={self._configuration()}"]
        return [str(self.venv.python), str(self.home.program), *options]

    def _configuration(self) -> Path:
        path = self.folder / "odoo.conf"
        folders = [*self.home.addons, self.layout.checkout, *self.more_addons]
        addons = ",".join(str(path) for path in folders)
        data = private_dir(self.folder / "data")
        text = f"[options]\naddons_path = {addons}\ndata_dir = {data}\nlist_db = False\n"
        return path if path.exists() and path.read_text("utf-8") == text else write_private(path, text)

    def environment(self) -> dict[str, str]:
        """Variables that Odoo needs: its source, and the database."""
        extra = {"PYTHONPATH": str(self.home.source), "PYTHONUNBUFFERED": "1"}
        return {**self.venv.environment(), **self.database.environment, **extra}

    def install(
        self, name: str, modules: Sequence[str], step: Step, *, demo: bool, update: Sequence[str] = ()
    ) -> None:
        """Install (and update) modules on a database, which must exist (it may be empty).

        :raise SetupError: Odoo failed, or logged an error
        """
        options = ["-d", name, "--stop-after-init", "--no-http", "--max-cron-threads=0"]
        options += ["--with-demo"] if demo else ["--without-demo"]
        options += ["-i", ",".join(modules)] if modules else []
        options += ["-u", ",".join(update)] if update else []
        errors: list[str] = []
        log = self.folder / "install.log"
        log.unlink(missing_ok=True)
        what = f"Odoo could not install {', '.join([*modules, *update])}"
        argv = self.argv(*options)
        run(
            argv,
            what,
            step=step,
            on_line=lambda line: _follow(line, step, errors),
            log=log,
            env=self.environment(),
        )
        if errors:
            raise SetupError(f"{what}: {errors[0][:300]} (all of its output: {log})")

    def script(self, name: str, code: str, what: str, step: Step | None = None, **variables: str) -> None:
        """Run Python in `odoo shell`, where `env` is defined; `variables` go into its environment.

        :raise SetupError: it raised an error; only the code itself commits
        """
        log = self.folder / "shell.log"
        log.unlink(missing_ok=True)
        argv = self.argv("shell", "-d", name, "--no-http", "--shell-interface=python", "--log-level=warn")
        with open(write_private(self.folder / "shell.py", code), "rb") as stdin:
            run(argv, what, step=step, log=log, env={**self.environment(), **variables}, stdin=stdin)

    def for_tests(self) -> dict[str, str]:
        """Variables for tests that start (and kill) this Odoo themselves.

        TOWER_TEST_ODOO is a JSON list, the beginning of the command line; TOWER_TEST_ADDONS_PATH goes with it.
        """
        start = ["env", f"PYTHONPATH={self.home.source}", *self.argv()]
        folders = [*self.home.addons, self.layout.checkout, *self.more_addons]
        addons = ",".join(str(path) for path in folders)
        return {
            **self.venv.environment(),
            **self.database.environment,
            "TOWER_TEST_ODOO": json.dumps(start),
            "TOWER_TEST_ADDONS_PATH": addons,
        }


def _follow(line: str, step: Step, errors: list[str]) -> None:
    module = MODULE_LINE.search(line)
    if module:
        step.note(f"{module[2]} of {module[3]}  {module[1]}")
    problem = ERROR_LINE.match(line)
    if problem:
        errors.append(problem[1])
    elif errors and errors[-1].endswith(DEMO_FAILURE) and re.match(r"[\w.]+Error: ", line):
        errors[-1] = f"{DEMO_FAILURE}: {line}"
    elif DEMO_FAILURE in line:
        errors.append(DEMO_FAILURE)
