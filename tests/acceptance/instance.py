"""A real Odoo with Tower for acceptance tests and benchmarks: its own process, database and port.

``setup/test`` sets the environment: ``TOWER_TEST_ODOO`` (JSON list: how Odoo is started),
``TOWER_TEST_ADDONS_PATH``, and ``PGHOST``/``PGUSER`` ... of a PostgreSQL that may create databases.
"""

from __future__ import annotations

import http.cookiejar
import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

START_TIMEOUT_S = 120
CALL_TIMEOUT_S = 120


class RpcError(Exception):
    """The server answered with an error; ``name`` is the exception's Python name."""

    def __init__(self, error: dict):
        data = error.get("data") or {}
        self.name = data.get("name", "")
        super().__init__(data.get("message") or error.get("message") or str(error))


def free_port() -> int:
    """Return a TCP port of the loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Database:
    """A database by name; connections for looking at it from outside of Odoo."""

    def __init__(self, name: str):
        self.name = name

    def query(self, statement: str, parameters=()) -> list[tuple]:
        """Run a statement in a transaction of its own and return its rows."""
        connection = psycopg2.connect(dbname=self.name)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def dump(self) -> str:
        """Return everything that is in the tables, as text."""
        connection = psycopg2.connect(dbname=self.name)
        output = io.StringIO()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
                for (table,) in cursor.fetchall():
                    cursor.copy_expert(f"COPY {table} TO STDOUT", output)
        finally:
            connection.close()
        return output.getvalue()

    def wake_crons(self) -> None:
        """Let the servers of this database look now which crons are due. Unasked they look once a minute."""
        _maintain("SELECT pg_notify('cron_trigger', %s)", (self.name,))

    def drop(self) -> None:
        """Delete the database, whoever of ours is connected."""
        _drop(self.name)

    def copy(self, name: str) -> Database:
        """Return a new database made from this one, which nobody may be connected to."""
        _drop(name)
        _maintain(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        return Database(name)


def _drop(name: str) -> None:
    # Not WITH (FORCE): PostgreSQL refuses that to an ordinary role while an autovacuum worker is in the database;
    # the plain statement ends that worker by itself.
    _maintain(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()",
        (name,),
    )
    _maintain(f'DROP DATABASE IF EXISTS "{name}"')


def _maintain(statement: str, parameters: tuple | None = None) -> None:
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    try:
        connection.cursor().execute(statement, parameters)
    finally:
        connection.close()


class Instance:
    """One Odoo server process (with its children, in prefork mode) on one database.

    :param database: an installed database, see :func:`install`
    :param folder: for data and the server's log
    :param workers: HTTP worker processes; 0: threaded mode
    :param environment: variables on top of the test's own
    """

    def __init__(self, database: Database, folder: Path, workers: int = 0, environment: dict | None = None):
        self.database = database
        self.folder = folder
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / f"odoo-{self.port}.log"
        self._environment = environment or {}
        self._process: subprocess.Popen | None = None
        self._clients: dict[tuple[str, str], Client] = {}

    def start(self) -> Instance:
        """Start the server and wait until it answers."""
        arguments = [
            *(f"--database={self.database.name}", f"--db-filter=^{self.database.name}$"),
            *("--http-interface=127.0.0.1", f"--http-port={self.port}", f"--gevent-port={free_port()}"),
            *(f"--workers={self.workers}", "--max-cron-threads=2", f"--logfile={self.log_file}"),
        ]
        self._process = start_odoo(arguments, self.folder, self._environment)
        give_up = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(f"{self.url}/web/login", timeout=20) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.2)
        raise RuntimeError(f"Odoo did not start:\n{self.log()[-3000:]}")

    @property
    def pid(self) -> int:
        """Process id of the server (of the parent, in prefork mode)."""
        return self._process.pid

    def pids(self) -> list[int]:
        """Process ids of the server and all its children."""
        found = subprocess.run(["pgrep", "-g", str(self.pid)], capture_output=True, text=True)
        return [int(line) for line in found.stdout.split()]

    def memory(self) -> int:
        """Return the resident memory of the server's processes together, in bytes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    @contextmanager
    def frozen(self) -> Iterator[list[int]]:
        """Hold the server's processes still, between two of its transactions, so that nobody waits for their locks.

        :return: the process ids
        """
        pids = self.pids()
        give_up = time.monotonic() + 30
        try:
            while not self._stop_between_transactions(pids):
                assert time.monotonic() < give_up, f"{self.url} is always in a transaction"
                _signal_all(pids, signal.SIGCONT)
                time.sleep(0.02)
            yield pids
        finally:
            _signal_all(pids, signal.SIGCONT)

    def _stop_between_transactions(self, pids: list[int]) -> bool:
        """Stop processes and return whether none of them has a transaction open that has written or locked rows."""
        _signal_all(pids, signal.SIGSTOP)
        time.sleep(0.05)  # for the statements that have just been sent
        busy = self.database.query(
            """SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = ANY(%s)
                AND (state = 'active' OR backend_xid IS NOT NULL)""",
            (self.database.name, [f"odoo-{pid}" for pid in pids]),
        )
        return not busy

    def kill(self) -> None:
        """End every process of the server as ``kill -9`` does."""
        self._end(signal.SIGKILL)

    def wait_until_dead(self, timeout_s: float = 60) -> None:
        """Wait until the server has died by itself (a crash point)."""
        self._process.wait(timeout_s)
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server in good order."""
        self._end(signal.SIGTERM)

    def _end(self, signum: int) -> None:
        if not self._process:
            return
        try:
            os.killpg(self._process.pid, signum)
            self._process.wait(15)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(15)
        self._process = None

    def log(self) -> str:
        """Return what the server has logged."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def client(self, login: str = "admin", password: str | None = None) -> Client:
        """Return a logged-in client; a user's password is the login in these tests.

        Clients of one user share a session: checking a password takes a third of a second.
        """
        key = login, password or login
        if key not in self._clients:
            self._clients[key] = Client(self, *key)
        return self._clients[key]

    def __enter__(self) -> Instance:
        return self.start()

    def __exit__(self, *exception) -> None:
        self.stop()


