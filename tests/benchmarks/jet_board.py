"""The board of 10,000 jets as the web client opens it: as a Manager and a User of 1,000 of them, and plain tasks beside it."""

from __future__ import annotations

import json

from figures import Figure, Samples, paired_ratio
from lab import Lab, tower

ADDONS = "cetmix_tower_jet,project"
JETS = 10_000
SERVERS = 200
OWN = 1000  # jets, or tasks, that the Manager and the User have a role on
TIMES = 25
ROOT, TASKS = 1.3, 1.5  # aims: times Root's board, times the same board of tasks

DATA = """
import json, time
from lxml import etree

def group(name):
    return env.ref("cetmix_tower_server.group_" + name)

PROJECT = {"user": "project.group_project_user", "manager": "project.group_project_user",
           "root": "project.group_project_manager", "other": "project.group_project_user"}
people = {
    name: env["res.users"].with_context(no_reset_password=True).create(
        {"name": name, "login": "board_" + name,
         "group_ids": [(4, group("manager" if name == "other" else name).id), (4, env.ref("base.group_user").id),
                       (4, env.ref(project).id)]})
    for name, project in PROJECT.items()}
everybody = [(6, 0, [people["user"].id, people["manager"].id, people["other"].id])]
servers = env["cx.tower.server"].create([
    {"name": f"Server {n:03}", "ip_v4_address": "192.0.2.1", "ssh_username": "x", "ssh_password": "x",
     "manager_ids": [(6, 0, [people["manager"].id, people["other"].id])], "user_ids": everybody}
    for n in range(SERVERS)])
State = env["cx.tower.jet.state"]
states = {state.reference: state for state in State.search([])}
COLUMNS = ["running"] * 60 + ["stopped"] * 20 + ["draft"] * 8 + ["removed"] * 5 + [
    "preparing", "building", "starting", "stopping", "restarting", "removing", "destroying"]
LIFECYCLE = (("Prepare", None, "preparing", "draft"), ("Build", "draft", "building", "stopped"),
    ("Start", "stopped", "starting", "running"), ("Stop", "running", "stopping", "stopped"),
    ("Restart", "running", "restarting", "running"), ("Remove", "stopped", "removing", "removed"),
    ("Destroy", "removed", "destroying", None))

def state_id(name):
    return states[name].id if name else False

templates = env["cx.tower.jet.template"].create([
    {"name": f"Template {n}", "access_level": "1", "server_ids": [(6, 0, servers.ids)],
     "action_ids": [(0, 0, {"name": name, "priority": number, "access_level": "1", "state_from_id": state_id(before),
                            "state_transit_id": state_id(through), "state_to_id": state_id(after)})
                    for number, (name, before, through, after) in enumerate(LIFECYCLE)]}
    for n in range(5)])
need = env["cx.tower.jet.template.dependency"].create(
    {"template_id": templates[0].id, "template_required_id": templates[1].id, "state_required_id": states["running"].id,
     "needed_in_state_ids": [(6, 0, states["running"].ids)]})
tags = env["cx.tower.tag"].create([{"name": f"Tag {n}"} for n in range(3)])
partners = env["res.partner"].create([{"name": f"Partner {n}"} for n in range(20)])
jet = env["cx.tower.jet"].create({"name": "Jet", "jet_template_id": templates[0].id, "server_id": servers[0].id})
projects = env["project.project"].create(
    [{"name": f"Project {n:03}", "privacy_visibility": "followers"} for n in range(SERVERS)])
stages = env["project.task.type"].create(
    [{"name": name, "project_ids": [(6, 0, projects.ids)], "sequence": n} for n, name in enumerate(states)])
stage_of = dict(zip(states, stages.ids))
task_tags = env["project.tags"].create([{"name": f"Tag {n}"} for n in range(3)])
task = env["project.task"].create({"name": "Task", "project_id": projects[0].id, "user_ids": [(5, 0, 0)]})
env.cr.commit()

def multiply(record, **changes):
    '''Insert JETS copies of a row, number n from 1 to JETS; changes are SQL expressions of n.'''
    record.flush_recordset()
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (record._table,))
    names = [name for (name,) in env.cr.fetchall() if name != "id"]
    values = ", ".join(changes.get(name, f'model."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    env.cr.execute(f"INSERT INTO {record._table} ({quoted}) SELECT {values} FROM {record._table} model,"
                   f" generate_series(1, {JETS}) n WHERE model.id = {record.id}")

def nth(ids, at="n"):
    return f"(ARRAY{list(ids)})[1 + ({at}) % {len(ids)}]"

# Numbers that spread states evenly over templates, servers and people.
COLUMN = "(n * 37) / 11"
OWNED = f"n % {JETS // OWN} = 3"
name, column = "'Item ' || lpad(n::text, 5, '0')", [states[one] for one in COLUMNS]
busy = [one.endswith("ing") and one != "running" for one in COLUMNS]
multiply(jet, name=name, reference="'jet_' || n", jet_template_id=nth(templates.ids, "n"),
    server_id=nth(servers.ids, "n / 5"), seat="n + 1", state_id=nth([one.id for one in column], COLUMN),
    state=f"(ARRAY{[one.reference for one in column]})[1 + ({COLUMN}) % {len(column)}]",
    partner_id=nth(partners.ids, "n / 7"), url="'https://jet' || n || '.example.com'",
    movement=f"CASE WHEN (ARRAY{busy})[1 + ({COLUMN}) % {len(column)}] THEN 'busy' WHEN n % 30 = 0 THEN 'problem' ELSE 'idle' END",
    last_problem="CASE WHEN n % 30 = 0 THEN 'The flight plan failed.' END")
FROM_JETS = "FROM generate_series(1, %s) n JOIN cx_tower_jet jet ON jet.reference = 'jet_' || n" % JETS
for table, column_name, person, where in (
    ("cx_tower_jet_manager_rel", "manager_id", "other", "TRUE"),
    ("cx_tower_jet_manager_rel", "manager_id", "manager", OWNED),
    ("cx_tower_jet_user_rel", "user_id", "user", OWNED)):
    env.cr.execute(f"INSERT INTO {table} (record_id, {column_name}) SELECT jet.id, {people[person].id} {FROM_JETS} WHERE {where}")
env.cr.execute(f"INSERT INTO cx_tower_jet_tag_rel (jet_id, tag_id) SELECT jet.id, {nth(tags.ids)} {FROM_JETS}")
env.cr.execute(f'''INSERT INTO cx_tower_jet_transition (jet_id, action_name, access_level, state, source, user_id, start_date)
    SELECT jet.id, 'Action', '1', 'running', 'person', {people["other"].id}, now() AT TIME ZONE 'UTC' {FROM_JETS} WHERE jet.movement = 'busy' ''')
env.cr.execute("UPDATE cx_tower_jet jet SET current_transition_id = live.id FROM cx_tower_jet_transition live WHERE live.jet_id = jet.id")
# Jets of the first template need one of the second on the same server; some of those are stopped.
env.cr.execute(f'''INSERT INTO cx_tower_jet_dependency (jet_id, jet_template_dependency_id, jet_depends_on_id)
    SELECT jet.id, {need.id}, (SELECT min(other.id) FROM cx_tower_jet other
        WHERE other.server_id = jet.server_id AND other.jet_template_id = {templates[1].id})
    {FROM_JETS} WHERE jet.jet_template_id = {templates[0].id}''')

multiply(task, name=name, project_id=nth(projects.ids, "n / 5"),
    stage_id=nth([stage_of[one.reference] for one in column], COLUMN), partner_id=nth(partners.ids, "n / 7"),
    state="CASE WHEN n % 30 = 0 THEN '02_changes_requested' ELSE '01_in_progress' END", sequence="10")
FROM_TASKS = f"FROM generate_series(1, {JETS}) n JOIN project_task task ON task.name = {name}"
for person, where in (("other", "TRUE"), ("manager", OWNED), ("user", OWNED)):
    env.cr.execute(f"INSERT INTO project_task_user_rel (task_id, user_id) SELECT task.id, {people[person].id} {FROM_TASKS} WHERE {where}")
env.cr.execute(f"INSERT INTO project_tags_project_task_rel (project_task_id, project_tags_id) SELECT task.id, {nth(task_tags.ids)} {FROM_TASKS}")
env.cr.commit()
env.cr._cnx.autocommit = True
env.cr.execute("VACUUM ANALYZE")
env.cr._cnx.autocommit = False
env.invalidate_all()
"""
BOARDS = """
class Board:
    '''The calls of the web client when it opens a kanban view grouped by a field.'''

    def __init__(self, model, view, group_by, panel):
        self.model, self.view, self.group_by, self.panel = model, env.ref(view), group_by, panel
        self.arch = etree.fromstring(env[model].get_view(self.view.id, "kanban")["arch"])
        self.limit = int(self.arch.get("limit", 80))
        self.bar = self.arch.find("progressbar")

    def specification(self, records):
        '''What the client asks of each card; a view is rendered for the groups of the person.'''
        arch = etree.fromstring(records.get_view(self.view.id, "kanban")["arch"])
        found = {}
        for node in arch.iter("field"):
            field = records._fields[node.get("name")]
            shown = {"fields": {"display_name": {}}} if field.type == "many2one" else {}
            if field.relational and field.type != "many2one" and node.get("widget"):
                coloured = "color_field" in (node.get("options") or "")
                shown = {"fields": {"display_name": {}, **({"color": {}} if coloured else {})}}
            found[field.name] = {**found.get(field.name, {}), **shown}
        return found

    def open(self, person, searched=()):
        '''Return what opening takes, in milliseconds and queries.'''
        records = env[self.model].with_user(person).with_context(bin_size=True, read_group_expand=True, max_number_opened_groups=40)
        specification = self.specification(records)
        env.invalidate_all()
        before, began = env.cr.sql_log_count, time.perf_counter()
        shared = {"search_domain": list(searched), "category_domain": [], "filter_domain": [], "expand": False, "limit": 200}
        calls = [lambda: records.web_read_group(
            list(searched), [self.group_by], [], auto_unfold=True, unfold_read_specification=specification,
            unfold_read_default_limit=self.limit)]
        calls.append(lambda: records.read_progress_bar(
            list(searched), self.group_by, {"field": self.bar.get("field"), "colors": json.loads(self.bar.get("colors"))}))
        for name, is_multi, counters in self.panel:
            if is_multi:
                calls.append(lambda name=name, counters=counters: records.search_panel_select_multi_range(
                    name, group_by=False, comodel_domain=[], group_domain=[], enable_counters=counters, **shared))
            else:
                calls.append(lambda name=name, counters=counters: records.search_panel_select_range(
                    name, hierarchize=True, enable_counters=counters, **shared))
        parts = []
        for call in calls:
            env.invalidate_all()  # each call is a request of its own
            started = time.perf_counter()
            call()
            parts.append((time.perf_counter() - started) * 1000)
        return {"ms": (time.perf_counter() - began) * 1000, "queries": env.cr.sql_log_count - before, "parts": parts}

search_arch = etree.fromstring(env["cx.tower.jet"].get_view(env.ref("cetmix_tower_jet.cx_tower_jet_view_search").id, "search")["arch"])
PANEL = [(node.get("name"), node.get("select") == "multi", node.get("enable_counters") == "1")
         for node in search_arch.iterfind("searchpanel/field")]
OF_TASKS = {"state_id": "stage_id", "jet_template_id": "milestone_id", "server_id": "project_id",
            "jet_cloned_from_id": "parent_id"}
jets = Board("cx.tower.jet", "cetmix_tower_jet.cx_tower_jet_view_kanban", "state_id", PANEL)
tasks = Board("project.task", "project.view_task_kanban", "stage_id",
    [(OF_TASKS.get(name, name), is_multi, counters) for name, is_multi, counters in PANEL])
tasks.limit = jets.limit

def measured():
    boards = {**{person: (jets, people[person]) for person in ("root", "manager", "user")},
              "tasks": (tasks, people["manager"])}
    for board, person in list(boards.values()) * 3:
        board.open(person)
    found = {name: [] for name in boards}
    for number in range(TIMES):
        for name in list(boards)[:: 1 if number % 2 else -1]:
            board, person = boards[name]
            found[name].append(board.open(person))
    return found

def few(person):
    '''Queries of the board with a tenth of the jets.'''
    servers_ids = servers[: SERVERS // 10].ids
    return jets.open(people[person], [("server_id", "in", servers_ids)])["queries"]
"""
REPORT = """
result = measured()
result["few"] = {person: few(person) for person in ("root", "manager", "user")}
print("RESULT " + json.dumps(result))
"""


