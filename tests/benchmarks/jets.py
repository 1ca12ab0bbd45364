"""Jets: a journey against its plans started by hand, values of 1,000 jets at once, and creations from several processes.

The board is measured by ``jet_board.py``.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, Samples, interleaved, paired_ratio, seconds
from lab import Lab, tower

ADDONS = "cetmix_tower_jet"
SERVERS = 200
WITH_VALUES = 1_000
ROUNDS = 9
CREATED, PROCESSES = 100, 4

SCRIPT = """
import json, time
SERVERS, WITH_VALUES = {servers}, {with_values}

servers = env["cx.tower.server"].create([
    {{"name": f"Server {{n:04}}", "ip_v4_address": "192.0.2.1", "ssh_username": "x", "ssh_password": "x"}} for n in range(SERVERS)])
templates = env["cx.tower.jet.template"].create([{{"name": f"Template {{n}}", "server_ids": [(6, 0, servers.ids)]}} for n in range(10)])
variables = env["cx.tower.variable"].create([{{"name": f"v{{n}}", "reference": f"v{{n}}"}} for n in range(20)])
values = env["cx.tower.variable.value"]
values.create([{{"variable_id": v.id, "value_char": "global"}} for v in variables])
values.create([{{"variable_id": v.id, "server_id": s.id, "value_char": "server"}} for v in variables[:10] for s in servers])
jets = env["cx.tower.jet"].with_context(tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True).create([
    {{"name": f"Jet {{n:05}}", "jet_template_id": templates[n % 10].id, "server_id": servers[n % SERVERS].id}}
    for n in range(WITH_VALUES)])
env.cr.commit()

def resolve(count):
    env.invalidate_all()
    owners = jets[:count]
    before, began = env.cr.sql_log_count, time.perf_counter()
    scopes = env["cx.tower.variable"]._variable_scopes(owners, references=[f"v{{n}}" for n in range(20)])
    took = (time.perf_counter() - began) * 1000
    assert len(scopes) == count and scopes[owners[0].id].stored["v1"] == "server"
    return {{"ms": took, "queries": env.cr.sql_log_count - before}}

resolve(10)
scopes = {{count: [resolve(count) for _ in range(7)] for count in (10, WITH_VALUES)}}
print("RESULT " + json.dumps({{"scopes": scopes}}))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(servers=SERVERS, with_values=WITH_VALUES)
    lab.say(f"creating {WITH_VALUES:,} jets ...")
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=1800)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    return [*_values(result["scopes"]), _journey(lab), _creations(lab)]


def _values(scopes: dict) -> list[Figure]:
    few, many = scopes["10"], scopes[str(WITH_VALUES)]
    ms = Samples([one["ms"] for one in many])
    return [
        Figure(
            f"values of {WITH_VALUES:,} jets in one pass: queries against 10 jets", many[0]["queries"] / few[0]["queries"], "x",
            f"{many[0]['queries']} queries; {ms.text('ms')}, {ms.median / WITH_VALUES:.3f} ms a jet with 20 variables",
            1, at_least=False,
        )
    ]  # fmt: skip


