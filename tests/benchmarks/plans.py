"""Flight plans, every step logged: against the engine alone doing the same, and against a bare pool of threads.

Measured as a person sees it: from the request that starts the run to the commit of its end.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, interleaved, paired_ratio, seconds
from floor import THREADS, LeanHosts
from lab import MANY, Lab

LINES = 50
ROUNDS = 15
FLEET_LINES = 5
FLEET_ROUNDS = 9
LONG = 500
VERY_LONG = 5000
PATIENCE_S = 600


def measure(lab: Lab) -> list[Figure]:
    plans = Plans(lab)
    return [*_one_host(lab, plans), *_many_hosts(lab, plans), *_long_plan(lab, plans)]


def _one_host(lab: Lab, plans: Plans) -> list[Figure]:
    plan = plans.make("50 lines", LINES)
    skipped = plans.make("50 skipped lines", LINES, condition="1 == 2")
    engine, pool = _engine(lab)
    plans.run(plan, [lab.server_id])
    engine()
    try:
        taken = interleaved(
            ROUNDS,
            plan=lambda: plans.run(plan, [lab.server_id]),
            engine=lambda: seconds(lambda: [engine() for _ in range(LINES)]),
            skipped=lambda: plans.run(skipped, [lab.server_id], "skipped"),
        )
    finally:
        pool.close()
    ours, alone, skips = taken["plan"], taken["engine"], taken["skipped"]
    return [
        Figure(
            f"plan of {LINES} lines on a warm host: against the engine alone", paired_ratio(ours, alone), "x",
            f"{ours.median * 1000 / LINES:.2f} ms a line ({ours.text('s')}); engine"
            f" {alone.median * 1000 / LINES:.2f} ms a run", 2, at_least=False,
        ),
        Figure(
            "a skipped line", skips.median * 1000 / LINES, "ms",
            f"{LINES} of them {skips.text('s')}, request and start included",
        ),
    ]  # fmt: skip


def _many_hosts(lab: Lab, plans: Plans) -> list[Figure]:
    plan = plans.make("5 lines", FLEET_LINES)
    host = lab.many[0][0]
    lean = LeanHosts(lab.addresses, host.user, host.private_key, host.host_key)
    lean.run_cold("true")

    def bare() -> None:
        def one(connection) -> int:
            return sum(connection.run("true") for _ in range(FLEET_LINES))

        with ThreadPoolExecutor(THREADS) as threads:
            if any(threads.map(one, lean._connections)):
                raise RuntimeError("the command failed")

    plans.run(plan, lab.server_ids)
    taken = interleaved(
        FLEET_ROUNDS, plan=lambda: plans.run(plan, lab.server_ids), bare=lambda: seconds(bare)
    )
    lean.close()
    ours, floor = taken["plan"], taken["bare"]
    return [
        Figure(
            f"plan of {FLEET_LINES} lines on {MANY} warm hosts: against a bare pool", paired_ratio(ours, floor), "x",
            f"Tower {ours.text('s')}, bare pool {floor.text('s')}", 2, at_least=False,
        )
    ]  # fmt: skip


def _long_plan(lab: Lab, plans: Plans) -> list[Figure]:
    plan = plans.make("500 lines", LONG)
    before = lab.odoo.memory()
    taken = plans.run(plan, [lab.server_id])
    grown = (lab.odoo.memory() - before) / 2**20
    return [
        Figure(
            f"plan of {LONG} lines: memory of the server grows by",
            grown,
            "MB",
            f"{taken * 1000 / LONG:.2f} ms a line",
        ),
        _very_long_plan(lab, plans),
    ]


def _very_long_plan(lab: Lab, plans: Plans) -> Figure:
    """A step costs the same in any plan."""
    short = plans.make("50 lines again", LINES)
    plans.run(short, [lab.server_id])
    one = plans.run(short, [lab.server_id]) / LINES
    many = plans.run(plans.make("5000 lines", VERY_LONG), [lab.server_id]) / VERY_LONG
    return Figure(
        f"a line of a plan of {VERY_LONG}: against one of {LINES}", many / one, "x",
        f"{many * 1000:.2f} ms and {one * 1000:.2f} ms a line, request and start included", 1.5, at_least=False,
    )  # fmt: skip


def _engine(lab: Lab):
    """Return (what runs ``true`` with the engine alone, its pool)."""
    from tower_engine.masking.masker import Masker
    from tower_engine.script.conversation import ScriptSpec
    from tower_engine.secret import Secret
    from tower_engine.ssh.pool import ConnectionPool
    from tower_engine.ssh.running.collecting import Output
    from tower_engine.ssh.running.run_script import Clocks, run_script
    from tower_engine.ssh.target import Credential, Target

    host = lab.host
    credential = Credential(private_key=Secret(host.private_key))
    target = Target(host.address, host.port, host.user, credential, host.host_key)
    pool = ConnectionPool()
    masker = Masker({"password": Secret("a password of a host")})

    def engine() -> None:
        result = run_script(pool, target, ScriptSpec("true"), Clocks(), Output(masker))
        if result.exit_code:
            raise RuntimeError(result.message)

    return engine, pool


class Plans:
    """Makes and runs flight plans, and waits until their ends are in the database."""

    def __init__(self, lab: Lab):
        self._client = lab.client
        self._cursor = lab.connect().cursor()
        self._command = lab.add_command("Benchmark: plan step", "true")

    def make(self, name: str, lines: int, condition: str = "") -> int:
        line = {"command_id": self._command, "condition": condition}
        return self._client.create(
            "cx.tower.plan",
            name=name,
            allow_parallel_run=True,
            line_ids=[[0, 0, {**line, "sequence": number}] for number in range(lines)],
        )

    def run(self, plan_id: int, server_ids: list[int], state: str = "done") -> float:
        """Return the seconds from the request to the last end."""
        began = time.perf_counter()
        ids = self._client.call("cx.tower.server", "run_flight_plan", server_ids, plan_id)
        while self._count(ids, "state IN ('queued', 'running', 'waiting')"):
            if time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError(f"not all of {len(ids)} runs ended")
            time.sleep(0.005)
        taken = time.perf_counter() - began
        if self._count(ids, f"state <> '{state}'"):
            raise RuntimeError("runs failed")
        return taken

    def _count(self, ids: list[int], condition: str) -> int:
        query = f"SELECT count(*) FROM cx_tower_plan_log WHERE id = ANY(%s) AND {condition}"
        self._cursor.execute(query, (ids,))
        return self._cursor.fetchone()[0]