def measure(lab: Lab) -> list[Figure]:
    sizes = f"JETS, SERVERS, OWN, TIMES = {JETS}, {SERVERS}, {OWN}, {TIMES}\n"
    lab.say(f"writing {JETS:,} jets and as many tasks ...")
    done = tower.odoo_shell(lab.database, lab.folder, sizes + DATA + BOARDS + REPORT, timeout_s=1800)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    few = result.pop("few")
    times = {name: Samples([look["ms"] for look in looks]) for name, looks in result.items()}
    queries = {name: looks[-1]["queries"] for name, looks in result.items()}
    return [
        _figure(who, person, base, aim, times, queries, few)
        for who, person in (("a Manager", "manager"), ("a User", "user"))
        for base, aim in (("root", ROOT), ("tasks", TASKS))
    ]


def _figure(who, person, base, aim, times, queries, few) -> Figure:
    against = "Root" if base == "root" else f"{JETS:,} tasks, {OWN:,} of them assigned to the person"
    detail = (
        f"{times[person].text('ms')} in {queries[person]} queries, {few[person]} with a tenth of the jets;"
        f" {against}: {times[base].text('ms')} in {queries[base]} queries"
    )
    name = f"Board of {JETS:,} jets on {SERVERS} servers as {who} of {OWN:,}, against {against}"
    return Figure(name, paired_ratio(times[person], times[base]), "x", detail, aim, at_least=False)
