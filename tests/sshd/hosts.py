"""Real OpenSSH hosts on loopback, for tests, demo and benchmarks.

A host is one ``sshd`` with a configuration, host keys and authorized keys of its own in a temporary
directory; nothing of the machine's own sshd is touched. Started by root it can serve users made by
:class:`UserFactory` (with passwords, sudo rules, login shells); started by anyone else it serves that user,
by key only.

    with SshHost() as host:
        host.address, host.port, host.user, host.private_key, host.host_key

Needs only the standard library and the programs ``sshd`` and ``ssh-keygen``.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

START_LIMIT_S = 10
_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def find_program(name: str) -> str | None:
    """Return the path of a program; the directories of administration are searched, too."""
    return shutil.which(name, path=_SEARCH)


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", fmt: str | None = None) -> str:
    """Make a key pair and return the private key's text.

    :param kind: "ed25519", "ecdsa" or "rsa"
    :param fmt: None for OpenSSH's own format, "PEM" or "PKCS8"
    """
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command + (["-m", fmt] if fmt else []), check=True, stdin=subprocess.DEVNULL)
    return path.read_text()


class SshHost:
    """One sshd.

    :param user: who may log in with the key; default: who runs this
    :param port: default: a free one; kept over :meth:`restart`
    :param address: where it listens
    :param password: allow passwords (needs root); a method is only offered, users have the passwords
    :param options: lines of sshd_config as a mapping, e.g. ``{"MaxSessions": 2}``; they win over ours
    :param host_key_kinds: which host keys it has
    :param directory: where to keep files; default: a temporary directory that :meth:`close` removes. An
        existing one is used again, so keys stay the same

    :ivar private_key: text of a key that may log in
    :ivar host_key: "type base64" of the first host key
    """

    def __init__(
        self,
        user: str | None = None,
        port: int | None = None,
        address: str = "127.0.0.1",
        password: bool = False,
        options: Mapping[str, object] | None = None,
        host_key_kinds: tuple[str, ...] = ("ed25519",),
        directory: str | Path | None = None,
    ):
        self.user = user or getpass.getuser()
        self.address = address
        self.port = port or free_port()
        self._password = password
        self._options = dict(options or {})
        self._kinds = host_key_kinds
        self._own_directory = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="tower-sshd-"))
        self._process: subprocess.Popen | None = None
        self._prepare()

    # -- facts

    @property
    def host_key(self) -> str:
        return self.host_keys[self._kinds[0]]

    @property
    def host_keys(self) -> dict[str, str]:
        """Kind -> "type base64"."""
        return {
            kind: " ".join((self.directory / f"host_{kind}.pub").read_text().split()[:2])
            for kind in self._kinds
        }

    @property
    def private_key(self) -> str:
        return (self.directory / "user_key").read_text()

    @property
    def log(self) -> str:
        """What sshd has logged since it was first started."""
        path = self.directory / "sshd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def authorize(self, public_key: str) -> None:
        """Let another key log in: the text of a .pub file."""
        with (self.directory / "authorized_keys").open("a") as keys:
            keys.write(public_key.strip() + "\n")

    # -- life

    def start(self) -> SshHost:
        """Start and wait until it answers.

        :raise RuntimeError: sshd is missing or ended; its own words are in the message
        """
        program = find_program("sshd")
        if program is None:
            raise RuntimeError("sshd is missing. Install openssh-server.")
        if os.geteuid() == 0:  # Debian's sshd wants its privilege separation directory
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._process = subprocess.Popen(
            [
                program,
                "-D",
                "-f",
                str(self.directory / "sshd_config"),
                "-E",
                str(self.directory / "sshd.log"),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_it_listens()
        return self

    def stop(self, kill_sessions: bool = True) -> None:
        """Stop listening; by default end what it serves, too."""
        if self._process is None:
            return
        sessions = self.session_pids() if kill_sessions else []
        self.thaw()
        _signal_all(sessions, signal.SIGKILL)
        self._process.terminate()
        self._process.wait(START_LIMIT_S)
        self._process = None

    def restart(self) -> None:
        """Stop with all sessions and start again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop and remove the directory if it was ours."""
        self.stop()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    __enter__ = start

    def __exit__(self, *_exc) -> None:
        self.close()

    # -- accidents

    def session_pids(self) -> list[int]:
        """Return the sshd processes that serve connections (not what they run)."""
        found, parents = [], [self._process.pid] if self._process else []
        while parents:
            children = [
                pid for parent in parents for pid in _children(parent) if _name(pid).startswith("sshd")
            ]
            found += children
            parents = children
        return found

    def kill_sessions(self) -> None:
        """Cut all connections as a crash does; the listener stays."""
        _signal_all(self.session_pids(), signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all sshd processes: the kernel still takes connections and bytes, nobody answers."""
        _signal_all([self._process.pid, *self.session_pids()], signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process:
            _signal_all([self._process.pid, *self.session_pids()], signal.SIGCONT)

    # -- preparation

    def _prepare(self) -> None:
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.directory.chmod(0o755)  # sshd reads authorized_keys as the user who logs in
        for kind in self._kinds:
            if not (self.directory / f"host_{kind}").exists():
                make_key(self.directory / f"host_{kind}", kind)
        if not (self.directory / "user_key").exists():
            make_key(self.directory / "user_key")
            (self.directory / "authorized_keys").touch(0o644)
            self.authorize((self.directory / "user_key.pub").read_text())
        (self.directory / "sshd_config").write_text(self._config())

    def _config(self) -> str:
        root = os.geteuid() == 0
        lines = {
            "Port": self.port,
            "ListenAddress": self.address,
            "PidFile": "none",
            "AuthorizedKeysFile": self.directory / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "yes" if root and self._password else "no",
            "PasswordAuthentication": "yes" if self._password else "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "yes",
            "PrintMotd": "no",
            "MaxStartups": 100,
            "LogLevel": "VERBOSE",
            "Subsystem": "sftp internal-sftp",
        }
        lines |= self._options
        keys = [f"HostKey {self.directory / f'host_{kind}'}" for kind in self._kinds]
        return "\n".join([*keys, *(f"{name} {value}" for name, value in lines.items())]) + "\n"

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"sshd ended at once: {self.log.strip() or 'no words'}")
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"sshd does not listen on {self.address}:{self.port}: {self.log.strip()}")


