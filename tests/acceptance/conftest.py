"""What the acceptance tests share: one installed database to copy from, hosts that are real OpenSSH servers."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sshd"))

import instance as tower
from hosts import SshHost, UserFactory
from plans import ADDRESSES, HOSTS


def pytest_collection_modifyitems(config, items):
    """Say at once what is missing: these tests need the environment of setup/test."""
    if "TOWER_TEST_ODOO" not in os.environ and items:
        raise pytest.UsageError("Run these tests with setup/test acceptance: they need a provisioned Odoo.")


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An installed database that tests copy."""
    folder = tmp_path_factory.mktemp("template")
    database = tower.install(f"tower_acceptance_{os.getpid()}", folder)
    yield database
    database.drop()


@pytest.fixture(scope="module")
def database(template, request):
    """A fresh copy for this test module."""
    name = f"{template.name}_{request.module.__name__.rsplit('.')[-1][:30]}"
    copy = template.copy(name)
    yield copy
    copy.drop()


@pytest.fixture(scope="session")
def template_with_jets(template, tmp_path_factory):
    """A copy of the installed database in which the jet addon is installed as well."""
    database = template.copy(f"{template.name}_with_jets")
    tower.install_into(database, tmp_path_factory.mktemp("with_jets"), "cetmix_tower_jet")
    yield database
    database.drop()


@pytest.fixture(scope="module")
def database_with_jets(template_with_jets, request):
    """A fresh copy, with the jet addon, for this test module."""
    copy = template_with_jets.copy(
        f"{template_with_jets.name}_{request.module.__name__.rsplit('.')[-1][:20]}"
    )
    yield copy
    copy.drop()


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    """A running server in threaded mode."""
    with tower.Instance(database, tmp_path_factory.mktemp("odoo")) as running:
        yield running


class TowerHost:
    """A real OpenSSH host that can be made a server of Tower."""

    def __init__(self, host):
        self.host = host

    def register(self, client, name: str = "Host", **values) -> int:
        """Return the id of a server record for this host: logs in by key, knows the host's key."""
        key = client.create("cx.tower.key", name=name, key_type="k", secret_value=self.host.private_key)
        facts = {
            "name": name,
            "ip_v4_address": self.host.address,
            "ssh_port": self.host.port,
            "ssh_username": self.host.user,
            "ssh_auth_mode": "k",
            "ssh_key_id": key,
            "host_key": self.host.host_key,
        }
        return client.create("cx.tower.server", **(facts | values))


@pytest.fixture(scope="session")
def host_user():
    """The user that hosts log in: one of our own with a plain shell, so that nobody's .bashrc plays a part."""
    if os.geteuid() != 0:
        yield None
        return
    with UserFactory() as users:
        yield users.make(shell="/bin/sh")


@pytest.fixture
def host_dir():
    """A folder that whoever runs commands on a host may write to (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="tower-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def one_host(host_user):
    """One host for commands that need no more."""
    with SshHost(user=host_user) as host:
        yield TowerHost(host)


@pytest.fixture
def make_host(host_user):
    """Make hosts of one's own: ``make_host(options=...)``; they end with the test."""
    made = []

    def make(**arguments):
        host = SshHost(**{"user": host_user, **arguments}).start()
        made.append(host)
        return TowerHost(host)

    yield make
    for host in made:
        host.close()


@pytest.fixture
def many_hosts(host_user, host_dir):
    """(a host, all addresses and ports): few sshd with one key, each on many loopback addresses."""
    started, places = [], []
    try:
        for first in range(1, HOSTS + 1, ADDRESSES):
            names = [f"127.0.0.{number}" for number in range(first, first + ADDRESSES)]
            options = {"ListenAddress": "\nListenAddress ".join(names)}
            host = SshHost(
                user=host_user, address=names[0], options=options, directory=host_dir / "keys"
            ).start()
            started.append(host)
            places += [(name, host.port) for name in names]
        yield started[0], places
    finally:
        for host in started:
            host.close()
