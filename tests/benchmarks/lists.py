"""Lists of runs with 2 million rows in the log, against the same lists with 2,000 rows."""

from __future__ import annotations

import json

from figures import Figure, Samples
from lab import Lab, tower

FEW, MANY = 2_000, 2_000_000
SERVERS = 1000
OF_MANAGER = 300  # servers that the Manager has a role on
TIMES = 15

SCRIPT = """
import json, time
FEW, MANY, SERVERS, OF_MANAGER, TIMES = {few}, {many}, {servers}, {of_manager}, {times}

def group(name):
    return env.ref("cetmix_tower_server.group_" + name)

people = {{
    name: env["res.users"].with_context(no_reset_password=True).create(
        {{"name": name, "login": "list_" + name, "group_ids": [(4, group(name).id), (4, env.ref("base.group_user").id)]}})
    for name in ("manager", "root")}}
servers = env["cx.tower.server"].create([
    {{"name": f"Server {{n:04}}", "ip_v4_address": "192.0.2.1", "ssh_username": "x", "ssh_password": "x",
      "manager_ids": [(6, 0, people["manager"].ids if n % 10 < OF_MANAGER * 10 / SERVERS else [])],
      "user_ids": [(6, 0, [])]}} for n in range(SERVERS)])
commands = env["cx.tower.command"].create([{{"name": f"Command {{n}}", "code": "true"}} for n in range(20)])
line = {{"command_id": commands[0].id}}
plans = env["cx.tower.plan"].create([{{"name": f"Plan {{n}}", "line_ids": [(0, 0, line)]}} for n in range(5)])
env.cr.commit()

# Four of five command runs are steps of a flight plan, eight steps each. Of 1,000 runs 50 failed, 10 were stopped,
# 20 skipped, 1 was interrupted; 20 runs at all are active, the newest ones.
STATE = '''CASE WHEN n > %(last)s - 20 THEN 'queued' WHEN n %% 1000 < 50 THEN 'failed' WHEN n %% 1000 < 60 THEN 'stopped'
           WHEN n %% 1000 < 80 THEN 'skipped' WHEN n %% 1000 = 80 THEN 'interrupted' ELSE 'done' END'''
PLAN_RUNS = '''INSERT INTO cx_tower_plan_log (name, active, reference, server_id, user_id, state, queued_date, start_date,
    finish_date, duration, message, access_level, plan_status, plan_id, steps_total)
  SELECT 'Server: Plan', TRUE, 'plan_run_' || n, (%(servers)s::int[])[1 + n %% %(count)s], %(uid)s, ''' + STATE + ''',
    moment, CASE WHEN n <= %(last)s - 20 THEN moment END, moment, 1, 'Done.', '2', 0, (%(plans)s::int[])[1 + n %% 5], 1
  FROM generate_series(%(first)s, %(last)s) n, LATERAL (SELECT now() - (%(last)s - n) * interval '5 second' AS moment) times'''
OUTERMOST = "UPDATE cx_tower_plan_log SET top_plan_log_id = id WHERE top_plan_log_id IS NULL"
RUNS = '''INSERT INTO cx_tower_command_log (name, active, reference, server_id, user_id, state, queued_date, start_date,
    finish_date, duration, message, access_level, command_status, command_id, command_action, plan_log_id, priority)
  SELECT 'Server: Command', TRUE, 'run_' || n, (%(servers)s::int[])[1 + n %% %(count)s], %(uid)s, ''' + STATE + ''',
    moment, CASE WHEN n <= %(last)s - 20 THEN moment END, moment, 1, 'Done.', '2', 0, (%(commands)s::int[])[1 + n %% 20],
    'ssh_command', CASE WHEN n %% 5 > 0 THEN run.id END, 10
  FROM generate_series(%(first)s, %(last)s) n
  LEFT JOIN cx_tower_plan_log run ON run.reference = 'plan_run_' || (n / 10 + 1),
  LATERAL (SELECT now() - (%(last)s - n) * interval '1 second' AS moment) times'''

def fill(first, last):
    facts = {{"servers": servers.ids, "count": SERVERS, "uid": env.uid, "plans": plans.ids, "commands": commands.ids}}
    # The runs that were the newest ones until now have ended.
    for table in ("cx_tower_plan_log", "cx_tower_command_log"):
        env.cr.execute(f"UPDATE {{table}} SET state = 'done', start_date = queued_date WHERE state = 'queued'")
    env.cr.execute(PLAN_RUNS, facts | {{"first": first // 10 + 1, "last": last // 10}})
    env.cr.execute(OUTERMOST)
    env.cr.execute(RUNS, facts | {{"first": first + 1, "last": last}})
    env.cr.commit()
    env.cr._cnx.autocommit = True
    for table in ("cx_tower_plan_log", "cx_tower_command_log"):
        env.cr.execute(f"VACUUM ANALYZE {{table}}")
    env.cr._cnx.autocommit = False

def specification(model, view):
    arch = env[model].get_view(env.ref("cetmix_tower_server." + view).id)["models"][model]
    fields = env[model]._fields
    return {{name: {{"fields": {{"display_name": {{}}}}}} if fields[name].relational else {{}} for name in arch}}

LOG, PLAN_LOG, SERVER = "cx.tower.command.log", "cx.tower.plan.log", "cx.tower.server"
views = {{
    LOG: specification(LOG, "cx_tower_command_log_view_list"),
    PLAN_LOG: specification(PLAN_LOG, "cx_tower_plan_log_view_list"),
    SERVER: specification(SERVER, "cx_tower_server_view_kanban"),
}}
PAGE = {{LOG: 80, PLAN_LOG: 80, SERVER: 40}}
LOOKS = [("server_log_mode", "=", False)]
LISTS = {{
    "runs": (LOG, LOOKS, None),
    "runs outside flight plans": (LOG, [*LOOKS, ("plan_log_id", "=", False)], None),
    "runs, oldest first": (LOG, LOOKS, "start_date asc, id asc"),
    "runs of today": (LOG, [*LOOKS, ("queued_date", ">=", "today")], None),
    "one server": (LOG, [*LOOKS, ("server_id", "in", servers[0].ids)], None),
    "one command": (LOG, [*LOOKS, ("command_id", "in", commands[0].ids)], None),
    **{{f"state {{name}}": (LOG, [*LOOKS, ("state", "in", states)], None) for name, states in {{
        "done": ["done"], "error": ["failed", "interrupted"], "active": ["queued", "running", "waiting"],
        "interrupted": ["interrupted"], "stopped": ["stopped"], "skipped": ["skipped"]}}.items()}},
    "started by me": (LOG, [*LOOKS, ("user_id", "=", 1)], None),
    "plan runs": (PLAN_LOG, [("parent_flight_plan_log_id", "=", False)], None),
    "plan runs, error": (PLAN_LOG, [("state", "in", ["failed", "interrupted"])], None),
    "server cards": (SERVER, [], None),
}}

def look(person, model, domain, order):
    env.invalidate_all()
    records = env[model].with_user(person)
    began = time.perf_counter()
    found = records.web_search_read(domain, views[model], limit=PAGE[model], order=order, count_limit=1001)
    took = (time.perf_counter() - began) * 1000
    return {{"ms": took, "is_full": len(found["records"]) == PAGE[model]}}

def measured():
    for chosen in LISTS.values():
        for person in people.values():
            look(person, *chosen)
    return {{name: {{person: [look(people[person], *chosen) for _ in range(TIMES)] for person in people}}
            for name, chosen in LISTS.items()}}

fill(0, FEW)
few = measured()
fill(FEW, MANY)
many = measured()
print("RESULT " + json.dumps({{"few": few, "many": many}}))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(few=FEW, many=MANY, servers=SERVERS, of_manager=OF_MANAGER, times=TIMES)
    lab.say(f"writing {MANY:,} runs ...")
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=1800)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    return [
        _figure(name, person, result["few"][name][person], looks)
        for name, people in result["many"].items()
        for person, looks in people.items()
    ]


def _figure(name: str, person: str, before: list[dict], after: list[dict]) -> Figure:
    """Compare a list with itself; where it was shorter than a page at first, its rows explain most of the difference."""
    few, many = (Samples([look["ms"] for look in looks]) for looks in (before, after))
    is_same_page = before[0]["is_full"]
    who = "Root" if person == "root" else f"a Manager of {OF_MANAGER} of {SERVERS:,} servers"
    return Figure(
        f"{MANY:,} runs, list: {name}, as {who}",
        many.median / few.median,
        "x",
        f"{many.text('ms')}; with {FEW:,} runs {few.text('ms')}{'' if is_same_page else ', less than a page'}",
        2 if is_same_page else None,
        at_least=False,
    )
