"""The dry run of a plan of 50 lines on 200 servers, beside what Jinja alone takes to render the same texts."""

from __future__ import annotations

import json

from figures import Figure, Samples, paired_ratio
from lab import Lab, tower

SERVERS = 200
LINES = 50
VARIABLES = 20
TIMES = 7
AIM_S = 3
AIM_RATIO = 25

# Half of the variables have a value of each server, so most texts are different on each.
SCRIPT = """
import json, time
from jinja2 import Environment
servers = env["cx.tower.server"].create([
    {{"name": f"S{{n}}", "ip_v4_address": "127.0.0.1", "ssh_username": "x", "ssh_auth_mode": "p",
      "ssh_password": "x", "skip_host_key": True}} for n in range({servers})])
variables = env["cx.tower.variable"].create([
    {{"name": f"d{{n}}", "reference": f"d{{n}}", "validation_pattern": "[a-z0-9 ]+" if n % 4 == 0 else False}}
    for n in range({variables})])
values = env["cx.tower.variable.value"]
values.create([{{"variable_id": v.id, "value_char": f"global {{n}}"}} for n, v in enumerate(variables)])
values.create([{{"variable_id": v.id, "server_id": s.id, "value_char": f"s{{s.id}} {{n}}"}}
               for n, v in enumerate(variables) if n % 2 for s in servers])
env["cx.tower.key"].create({{"name": "d", "reference": "d_secret", "key_type": "s", "secret_value": "x"}})
TEXTS = [
    "mkdir -p /srv/{{{{ d%(a)d }}}}/{{{{ d%(b)d }}}}",
    "echo {{{{ tower.server.name }}}} {{{{ d%(a)d }}}}; curl -H #!cxtower.secret.d_secret!# {{{{ d%(b)d }}}}",
    "{{%% if d%(a)d %%}}echo {{{{ d%(a)d }}}}{{%% endif %%}} {{%% for i in range(5) %%}}{{{{ i }}}} {{%% endfor %%}}",
    "echo {{{{ d%(b)d }}}}",
]
lines = []
for n in range({lines}):
    names = {{"a": n % {variables}, "b": (n * 7 + 1) % {variables}}}
    command = env["cx.tower.command"].create(
        {{"name": f"c{{n}}", "code": TEXTS[n % 4] % names, "path": "/srv/{{{{ d%(a)d }}}}" % names,
          "allow_parallel_run": True}})
    condition = "{{{{ d%(b)d }}}} != 'x' or {{{{ tower.server.name }}}} == 'y'" % names if n % 2 else False
    lines.append({{"sequence": n, "command_id": command.id, "condition": condition}})
plan = env["cx.tower.plan"].create({{"name": "D", "line_ids": [(0, 0, line) for line in lines]}})
env.cr.commit()
env.cr.execute("ANALYZE cx_tower_variable_value")

def dry_run(chosen):
    env.invalidate_all()
    before, began = env.cr.sql_log_count, time.perf_counter()
    report = plan.dry_run(chosen.ids)
    seconds = time.perf_counter() - began
    assert report["summary"]["ready"] == len(chosen), report["summary"]
    assert report["servers"][-1]["would_run"] == {lines}
    return seconds, env.cr.sql_log_count - before

plain = Environment()
templates = [plain.from_string(text) for line in plan.line_ids
             for text in (line.command_id.code, line.command_id.path, line.condition) if text]
contexts = [{{**{{f"d{{n}}": f"s{{s.id}} {{n}}" for n in range({variables})}}, "tower": {{"server": {{"name": s.name}}}}}}
            for s in servers]

def floor():
    began = time.perf_counter()
    for context in contexts:
        for template in templates:
            template.render(context)
    return time.perf_counter() - began

dry_run(servers[:2])
rounds = [(*dry_run(servers), floor()) for _ in range({times})]
one = dry_run(servers[:1])
print("RESULT " + json.dumps({{"seconds": [r[0] for r in rounds], "floor": [r[2] for r in rounds],
                              "queries": rounds[-1][1], "queries_of_one": one[1], "one": one[0]}}))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(servers=SERVERS, lines=LINES, variables=VARIABLES, times=TIMES)
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=600)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    ours, floor = Samples(result["seconds"]), Samples(result["floor"])
    return [
        Figure(
            f"Dry run of {LINES} lines on {SERVERS} servers", ours.median, "s",
            f"{ours.text('s')}; one server {result['one'] * 1000:.3g} ms; {result['queries']} queries, for one server"
            f" {result['queries_of_one']}", AIM_S, at_least=False,
        ),
        Figure(
            f"Dry run of {LINES} lines on {SERVERS} servers, beside Jinja alone", paired_ratio(ours, floor), "x",
            f"{floor.text('s')} for the same texts from compiled templates, without rights, secrets and report",
            AIM_RATIO, at_least=False,
        ),
    ]  # fmt: skip
