"""Three real SSH hosts on loopback, each an sshd of its own with its own keys.

For an ordinary user, all three log that user in by key. For root, each has a user of its own, which is removed when the
demo ends; the host "sudo" then takes a password, with which its user may also use sudo.
"""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import ports, tools
from .console import Console
from .errors import SetupError
from .paths import Layout, private_dir, write_private
from .processes import Services, run

START_TIMEOUT_S = 15
# name: reference of the server record in the addon's demo data
NAMES = {"web": "demo_host_1", "db": "demo_host_2", "sudo": "demo_host_3"}


@dataclass(frozen=True)
class DemoHost:
    """One host, with what a person would type into a server's form to reach it."""

    name: str
    reference: str
    port: int
    user: str
    host_key: str = ""
    private_key: str = ""
    password: str = ""
    home: str = ""
    address: str = ports.LOOPBACK


class HostSet:
    """The three hosts of a demo.

    :param folder: where their keys, settings and logs are kept
    """

    def __init__(self, layout: Layout, console: Console, folder: Path):
        self.layout = layout
        self.console = console
        self.folder = private_dir(folder)
        self.sshd = tools.provide(tools.SSHD, layout, console)
        self.as_root = os.geteuid() == 0
        self.with_sudo = self.as_root and tools.require_sudo(console)

    def start(self, stack: ExitStack) -> list[DemoHost]:
        """Start the hosts; they end, and their users go, when `stack` closes.

        :raise SetupError: one of them did not start
        """
        known = self._known()
        hosts = [self._prepare(name, known.get(name, {}), stack) for name in NAMES]
        services = Services()
        stack.callback(services.stop)
        for host in hosts:
            self._start(host, services)
        for host in hosts:
            self._wait(host, services)
        write_private(self.folder / "hosts.json", json.dumps([asdict(host) for host in hosts], indent=1))
        return hosts

    def _known(self) -> dict[str, dict]:
        """The hosts of the previous start, so that ports, keys and passwords stay the same."""
        try:
            return {
                host["name"]: host for host in json.loads((self.folder / "hosts.json").read_text("utf-8"))
            }
        except (OSError, ValueError):
            return {}

    def _prepare(self, name: str, known: dict, stack: ExitStack) -> DemoHost:
        folder = private_dir(self.folder / name)
        host_key = self._key(folder / "ssh_host_ed25519_key")
        public_key = host_key.with_suffix(".pub").read_text("ascii").rsplit(" ", 1)[0].strip()
        port = ports.free_port(known.get("port"))
        user, home = self._user_name(name), str(self._home(name))
        host = DemoHost(name, NAMES[name], port, user, public_key, home=home)
        if name == "sudo" and self.with_sudo:
            host = replace(host, password=known.get("password") or secrets.token_urlsafe(12))
        else:
            host = replace(host, private_key=self._key(folder / "id_ed25519").read_text("ascii"))
        if self.as_root:
            self._add_user(host, stack)
        return host

    def _key(self, path: Path) -> Path:
        if not path.exists():
            keygen = tools.provide(tools.SSH_KEYGEN, self.layout, self.console)
            argv = [keygen.path, "-q", "-t", "ed25519", "-N", "", "-C", "tower-demo", "-f", path]
            run(argv, "An SSH key could not be made", env=keygen.environment())
        return path

    def _user_name(self, name: str) -> str:
        return f"tower-{name}-{self.layout.tag}" if self.as_root else pwd.getpwuid(os.geteuid()).pw_name

    def _home(self, name: str) -> Path:
        base = private_dir(self.layout.public_state, 0o755) if self.as_root else self.folder
        return base / "homes" / name

    def _add_user(self, host: DemoHost, stack: ExitStack) -> None:
        home = self._home(host.name)
        home.parent.mkdir(parents=True, exist_ok=True)
        what = f"The user {host.user} could not be made"
        _remove_user(host.user)
        stack.callback(_remove_user, host.user)
        # "*" is no valid password, so no password logs in; the default "!" would lock the account for sshd.
        run(
            [
                "useradd",
                "--no-log-init",
                "--password",
                "*",
                "--shell",
                "/bin/bash",
                "--home-dir",
                home,
                "-M",
                host.user,
            ],
            what,
        )
        private_dir(home)
        run(["chown", "-R", f"{host.user}:", home], what)
        if host.password:
            self._allow_sudo(host, stack, what)

    def _allow_sudo(self, host: DemoHost, stack: ExitStack, what: str) -> None:
        done = subprocess.run(
            ["chpasswd"], input=f"{host.user}:{host.password}\n", text=True, capture_output=True
        )
        if done.returncode:
            raise SetupError(f"{what}: {done.stderr.strip()}")
        # sudo ignores files with a dot or a "~" in their names; ours has neither.
        rule = Path("/etc/sudoers.d") / host.user
        stack.callback(rule.unlink, missing_ok=True)
        write_private(rule, f"{host.user} ALL=(ALL) ALL\n").chmod(0o440)

    def _start(self, host: DemoHost, services: Services) -> None:
        folder = self.folder / host.name
        if self.as_root:
            make_privilege_separation_possible()
        config = write_private(folder / "sshd_config", self._config(host, folder))
        log = folder / "sshd.log"
        argv = [self.sshd.path, "-D", "-e", "-f", config]
        services.start(f"demo host {host.name}", argv, log=log, env=self.sshd.environment())

    def _config(self, host: DemoHost, folder: Path) -> str:
        authorized = self._authorized(host, folder) if host.private_key else "none"
        lines = {
            "Port": host.port,
            "ListenAddress": host.address,
            "HostKey": folder / "ssh_host_ed25519_key",
            "PidFile": "none",
            "AuthorizedKeysFile": authorized,
            "PasswordAuthentication": "yes" if host.password else "no",
            "KbdInteractiveAuthentication": "no",
            "PubkeyAuthentication": "yes" if host.private_key else "no",
            "PermitRootLogin": "no",
            "AllowUsers": host.user,
            "UsePAM": "no",
            # The folders above ours belong to other users; the file itself is ours alone.
            "StrictModes": "no",
            "Subsystem": "sftp internal-sftp",
            "MaxSessions": 100,
            "MaxStartups": "100:30:200",
            "SetEnv": f"TOWER_DEMO_HOST={host.name}"
            + ("" if self.as_root else f" HOME={self._own_home(host)}"),
            **self._program_paths(),
        }
        return "".join(f"{key} {value}\n" for key, value in lines.items())

    def _authorized(self, host: DemoHost, folder: Path) -> Path:
        """sshd reads it as the host's user, who cannot enter root's folders."""
        base = private_dir(self.layout.public_state / "authorized", 0o755) if self.as_root else folder
        path = write_private(base / f"{host.name}.pub", (folder / "id_ed25519.pub").read_text("ascii"))
        path.chmod(0o644)
        return path

    def _own_home(self, host: DemoHost) -> Path:
        return private_dir(self._home(host.name))

    def _program_paths(self) -> dict[str, Path]:
        """OpenSSH 9.8 and newer consists of several programs, which it expects where Debian installs them."""
        if not self.sshd.prefix:
            return {}
        parts = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}
        found = {key: self.sshd.prefix / "usr/lib/openssh" / name for key, name in parts.items()}
        return {key: path for key, path in found.items() if path.exists()}

    def _wait(self, host: DemoHost, services: Services) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while ports.is_free(host.port):
            if services.ended() or time.monotonic() > deadline:
                log = self.folder / host.name / "sshd.log"
                raise SetupError(f"The demo host {host.name} did not start; see {log}.")
            time.sleep(0.05)


def make_privilege_separation_possible() -> None:
    """Create the empty folder and the user that sshd needs as root; without the installed package they are missing."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        argv = [
            "useradd",
            "--system",
            "--no-create-home",
            "--home-dir",
            "/run/sshd",
            "--shell",
            "/usr/sbin/nologin",
            "sshd",
        ]
        run(argv, "The user sshd could not be made")


def _remove_user(user: str) -> None:
    """Remove a user of ours and what still runs as that user; do nothing if there is no such user."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return
    for signum in ("TERM", "KILL"):
        if not shutil.which("pkill") or subprocess.run(["pkill", f"-{signum}", "-u", user]).returncode:
            break
        time.sleep(0.2)
    subprocess.run(["userdel", user], capture_output=True)
    (Path("/etc/sudoers.d") / user).unlink(missing_ok=True)
