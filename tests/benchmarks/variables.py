"""200 variables for a run with 10,000 values in the database: queries and milliseconds."""

from __future__ import annotations

import json

from figures import Figure, Samples
from lab import Lab, tower

VARIABLES = 2000
SERVERS = 4  # with a value of each variable; together with the global ones 10,000
NAMED = 200
TIMES = 30

SCRIPT = """
import json, time
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
servers = env["cx.tower.server"].create([
    {{"name": f"S{{n}}", "ip_v4_address": "127.0.0.1", "ssh_username": "x", "ssh_auth_mode": "p",
      "ssh_password": "x"}} for n in range({servers})])
variables = env["cx.tower.variable"].create(
    [{{"name": f"v{{n}}", "reference": f"v{{n}}"}} for n in range({variables})])
values = env["cx.tower.variable.value"]
for server in [False, *servers.ids]:
    values.create([{{"variable_id": v.id, "server_id": server, "value_char": f"{{v.reference}} of {{server}}"}}
                   for v in variables])
command = env["cx.tower.command"].create(
    {{"name": "c", "code": " ".join("{{{{ v%d }}}}" % n for n in range({named})), "allow_parallel_run": True}})
env.cr.commit()
env.cr.execute("ANALYZE cx_tower_variable_value")
env.cr.execute("SELECT count(*) FROM cx_tower_variable_value")
count = env.cr.fetchone()[0]
references = [f"v{{n}}" for n in range({named})]
server = servers[0]

def measured(action):
    queries, milliseconds = [], []
    for _ in range({times}):
        env.flush_all()
        env.invalidate_all()
        server.name, server.url, server.ssh_username, server.partner_id.name, server.os_id.name  # read before a run
        before, began = env.cr.sql_log_count, time.perf_counter()
        action()
        milliseconds.append((time.perf_counter() - began) * 1000)
        queries.append(env.cr.sql_log_count - before)
    return {{"queries": queries, "milliseconds": milliseconds}}

def resolve():
    scope = env["cx.tower.variable"]._variable_scope(server=server, references=references)
    assert scope.stored["v7"] == f"v7 of {{server.id}}", scope.stored["v7"]

def prepare():
    values = server._prepare_run(command, RunRequest())
    assert values["code"].startswith(f"v0 of {{server.id}} v1"), values

print("RESULT " + json.dumps({{"count": count, "resolve": measured(resolve), "prepare": measured(prepare)}}))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(servers=SERVERS, variables=VARIABLES, named=NAMED, times=TIMES)
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=300)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    if result["count"] != VARIABLES * (SERVERS + 1):
        raise RuntimeError(f"{result['count']} values in the database")
    resolve, prepare = result["resolve"], result["prepare"]
    milliseconds = Samples(resolve["milliseconds"])
    whole = Samples(prepare["milliseconds"])
    return [
        Figure(
            f"{NAMED} variables of {result['count']:,} values: queries", max(resolve["queries"]), "queries",
            f"{milliseconds.text('ms')}; any number of variables", 3, at_least=False,
        ),
        Figure(
            f"{NAMED} variables: whole preparation of a run", whole.median, "ms",
            f"{whole.text('ms')}, {max(prepare['queries'])} queries: resolving, rendering, freezing",
        ),
    ]  # fmt: skip
