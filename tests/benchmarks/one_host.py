"""Engine, one warm host, 200 times ``true``: against paramiko as it comes and OpenSSH through a master."""

from __future__ import annotations

import subprocess
from functools import partial

import paramiko
from figures import Figure, interleaved, paired_ratio, seconds
from floor import LeanConnection, parse_key
from lab import Lab, hosts

ROUNDS = 10
TIMES = 20  # a round; together 200


def measure(lab: Lab) -> list[Figure]:
    from tower_engine.masking.masker import Masker
    from tower_engine.script.conversation import ScriptSpec
    from tower_engine.secret import Secret
    from tower_engine.ssh.pool import ConnectionPool
    from tower_engine.ssh.running.collecting import Output
    from tower_engine.ssh.running.run_script import Clocks, run_script
    from tower_engine.ssh.target import Credential, Target

    host = lab.host
    target = Target(
        host.address, host.port, host.user, Credential(private_key=Secret(host.private_key)), host.host_key
    )
    pool = ConnectionPool()
    masker = Masker({"password": Secret("a password of a host")})
    client = _plain_client(host)
    lean = LeanConnection(host.address, host.port, host.user, parse_key(host.private_key), host.host_key)
    master = _Master(host, lab.folder)

    def engine() -> None:
        result = run_script(pool, target, ScriptSpec("true"), Clocks(), Output(masker))
        if result.exit_code:
            raise RuntimeError(result.message)

    def as_it_comes() -> None:
        _stdin, stdout, _stderr = client.exec_command("true")
        stdout.channel.recv_exit_status()

    actions = {
        "engine": engine,
        "client": as_it_comes,
        "master": master.run,
        "lean": lambda: lean.run("true"),
    }
    try:
        for action in actions.values():  # warm
            action()
        taken = interleaved(ROUNDS, **{name: partial(_per_run, action) for name, action in actions.items()})
    finally:
        master.close()
        lean.close()
        client.close()
        pool.close()
    ours = taken["engine"]
    detail = f"Tower {ours.text('ms')}, "
    return [
        Figure(
            "one host: against SSHClient", paired_ratio(taken["client"], ours), "x",
            detail + f"SSHClient {taken['client'].text('ms')}", 10,
        ),
        Figure(
            "one host: against ControlMaster", paired_ratio(taken["master"], ours), "x",
            detail + f"ssh {taken['master'].text('ms')}", 2.5,
        ),
        Figure(
            "one host: against lean paramiko", paired_ratio(taken["lean"], ours), "x",
            detail + f"lean {taken['lean'].text('ms')}",
        ),
    ]  # fmt: skip


def _per_run(action) -> float:
    """Return milliseconds a run."""
    return seconds(lambda: [action() for _ in range(TIMES)]) * 1000 / TIMES


def _plain_client(host) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    kind, key = host.host_key.split()
    name = f"[{host.address}]:{host.port}"
    client.get_host_keys().add(name, kind, paramiko.PKey.from_type_string(kind, _decode(key)))
    client.connect(
        host.address, host.port, host.user, pkey=parse_key(host.private_key),
        allow_agent=False, look_for_keys=False,
    )  # fmt: skip
    return client


def _decode(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


class _Master:
    """OpenSSH with a ControlMaster: the first ``ssh`` stays, each run is one more ``ssh``."""

    def __init__(self, host, folder):
        (folder / "known_hosts").write_text(f"[{host.address}]:{host.port} {host.host_key}\n")
        key = folder / "master_key"
        key.write_text(host.private_key)
        key.chmod(0o600)
        options = {
            "ControlPath": folder / "master", "UserKnownHostsFile": folder / "known_hosts",
            "IdentityFile": key, "IdentitiesOnly": "yes", "BatchMode": "yes",
        }  # fmt: skip
        flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
        ssh = hosts.find_program("ssh") or "ssh"
        self._argv = [ssh, "-F", "none", "-p", str(host.port), *flags, f"{host.user}@{host.address}"]
        subprocess.run(
            [*self._argv[:1], "-M", "-N", "-f", *self._argv[1:]], check=True, stdin=subprocess.DEVNULL
        )

    def run(self) -> None:
        subprocess.run([*self._argv, "true"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def close(self) -> None:
        subprocess.run([*self._argv[:1], "-O", "exit", *self._argv[1:]], capture_output=True)
