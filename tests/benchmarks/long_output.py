"""300,000 short lines from one command through masking to the log: against reading the channel alone."""

from __future__ import annotations

import time

from figures import Figure, interleaved, paired_ratio
from lab import Lab

LINES = 300_000
LINE = "a short line, no more"
CODE = f"yes '{LINE}' | head -n {LINES}"
ROUNDS = 9


def measure(lab: Lab) -> list[Figure]:
    cursor = lab.connect().cursor()
    command = lab.add_command("Benchmark: lines", CODE)
    server, client = lab.server_id, lab.client
    channel = _Channel(lab.host)

    def through_tower() -> float:
        log_id = client.call("cx.tower.server", "run_command", [server], command)["id"]
        client.wait_for(log_id)
        cursor.execute(
            "SELECT state, duration, output_size, output_skipped FROM cx_tower_command_log WHERE id = %s",
            (log_id,),
        )
        state, duration, size, skipped = cursor.fetchone()
        if state != "done" or size != LINES * (len(LINE) + 1) or skipped:
            raise RuntimeError(f"{state}: {size} characters, {skipped} left out")
        return LINES / duration

    through_tower()
    channel.read()
    rates = interleaved(ROUNDS, tower=through_tower, floor=lambda: LINES / channel.read())
    channel.close()
    ours, floor = rates["tower"], rates["floor"]
    detail = f"Tower {ours.text('lines/s')}, from taken up to recorded; channel alone {floor.text('lines/s')}"
    return [Figure(f"{LINES:,} lines", paired_ratio(ours, floor), "of the floor's rate", detail, 1 / 3)]


class _Channel:
    """Reads a channel of the engine's own connection: same settings, nothing done with what arrives."""

    def __init__(self, host):
        from tower_engine.secret import Secret
        from tower_engine.ssh.pool import ConnectionPool
        from tower_engine.ssh.target import Credential, Target

        credential = Credential(private_key=Secret(host.private_key))
        self._target = Target(host.address, host.port, host.user, credential, host.host_key)
        self._pool = ConnectionPool()

    def read(self) -> float:
        """Return the seconds from the request to the end of the output."""
        size = 0
        with self._pool.open_channel(self._target) as lease:
            began = time.perf_counter()
            lease.channel.request("exec", CODE)
            while True:
                lease.channel.wake.wait(10)
                lease.channel.wake.clear()
                ended = lease.channel.ended
                size += sum(len(data) for _stream, data in lease.channel.take())
                if ended:
                    break
            taken = time.perf_counter() - began
        if size != LINES * (len(LINE) + 1):
            raise RuntimeError(f"{size} bytes arrived")
        return taken

    def close(self) -> None:
        self._pool.close()
