"""A flight with 500 values and without flight plans, against one write of the same values on the jet."""

from __future__ import annotations

import json

from figures import Figure, Samples, paired_ratio
from lab import Lab, tower

ADDONS = "cetmix_tower_server,cetmix_tower_jet"
VALUES = 500
BATCH = 100  # rows that Odoo inserts with one query
ROUNDS = 15
FACTOR = 3

SCRIPT = """
import json, time
states = {{s.reference: s for s in env["cx.tower.jet.state"].search([])}}
server = env["cx.tower.server"].create({{"name": "S", "ip_v4_address": "127.0.0.1", "ssh_username": "x",
    "ssh_auth_mode": "p", "ssh_password": "x"}})
template = env["cx.tower.jet.template"].create({{"name": "T", "server_ids": [(6, 0, server.ids)], "action_ids": [
    (0, 0, {{"name": "Build", "state_from_id": states["draft"].id, "state_transit_id": states["building"].id,
            "state_to_id": states["stopped"].id}})]}})
kind = env["cx.tower.jet.waypoint.template"].create({{"name": "W", "jet_template_id": template.id}})
variables = env["cx.tower.variable"].create(
    [{{"name": f"v{{n}}", "reference": f"v{{n}}"}} for n in range({values})])
root = env["res.users"].create({{"name": "r", "login": "r", "group_ids": [
    (6, 0, [env.ref("base.group_user").id, env.ref("cetmix_tower_server.group_root").id])]}})

def text(side, number):
    return f"{{side}} of {{number}}: " + "x" * 40

def make(name, count):
    jet = env["cx.tower.jet"].create({{"name": name, "jet_template_id": template.id, "server_id": server.id}})
    jet._set_state(states["stopped"])
    create(jet, "old", count)
    waypoints = []
    for side in ("old", "new"):
        write(jet, side)
        waypoints.append(env["cx.tower.jet.waypoint"].create(
            {{"name": side, "jet_id": jet.id, "waypoint_template_id": kind.id}}))
        waypoints[-1].prepare()
    return jet.with_user(root), [waypoint.with_user(root) for waypoint in waypoints]

def create(jet, side, count):
    jet.write({{"variable_value_ids": [(0, 0, {{"variable_id": v.id, "value_char": text(side, n)}})
                                       for n, v in enumerate(variables[:count])]}})

def write(jet, side):
    jet.write({{"variable_value_ids": [(1, value.id, {{"value_char": text(side, n)}})
                                       for n, value in enumerate(jet.variable_value_ids.sorted("id"))]}})

def timed(action):
    env.flush_all()
    env.cr.commit()
    env.invalidate_all()
    before, began = env.cr.sql_log_count, time.perf_counter()
    action()
    env.flush_all()
    env.cr.commit()
    return (time.perf_counter() - began) * 1000, env.cr.sql_log_count - before

found = {{}}
for count in ({batch}, {values}):
    jet, waypoints = make(f"J{{count}}", count)
    plain, _waypoints = make(f"P{{count}}", count)
    flights, writes, creations = [], [], []
    for number in range({rounds} + 1):
        old, new = waypoints[number % 2], ("old", "new")[number % 2]
        flight, written = timed(old.fly_to), timed(lambda: write(plain, new))
        for one in (jet, plain):
            texts = one.variable_value_ids.sorted("variable_reference").mapped("value_char")
            assert sorted(texts) == sorted(text(new, n) for n in range(count)), texts[:3]
        plain.variable_value_ids.unlink()
        created = timed(lambda: create(plain, new, count))
        if number:  # the first flight leaves nothing
            flights.append(flight)
            writes.append(written)
            creations.append(created)
    found[count] = {{"flights": flights, "writes": writes, "creations": creations}}
print("RESULT " + json.dumps(found))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(values=VALUES, batch=BATCH, rounds=ROUNDS)
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=600)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    found = json.loads(lines[0].partition("RESULT ")[2])
    few, many = found[str(BATCH)], found[str(VALUES)]
    names = ("flights", "writes", "creations")
    flights, writes, creations = (Samples([ms for ms, _queries in many[name]]) for name in names)
    few_queries, queries = (max(number for _ms, number in part["flights"]) for part in (few, many))
    batches = VALUES // BATCH
    return [
        Figure(
            f"Flight with {VALUES} values and without plans: against one write of the same values",
            paired_ratio(flights, writes), "x",
            f"{flights.text('ms')}, write {writes.text('ms')}", FACTOR, at_least=False,
        ),
        Figure(
            f"The same flight: against the creation of these {VALUES} values at once",
            paired_ratio(flights, creations), "x", f"creation {creations.text('ms')}",
        ),
        Figure(
            "Queries of that flight", queries, "queries",
            f"{few_queries} with {BATCH} values, which Odoo inserts at a time, and 2 for each further {BATCH};"
            f" the write {max(n for _ms, n in many['writes'])}", few_queries + 2 * (batches - 1), at_least=False,
        ),
    ]  # fmt: skip
