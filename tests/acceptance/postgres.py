"""A PostgreSQL of a test's own, which it may restart while Odoo works with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2

SETTINGS = (
    "listen_addresses=",
    "max_connections=100",
    "fsync=off",
    "full_page_writes=off",
    "log_min_messages=warning",
)
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
USER = "tower"
#: What PostgreSQL calls its ways to stop (``pg_ctl stop -m``).
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT


class Postgres:
    """One PostgreSQL server with an empty cluster; as a context manager it starts and ends."""

    def __init__(self):
        self._programs = Path(os.environ["TOWER_TEST_POSTGRES"])
        self._user = _unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="tower-own-pg-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen | None = None
        self._outside = dict(os.environ)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead clients to it."""
        return {"PGHOST": str(self._folder), "PGPORT": "5432", "PGUSER": USER}

    def __enter__(self) -> Postgres:
        if self._user:
            shutil.chown(self._folder, self._user)
        options = [
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "-U",
            "postgres",
            "--no-sync",
            "-D",
            self._data,
        ]
        self._run(self._programs / "initdb", *options)
        self._run(
            *(self._programs / "postgres", "--single", "-D", self._data, "postgres"),
            input=f"CREATE ROLE {USER} LOGIN CREATEDB\n".encode(),
        )
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop(IMMEDIATE)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *argv, **options) -> None:
        subprocess.run(argv, user=self._user, cwd="/", check=True, capture_output=True, **options)

    def receive(self, name: str) -> None:
        """Copy a database from the server that the tests have been using so far."""
        here = self._outside | self.environment
        subprocess.run([self._programs / "createdb", name], env=here, check=True)
        with subprocess.Popen(
            [self._programs / "pg_dump", "--no-owner", "--format=custom", "--compress=none", name],
            env=self._outside,
            stdout=subprocess.PIPE,
        ) as dump:
            restore = [self._programs / "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}"]
            subprocess.run(restore, env=here, stdin=dump.stdout, check=True)
        assert dump.returncode == 0

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._folder, *settings],
                user=self._user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg2.connect(host=str(self._folder), port=5432, user=USER, dbname="postgres").close()
                return
            except psycopg2.OperationalError:
                assert self._process.poll() is None and time.monotonic() < give_up
                time.sleep(0.05)

    def stop(self, how: signal.Signals = FAST) -> None:
        """Stop it; clients are cut off."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def restart(self, how: signal.Signals = FAST, down_s: float = 0) -> None:
        """Stop it, leave it down for a while, start it again."""
        self.stop(how)
        time.sleep(down_s)
        self.start()


def _unprivileged_user() -> str | None:
    """Who runs PostgreSQL when we are root, whom it refuses."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)
