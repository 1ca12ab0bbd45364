"""One command on 45 hosts, every result logged: against lean paramiko in a bare pool of threads.

Measured as a person sees it: from the request that starts the runs to the commit of the last result.
"""

from __future__ import annotations

import time

from figures import Figure, interleaved, paired_ratio, seconds
from floor import LeanHosts
from lab import MANY, Lab

COLD_ROUNDS = 7
WARM_ROUNDS = 25
COMMAND = "true"
PATIENCE_S = 60


def measure(lab: Lab) -> list[Figure]:
    servers, host = lab.server_ids, lab.many[0][0]
    fleet = Fleet(lab, servers, lab.add_command("Benchmark: true", COMMAND))
    lean = LeanHosts(lab.addresses, host.user, host.private_key, host.host_key)

    def floor_cold() -> float:
        lean.close()
        lab.cut_connections()
        time.sleep(0.5)
        return seconds(lambda: lean.run_cold(COMMAND))

    def tower_cold() -> float:
        lab.cut_connections()  # Tower finds its connections dead, and nobody else's work is in the way
        time.sleep(0.5)
        return fleet.run()

    fleet.run()
    cold = interleaved(COLD_ROUNDS, tower=tower_cold, floor=floor_cold)
    fleet.run()
    lean.close()
    lean.run_cold(COMMAND)
    warm = interleaved(WARM_ROUNDS, tower=fleet.run, floor=lambda: seconds(lambda: lean.run_warm(COMMAND)))
    lean.close()
    return [_figure("cold", cold, 0.85), _figure("warm", warm, 0.5), fleet.parts()]


def _figure(name: str, taken, aim: float) -> Figure:
    ours, floor = taken["tower"], taken["floor"]
    detail = f"Tower {MANY / ours.median:.0f} hosts/s, {ours.text('s')}; lean {MANY / floor.median:.0f} hosts/s, {floor.text('s')}"
    return Figure(f"{MANY} hosts, {name}", paired_ratio(floor, ours), "of the floor's rate", detail, aim)


class Fleet:
    """Runs a command on many servers and waits until all results are in the database."""

    def __init__(self, lab: Lab, server_ids: list[int], command_id: int):
        self._client = lab.client
        self._cursor = lab.connect().cursor()
        self._servers = server_ids
        self._command = command_id
        self._rows: list[tuple[float, float, float]] = []

    def run(self) -> float:
        """Return the seconds from the request to the last result."""
        stamp = time.time()
        began = time.perf_counter()
        started = self._client.call("cx.tower.server", "run_command", self._servers, self._command)
        answered = time.perf_counter() - began
        ids = [log["id"] for log in started["logs"]]
        while self._unfinished(ids):
            if time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError(f"not all of {len(ids)} runs ended")
            time.sleep(0.005)
        taken = time.perf_counter() - began
        self._check(ids)
        self._rows.append((answered, self._first_start(ids) - stamp, taken))
        return taken

    def _unfinished(self, ids: list[int]) -> int:
        self._cursor.execute(
            "SELECT count(*) FROM cx_tower_command_log WHERE id = ANY(%s) AND state IN ('queued', 'running')",
            (ids,),
        )
        return self._cursor.fetchone()[0]

    def _check(self, ids: list[int]) -> None:
        self._cursor.execute(
            "SELECT count(*), min(message) FROM cx_tower_command_log WHERE id = ANY(%s) AND state <> 'done'",
            (ids,),
        )
        failed, message = self._cursor.fetchone()
        if failed:
            raise RuntimeError(f"{failed} runs failed: {message}")

    def _first_start(self, ids: list[int]) -> float:
        self._cursor.execute(
            "SELECT extract(epoch FROM min(start_date) AT TIME ZONE 'UTC') FROM cx_tower_command_log WHERE id = ANY(%s)",
            (ids,),
        )
        return float(self._cursor.fetchone()[0])

    def parts(self) -> Figure:
        """Return where the time of the warm rounds went."""
        rows = self._rows[-WARM_ROUNDS:]
        answered, taken_up, total = (
            sorted(column)[len(rows) // 2] * 1000 for column in zip(*rows, strict=True)
        )
        detail = f"request answered after {answered:.0f} ms, first run taken after {taken_up:.0f} ms"
        return Figure(f"{MANY} hosts, warm: whole", total, "ms", detail)
