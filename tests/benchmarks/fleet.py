"""A fleet run: a plan of five lines on 45 warm hosts, every step logged, against a bare pool of threads doing the same."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, interleaved, paired_ratio, seconds
from floor import THREADS, LeanHosts
from lab import MANY, Lab
from plans import PATIENCE_S, Plans

LINES = 5
ROUNDS = 9
LIMIT = THREADS


def measure(lab: Lab) -> list[Figure]:
    plan = Plans(lab).make("5 lines for a fleet", LINES)
    cursor = lab.connect().cursor()
    host = lab.many[0][0]
    lean = LeanHosts(lab.addresses, host.user, host.private_key, host.host_key)
    lean.run_cold("true")

    def fleet(limit: int) -> float:
        """Return the seconds from the request to the commit of the fleet run's end."""
        began = time.perf_counter()
        started = lab.client.call(
            "cx.tower.fleet.run", "start", plan=plan, servers=lab.server_ids, concurrency_limit=limit
        )
        while True:
            cursor.execute("SELECT state FROM cx_tower_fleet_run WHERE id = %s", (started["id"],))
            state = cursor.fetchone()[0]
            if state not in ("running", "stopping"):
                break
            if time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError("the fleet run did not end")
            time.sleep(0.005)
        if state != "done":
            raise RuntimeError("the fleet run failed")
        return time.perf_counter() - began

    def bare() -> None:
        def one(connection) -> int:
            return sum(connection.run("true") for _ in range(LINES))

        with ThreadPoolExecutor(THREADS) as threads:
            if any(threads.map(one, lean._connections)):
                raise RuntimeError("the command failed")

    fleet(0)
    taken = interleaved(
        ROUNDS, free=lambda: fleet(0), limited=lambda: fleet(LIMIT), bare=lambda: seconds(bare)
    )
    lean.close()
    floor = taken["bare"]
    return [
        Figure(
            f"fleet run of {LINES} lines on {MANY} warm hosts, {name}: against a bare pool",
            paired_ratio(taken[key], floor), "x",
            f"Tower {taken[key].text('s')}, bare pool {floor.text('s')}", 2, at_least=False,
        )
        for key, name in (("free", "no limit"), ("limited", f"{LIMIT} at once"))
    ]  # fmt: skip
