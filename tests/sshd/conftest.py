"""Hosts and users shared by the tests against real sshd."""

import importlib.util
import os
import pwd
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def load(name: str, path: Path):
    """Import a file under a name, once: the folders of the tests are not packages."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


load("engine_conftest", HERE.parent / "engine" / "conftest.py")
hosts = load("sshd_hosts", HERE / "hosts.py")

from tower_engine.script.conversation import ScriptSpec  # noqa: E402
from tower_engine.secret import Secret  # noqa: E402
from tower_engine.ssh.files import FileSession  # noqa: E402
from tower_engine.ssh.pool import ConnectionPool  # noqa: E402
from tower_engine.ssh.running.collecting import Output  # noqa: E402
from tower_engine.ssh.running.run_script import Clocks, run_script  # noqa: E402
from tower_engine.ssh.target import ConnectSettings, Credential, Target  # noqa: E402

IS_ROOT = os.geteuid() == 0


def pytest_collection_modifyitems(items):
    """Skip with a reason what this machine cannot do; the release run counts such skips as failures."""
    has_sshd = hosts.find_program("sshd") is not None
    for item in items:
        if HERE in item.path.parents:
            if not has_sshd:
                item.add_marker(pytest.mark.skip(reason="sshd is missing: install openssh-server"))
            elif "users" in item.fixturenames and not IS_ROOT:
                item.add_marker(pytest.mark.skip(reason="Making users and sudo rules needs root"))


class Lab:
    """Short words for what most tests do."""

    def __init__(self, pool: ConnectionPool):
        self.pool = pool

    @staticmethod
    def target(host, /, **changes) -> Target:
        settings = ConnectSettings(connect_timeout_s=5, auth_timeout_s=10)
        credential = Credential(private_key=Secret(host.private_key))
        target = Target(host.address, host.port, host.user, credential, host.host_key, settings=settings)
        return replace(target, **changes)

    def run(self, where, code: str, clocks: Clocks | None = None, **options):
        """Run code on a host or target; options of ScriptSpec, Output and run_script may be mixed."""
        target = where if isinstance(where, Target) else self.target(where)
        chosen = [
            {name: options.pop(name) for name in kind.__dataclass_fields__ if name in options}
            for kind in (ScriptSpec, Output)
        ]
        spec, output = ScriptSpec(code, **chosen[0]), Output(**chosen[1])
        return run_script(self.pool, target, spec, clocks or Clocks(step_timeout_s=60), output, **options)


@pytest.fixture(scope="session")
def users():
    with hosts.UserFactory() as factory:
        yield factory


@pytest.fixture(scope="session")
def account(request):
    """Who most tests log in as: a user of our own when we may make one (the shell's start files are known)."""
    return request.getfixturevalue("users").make() if IS_ROOT else None


@pytest.fixture(scope="session")
def host(account):
    """A host that tests only run commands on."""
    with hosts.SshHost(user=account) as started:
        yield started


@pytest.fixture
def own_host(account):
    """A host for one test, which may maltreat it; call it with the options of SshHost."""
    started = []

    def start(**options):
        started.append(hosts.SshHost(**({"user": account} | options)).start())
        return started[-1]

    yield start
    for item in started:
        item.close()


@pytest.fixture
def pool():
    made = ConnectionPool()
    yield made
    made.close()


@pytest.fixture
def lab(pool):
    made = Lab(pool)
    yield made
    made.pool.close()


@pytest.fixture
def files(lab, host):
    """Work with files on the shared host, as its log-in user."""
    with FileSession(lab.pool, lab.target(host)) as session:
        yield session


@pytest.fixture
def folder(host):
    """A directory of the log-in user."""
    made = Path(tempfile.mkdtemp(prefix="tower-files-"))
    entry = pwd.getpwnam(host.user)
    os.chown(made, entry.pw_uid, entry.pw_gid)
    yield made
    shutil.rmtree(made)
