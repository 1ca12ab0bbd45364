"""A real OpenSSH server on a free port of this machine, with keys of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
START_LIMIT_S = 10

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class LocalSshd:
    """Started by :meth:`start`, ended by :meth:`stop`. ``user_key`` logs in as ``username``."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tower_sshd_"))
        self.port = free_port()
        self.username = getpass.getuser()
        self.new_host_key()
        self.user_key = self.make_key("user_key")
        self.process = None

    def make_key(self, name):
        """Return a new private key; the public one is in ``<name>.pub``."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path.read_text()

    def new_host_key(self):
        self.make_key("host_key")
        self.host_key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def start(self):
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(
                exist_ok=True
            )  # privilege separation directory; made by the service elsewhere
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("sshd did not start")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)