def _signal_all(pids: list[int], signum: int) -> None:
    for pid in pids:
        os.kill(pid, signum)


class Client:
    """Calls methods of models as the web client does, as one user."""

    def __init__(self, instance: Instance, login: str, password: str):
        self._url = instance.url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._post(
            "/web/session/authenticate",
            {"db": instance.database.name, "login": login, "password": password},
        )

    @property
    def session_id(self) -> str:
        """The session, for a browser that takes it over."""
        return next(cookie.value for cookie in self._cookies if cookie.name == "session_id")

    def _post(self, path: str, parameters: dict):
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": parameters}).encode()
        request = urllib.request.Request(self._url + path, body, {"Content-Type": "application/json"})
        with self._opener.open(request, timeout=CALL_TIMEOUT_S) as answer:
            payload = json.load(answer)
        if payload.get("error"):
            raise RpcError(payload["error"])
        return payload.get("result")

    def call(self, model: str, method: str, *arguments, **keywords):
        """Call a method; the first argument of a record's method is the list of ids."""
        parameters = {"model": model, "method": method, "args": list(arguments), "kwargs": keywords}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", parameters)

    def get(self, path: str) -> bytes:
        """Fetch a page or file."""
        with self._opener.open(self._url + path, timeout=CALL_TIMEOUT_S) as answer:
            return answer.read()

    def create(self, model: str, **values) -> int:
        """Create one record and return its id."""
        created = self.call(model, "create", [values])
        return created[0] if isinstance(created, list) else created

    def log(self, log_id: int, *names: str) -> dict:
        """Read fields of a command log."""
        return self.call(
            "cx.tower.command.log", "read", [log_id], list(names) or ["state", "command_status"]
        )[0]

    def wait_for(self, log_id: int, timeout_s: float = 60) -> dict:
        """Wait until a run has ended and return how it stands; fails when it does not end in time."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            values = self.call("cx.tower.command.log", "wait", [log_id], timeout_s=5)
            if values["finished"]:
                return values
        raise AssertionError(f"run {log_id} has not ended after {timeout_s} s: {values}")


def odoo_environment(extra: dict | None = None) -> dict:
    """Return the environment that Odoo is started with."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **(extra or {})}


def odoo_command(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of Odoo; a sub-command (``shell``) comes before the options."""
    start = json.loads(os.environ["TOWER_TEST_ODOO"])
    options = next((i for i, part in enumerate(start) if part.startswith("--")), len(start))
    subcommand = [part for part in arguments[:1] if not part.startswith("-")]
    return [
        *start[:options],
        *subcommand,
        *start[options:],
        *arguments[len(subcommand) :],
        f"--addons-path={os.environ['TOWER_TEST_ADDONS_PATH']}",
        f"--data-dir={folder / 'data'}",
    ]


def odoo_shell(
    database: Database, folder: Path, script: str, timeout_s: float
) -> subprocess.CompletedProcess:
    """Run Python in ``odoo shell`` on a database."""
    options = ["shell", f"--database={database.name}", "--no-http", f"--logfile={folder / 'shell.log'}"]
    return subprocess.run(
        odoo_command(folder, *options),
        input=script,
        capture_output=True,
        text=True,
        env=odoo_environment(),
        timeout=timeout_s,
    )


def start_odoo(arguments: list[str], folder: Path, environment: dict | None = None) -> subprocess.Popen:
    """Start Odoo in a session of its own; what it prints goes to a file in ``folder``."""
    output = (folder / "odoo-output.txt").open("ab")
    return subprocess.Popen(
        odoo_command(folder, *arguments),
        env=odoo_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def install(name: str, folder: Path, modules: str = "cetmix_tower_server") -> Database:
    """Create a database with Tower and return it; nobody is connected to it afterwards.

    ``TOWER_TEST_TEMPLATE`` may name a database that has the addons of Odoo that Tower needs, to be quicker.
    """
    database = Database(name)
    database.drop()
    ready = os.environ.get("TOWER_TEST_TEMPLATE")
    if ready:
        Database(ready).copy(name)
    install_into(database, folder, modules)
    return database


def install_into(database: Database, folder: Path, modules: str) -> None:
    """Install modules in a database that may have others already."""
    log = folder / "install.log"
    arguments = [
        *(f"--database={database.name}", f"--init={modules}"),
        *("--stop-after-init", "--no-http", f"--logfile={log}"),
    ]
    process = start_odoo(arguments, folder)
    if process.wait(600) != 0:
        raise RuntimeError(f"{modules} could not be installed:\n{log.read_text(errors='replace')[-3000:]}")