class _Lifecycle:
    """A template whose three first actions run a flight plan each, and new jets of it."""

    def __init__(self, lab: Lab):
        self.client, self.server_id = lab.client, lab.server_id
        self.cursor = lab.connect().cursor()
        line = {"command_id": lab.add_command("Benchmark: step of an action", "true")}
        self.plans = [
            self.client.create(
                "cx.tower.plan",
                name=f"Action {number}",
                allow_parallel_run=True,
                line_ids=[[0, 0, {**line, "sequence": step}] for step in range(5)],
            )
            for number in range(3)
        ]
        self.template = self.client.create("cx.tower.jet.template", name="Benchmark")
        self.client.call("cx.tower.jet.template", "action_add_standard_lifecycle", [self.template])
        self.client.call("cx.tower.jet.template", "install_on_servers", [self.template], [self.server_id])
        for name, plan in zip(("Prepare", "Build", "Start"), self.plans, strict=True):
            domain = [("jet_template_id", "=", self.template), ("name", "=", name)]
            ids = self.client.call("cx.tower.jet.action", "search", domain)
            self.client.call("cx.tower.jet.action", "write", ids, {"plan_id": plan})

    def new_jet(self) -> int:
        made = self.client.call(
            "cx.tower.jet.template", "launch_jet", [self.template], self.server_id, state=False
        )
        return made["jet_id"]

    def journey(self) -> float:
        """Return the seconds from the request to the arrival."""
        jet = self.new_jet()
        return seconds(lambda: self._travel(jet))

    def _travel(self, jet: int) -> None:
        self.client.call("cx.tower.jet", "bring_to_state", [jet], "running")
        self._until(
            "SELECT TRUE FROM cx_tower_jet WHERE id = %s AND state = 'running' AND movement = 'idle'", jet
        )

    def by_hand(self) -> float:
        """Return the seconds of the same three flight plans, each started when the one before has ended."""
        jet = self.new_jet()
        return seconds(lambda: [self._run(jet, plan) for plan in self.plans])

    def _run(self, jet: int, plan: int) -> None:
        run = self.client.call("cx.tower.jet", "run_flight_plan", [jet], plan)
        run_id = run if isinstance(run, int) else run[0]
        self._until("SELECT TRUE FROM cx_tower_plan_log WHERE id = %s AND state = 'done'", run_id)

    def _until(self, query: str, record: int) -> None:
        give_up = time.perf_counter() + 60
        while True:
            self.cursor.execute(query, (record,))
            if self.cursor.fetchone():
                return
            if time.perf_counter() > give_up:
                raise RuntimeError(f"not so in time: {query} ({record})")
            time.sleep(0.002)


def _journey(lab: Lab) -> Figure:
    lifecycle = _Lifecycle(lab)
    lifecycle.journey()
    lifecycle.by_hand()
    taken = interleaved(ROUNDS, journey=lifecycle.journey, by_hand=lifecycle.by_hand)
    return Figure(
        "journey of 3 actions: against their flight plans started by hand",
        paired_ratio(taken["journey"], taken["by_hand"]), "x",
        f"journey {taken['journey'].text('s')}, by hand {taken['by_hand'].text('s')}; 5 lines each", 1.15, at_least=False,
    )  # fmt: skip


def _creations(lab: Lab) -> Figure:
    """Jets that get a port each, created by four processes of a server at once, against one process alone."""
    port = lab.client.create(
        "cx.tower.variable",
        name="Port",
        reference="port",
        allocation="server",
        allocation_range="10000-19999",
    )
    values = [(0, 0, {"variable_id": port})]
    template = lab.client.create("cx.tower.jet.template", name="Ports", variable_value_ids=values)
    server_id = lab.server_id
    lab.client.call("cx.tower.jet.template", "install_on_servers", [template], [server_id])
    lab.odoo.stop()
    with tower.Instance(lab.database, lab.folder, workers=PROCESSES) as running:
        clients = [running.client() for _ in range(PROCESSES)]

        def create(client, count: int) -> None:
            for _ in range(count):
                client.call("cx.tower.jet.template", "launch_jet", [template], server_id, state=False)

        for client in clients:
            create(client, 1)
        alone = seconds(lambda: create(clients[0], CREATED))
        with ThreadPoolExecutor(PROCESSES) as threads:
            together = seconds(
                lambda: list(threads.map(lambda client: create(client, CREATED // PROCESSES), clients))
            )
    query = "SELECT count(*), count(DISTINCT value_char) FROM cx_tower_variable_value WHERE variable_id = %s AND jet_id IS NOT NULL"
    ((count, distinct),) = lab.database.query(query, (port,))
    if count != distinct or count != PROCESSES + 2 * CREATED:
        raise RuntimeError(f"{count} ports, {distinct} different ones")
    return Figure(
        f"{CREATED} jets with a port each, created from {PROCESSES} processes at once", together, "s",
        f"{together * 1000 / CREATED:.1f} ms a jet; one process alone {alone * 1000 / CREATED:.1f} ms a jet; all ports differ",
    )  # fmt: skip