class UserFactory:
    """Makes users of the machine for tests, and removes them and their sudo rules afterwards. Needs root."""

    def __init__(self, prefix: str = "twr"):
        self._prefix = prefix
        self._users: list[str] = []
        self._files: list[Path] = []
        self._directories: list[Path] = []

    def make(self, shell: str = "/bin/bash", password: str | None = None, sudo: str | None = None) -> str:
        """Make a user with a home directory and return the name.

        :param sudo: right side of a sudoers rule, e.g. ``"ALL=(ALL) NOPASSWD: ALL"``; further lines are kept
            as they are, with ``{user}`` replaced
        """
        name = f"{self._prefix}{secrets.token_hex(4)}"
        subprocess.run(["useradd", "--create-home", "--shell", shell, name], check=True, capture_output=True)
        self._users.append(name)
        secret = password or secrets.token_hex(16)  # without one sshd takes the account for locked
        subprocess.run(["chpasswd"], input=f"{name}:{secret}\n", text=True, check=True, capture_output=True)
        if sudo:
            self.allow_sudo(name, sudo)
        return name

    def login_shell(self, name: str) -> str | None:
        """Return the path of a login shell, None when there is no such program.

        :param name: "bash", "dash", "zsh", "mksh", "rbash" (bash that takes itself for restricted) or "busybox"
        """
        program = find_program("bash" if name == "rbash" else name)
        if program is None:
            return None
        if name not in ("rbash", "busybox") and program.startswith(("/bin/", "/usr/bin/")):
            return program
        directory = Path(tempfile.mkdtemp(prefix="tower-shell-"))
        directory.chmod(0o755)  # users log in with it
        self._directories.append(directory)
        # a copy: the program may lie in a folder that is closed to the users
        path = directory / ("sh" if name == "busybox" else name)
        shutil.copy(Path(program).resolve(), path)
        path.chmod(0o755)
        return str(path)

    def allow_sudo(self, user: str, rule: str) -> None:
        """Add a sudoers file of its own; it is checked before it is put in place."""
        text = f"{user} {rule}\n".replace("{user}", user)
        with tempfile.NamedTemporaryFile("w", suffix=".sudoers") as draft:
            draft.write(text)
            draft.flush()
            subprocess.run(["visudo", "-cqf", draft.name], check=True, capture_output=True)
        path = Path("/etc/sudoers.d") / f"tower-test-{user}"
        path.touch(0o440)
        path.write_text(text)
        path.chmod(0o440)
        self._files.append(path)

    def close(self) -> None:
        """Remove everything that was made here."""
        for path in self._files:
            path.unlink(missing_ok=True)
        for name in self._users:
            for _ in range(5):  # userdel refuses while the user's processes are ending
                _signal_all(_pids_of(name), signal.SIGKILL)
                if subprocess.run(["userdel", "--remove", name], capture_output=True).returncode in (0, 6):
                    break
                time.sleep(0.1)
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)
        self._users, self._files, self._directories = [], [], []

    def __enter__(self) -> UserFactory:
        return self

    def __exit__(self, *_exc) -> None:
        self.close()


def _pids_of(user: str) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "-u", user], capture_output=True, text=True).stdout
    return [int(pid) for pid in listing.split()]


def _children(pid: int) -> list[int]:
    children = []
    for task in _tasks(pid):
        with contextlib.suppress(OSError):
            children += [int(child) for child in (task / "children").read_text().split()]
    return children


def _tasks(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from Path(f"/proc/{pid}/task").iterdir()


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
