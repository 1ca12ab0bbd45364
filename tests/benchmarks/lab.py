"""What the benchmarks measure on: real OpenSSH hosts, a real Odoo process; made when first asked for."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

TESTS = Path(__file__).parents[1]


def load(name: str, path: Path):
    """Import a file of another folder of tests under a name, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


load("engine_conftest", TESTS / "engine" / "conftest.py")  # makes tower_engine importable
hosts = load("sshd_hosts", TESTS / "sshd" / "hosts.py")
tower = load("tower_instance", TESTS / "acceptance" / "instance.py")

MANY = 45
ADDRESSES = 15  # of one sshd
SETTINGS = {"max_parallel_runs": 64, "max_parallel_runs_per_host": 8}


class Lab:
    """Hands out hosts, a database and a running Odoo; all end with the lab.

    :param say: gets a line about what takes long
    """

    def __init__(self, say=print, addons="cetmix_tower_server"):
        self.say = say
        self.addons = addons  # separated by commas
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tower-benchmark-")))

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *exception) -> None:
        self._stack.close()

    @cached_property
    def user(self) -> str | None:
        """Who logs in: a user of our own with a plain shell where we may make one."""
        if os.geteuid() != 0:
            return None
        return self._stack.enter_context(hosts.UserFactory("twb")).make(shell="/bin/sh")

    @cached_property
    def host(self):
        """One host."""
        return self._stack.enter_context(hosts.SshHost(user=self.user))

    @cached_property
    def many(self) -> list:
        """The listeners of many hosts, each on some loopback addresses; sshd takes 16 of them at most."""
        self.folder.chmod(0o755)  # sshd reads the authorized keys as the user who logs in
        started = []
        for first in range(1, MANY + 1, ADDRESSES):
            names = [f"127.0.0.{number}" for number in range(first, min(first + ADDRESSES, MANY + 1))]
            host = hosts.SshHost(
                user=self.user,
                address=names[0],
                options={"ListenAddress": "\nListenAddress ".join(names), "LogLevel": "ERROR"},
                directory=self.folder / "many",  # the same keys for all
            )
            started.append((self._stack.enter_context(host), names))
        return started

    @cached_property
    def addresses(self) -> list[tuple[str, int]]:
        """(address, port) of the many hosts."""
        return [(name, host.port) for host, names in self.many for name in names]

    def cut_connections(self) -> None:
        """End the connections to the many hosts, whoever has them."""
        for host, _names in self.many:
            host.kill_sessions()

    @cached_property
    def database(self):
        """An installed database of our own."""
        self.say("installing Tower in a database of its own ...")
        made = tower.install(f"tower_benchmark_{os.getpid()}", self.folder, self.addons)
        self._stack.callback(made.drop)
        return made

    @cached_property
    def odoo(self):
        """A running Odoo in threaded mode, with the limits of parallel runs raised."""
        running = self._stack.enter_context(tower.Instance(self.database, self.folder))
        client = running.client()
        for name, value in SETTINGS.items():
            client.call("ir.config_parameter", "set_param", f"cetmix_tower_server.{name}", str(value))
        return running

    @cached_property
    def client(self):
        """The administrator's session."""
        return self.odoo.client()

    @cached_property
    def server_id(self) -> int:
        """The server record of the one host."""
        return self.add_servers(self.host, [(self.host.address, self.host.port)])[0]

    @cached_property
    def server_ids(self) -> list[int]:
        """The server records of the many hosts."""
        return self.add_servers(self.many[0][0], self.addresses)

    def add_servers(self, host, addresses: list[tuple[str, int]]) -> list[int]:
        """Make server records that log in with the host's key."""
        client = self.client
        key = client.create("cx.tower.key", name="Benchmark", key_type="k", secret_value=host.private_key)
        facts = {
            "ssh_username": host.user,
            "ssh_auth_mode": "k",
            "ssh_key_id": key,
            "host_key": host.host_key,
        }
        rows = [
            {"name": f"Host {address}", "ip_v4_address": address, "ssh_port": port, **facts}
            for address, port in addresses
        ]
        return client.call("cx.tower.server", "create", rows)

    def add_command(self, name: str, code: str) -> int:
        """Make a shell command that may run side by side."""
        return self.client.create("cx.tower.command", name=name, code=code, allow_parallel_run=True)

    def connect(self):
        """Return a connection to the database that commits every statement."""
        import psycopg2

        connection = psycopg2.connect(dbname=self.database.name)
        connection.autocommit = True
        self._stack.callback(connection.close)
        return connection
