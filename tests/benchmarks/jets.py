"""Jets: the board of 10,000 against the board of tasks of Odoo's project app, a journey against its plans started by hand,
values of 1,000 jets at once, and creations from several processes."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from figures import Figure, Samples, interleaved, paired_ratio, seconds
from lab import Lab, tower

#: The floor of the board is the one of Odoo's own project app.
ADDONS = "cetmix_tower_server,cetmix_tower_jet,project"
JETS, SERVERS, OF_MANAGER = 10_000, 200, 1_000
FEW = 1_000
WITH_VALUES = 1_000
TIMES = 15
ROUNDS = 9
STATES = ("draft", "stopped", "running")
CREATED, PROCESSES = 100, 4

SCRIPT = """
import json, time
JETS, SERVERS, OF_MANAGER, FEW, WITH_VALUES, TIMES = {jets}, {servers}, {of_manager}, {few}, {with_values}, {times}

def person(name, *groups):
    return env["res.users"].with_context(no_reset_password=True).create(
        {{"name": name, "login": "board_" + name, "group_ids": [(4, env.ref(group).id) for group in groups]}})

manager = person("manager", "base.group_user", "cetmix_tower_server.group_manager")
root = person("root", "base.group_user", "cetmix_tower_server.group_root")
planner = person("planner", "base.group_user", "project.group_project_manager")
servers = env["cx.tower.server"].create([
    {{"name": f"Server {{n:04}}", "ip_v4_address": "192.0.2.1", "ssh_username": "x", "ssh_password": "x",
      "manager_ids": [(6, 0, manager.ids if n % (JETS // OF_MANAGER) == 0 else [])]}} for n in range(SERVERS)])
templates = env["cx.tower.jet.template"].create([{{"name": f"Template {{n}}", "server_ids": [(6, 0, servers.ids)]}} for n in range(10)])
for template in templates:
    template.action_add_standard_lifecycle()
variables = env["cx.tower.variable"].create([{{"name": f"v{{n}}", "reference": f"v{{n}}"}} for n in range(20)])
values = env["cx.tower.variable.value"]
values.create([{{"variable_id": v.id, "value_char": "global"}} for v in variables])
values.create([{{"variable_id": v.id, "server_id": s.id, "value_char": "server"}} for v in variables[:10] for s in servers])
tags = env["cx.tower.tag"].create([{{"name": f"Tag {{n}}"}} for n in range(5)])
by_reference = {{s.reference: s.id for s in env["cx.tower.jet.state"].search([])}}
states = [by_reference[name] for name in {states}]
project = env["project.project"].create({{"name": "Board"}})
stages = env["project.task.type"].create([{{"name": f"Stage {{n}}", "project_ids": [(6, 0, project.ids)]}} for n in range(len(states))])
labels = env["project.tags"].create([{{"name": f"Tag {{n}}"}} for n in range(5)])
env.cr.commit()

QUIET = {{"tracking_disable": True, "mail_create_nolog": True, "mail_create_nosubscribe": True}}

def create():
    env["cx.tower.jet"].with_context(**QUIET).create([
        {{"name": f"Jet {{n:05}}", "jet_template_id": templates[n % 10].id, "server_id": servers[n % SERVERS].id,
          "url": f"http://jet{{n}}.example.com", "tag_ids": [(6, 0, tags[n % 5].ids)],
          "manager_ids": [(6, 0, manager.ids if n % SERVERS % (JETS // OF_MANAGER) == 0 else [])]}} for n in range(FEW)])
    env["project.task"].with_context(**QUIET).create([
        {{"name": f"Task {{n:05}}", "project_id": project.id, "stage_id": stages[n % len(states)].id,
          "user_ids": [(5,)], "tag_ids": [(6, 0, labels[n % 5].ids)]}} for n in range(FEW)])
    env.flush_all()
    # not by the ORM, which sends everybody who is assigned a message
    env.cr.execute("INSERT INTO project_task_user_rel (task_id, user_id) SELECT id, %s FROM project_task", (planner.id,))
    env.cr.execute("UPDATE cx_tower_jet SET state_id = (%s::int[])[1 + id %% 3], seat = NULL", (states,))
    env.cr.execute("UPDATE cx_tower_jet jet SET state = state.reference FROM cx_tower_jet_state state WHERE state.id = jet.state_id")
    settle()

def settle():
    env.invalidate_all()
    env.cr.commit()
    env.cr._cnx.autocommit = True
    for table in ("cx_tower_jet", "project_task", "cx_tower_jet_manager_rel", "cx_tower_jet_tag_rel", "cx_tower_variable_value"):
        env.cr.execute(f"VACUUM ANALYZE {{table}}")
    env.cr._cnx.autocommit = False

STEP = 1_000_000

def columns(table):
    env.cr.execute("SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_name = %s", (table,))
    return [row[0] for row in env.cr.fetchall()]

def multiply(table, record, copies, unique=()):
    # The N-th copy of a record has its id and N times STEP.
    names = columns(table)
    new = {{record: f"{{record}} + n * {{STEP}}", **{{name: f"{{name}} || '_' || n" for name in unique}}}}
    env.cr.execute(f"INSERT INTO {{table}} ({{', '.join(names)}}) SELECT {{', '.join(new.get(name, name) for name in names)}}"
                   f" FROM {{table}}, generate_series(1, {{copies}}) n")

def fill():
    copies = JETS // FEW - 1
    multiply("cx_tower_jet", "id", copies, ("reference",))
    multiply("project_task", "id", copies)
    for table, record in (("cx_tower_jet_manager_rel", "record_id"), ("cx_tower_jet_tag_rel", "jet_id"),
                          ("project_task_user_rel", "task_id"), ("project_tags_project_task_rel", "project_task_id")):
        names = [name for name in columns(table) if name != "id"]
        new = {{record: f"{{record}} + n * {{STEP}}"}}
        env.cr.execute(f"INSERT INTO {{table}} ({{', '.join(names)}}) SELECT {{', '.join(new.get(name, name) for name in names)}}"
                       f" FROM {{table}}, generate_series(1, {{copies}}) n")
    settle()

def specification(model, user):
    Model = env[model].with_user(user)
    arch = Model.get_view(view_type="kanban")["models"][model]
    return {{name: {{"fields": {{"display_name": {{}}}}}} if Model._fields[name].relational else {{}} for name in arch}}

BOARDS = {{
    "manager": ("cx.tower.jet", manager, [], "state_id", ("movement", {{"busy": "info", "problem": "danger", "idle": "success"}})),
    "root": ("cx.tower.jet", root, [], "state_id", ("movement", {{"busy": "info", "problem": "danger", "idle": "success"}})),
    "tasks": ("project.task", planner, [("project_id", "=", project.id)], "stage_id",
              ("state", {{"1_done": "success", "03_approved": "success", "02_changes_requested": "warning"}})),
}}

def look(model, user, domain, group, bar):
    env.invalidate_all()
    Model, wanted = env[model].with_user(user), specifications[model]
    before, began = env.cr.sql_log_count, time.perf_counter()
    groups = Model.web_read_group(domain, [group], ["__count"], auto_unfold=True, unfold_read_specification=wanted,
                                  unfold_read_default_limit=80)["groups"]
    Model.read_progress_bar(domain, group, {{"field": bar[0], "colors": bar[1]}})
    took = (time.perf_counter() - began) * 1000
    shown = sum(len(one.get("__records", ())) for one in groups)
    return {{"ms": took, "queries": env.cr.sql_log_count - before, "cards": shown}}

def boards():
    for board in BOARDS.values():
        look(*board)
    found = {{name: [] for name in BOARDS}}
    for _ in range(TIMES):
        for name, board in BOARDS.items():
            found[name].append(look(*board))
    return found

specifications = {{model: specification(model, user) for model, user in (("cx.tower.jet", root), ("project.task", planner))}}
create()
few = boards()
fill()
many = boards()
jets = env["cx.tower.jet"].search([], limit=WITH_VALUES)

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
print("RESULT " + json.dumps({{"few": few, "many": many, "scopes": scopes}}))
"""


def measure(lab: Lab) -> list[Figure]:
    script = SCRIPT.format(
        jets=JETS,
        servers=SERVERS,
        of_manager=OF_MANAGER,
        few=FEW,
        with_values=WITH_VALUES,
        times=TIMES,
        states=STATES,
    )
    lab.say(f"creating {JETS:,} jets and as many tasks ...")
    done = tower.odoo_shell(lab.database, lab.folder, script, timeout_s=1800)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    result = json.loads(lines[0].partition("RESULT ")[2])
    return [*_boards(result), *_values(result["scopes"]), _journey(lab), _creations(lab)]


def _boards(result: dict) -> list[Figure]:
    many, few = result["many"], result["few"]
    ms = {name: Samples([look["ms"] for look in looks]) for name, looks in many.items()}
    cards = {name: looks[0]["cards"] for name, looks in many.items()}
    queries = {name: max(look["queries"] for look in looks) for name, looks in many.items()}
    before = max(look["queries"] for look in few["manager"])
    a_card = {name: ms[name].median / cards[name] for name in ms}
    who = f"a Manager of {OF_MANAGER:,} of {JETS:,} jets"
    return [
        Figure(
            f"board as {who}: against Root", paired_ratio(ms["manager"], ms["root"]), "x",
            f"Manager {ms['manager'].text('ms')}, Root {ms['root'].text('ms')}; {cards['manager']} and {cards['root']} cards",
            1.3, at_least=False,
        ),
        Figure(
            f"board as {who}: against as many tasks of Odoo's project app", paired_ratio(ms["manager"], ms["tasks"]), "x",
            f"tasks {ms['tasks'].text('ms')}, {cards['tasks']} cards; a card takes {a_card['manager']:.2f} and"
            f" {a_card['tasks']:.2f} ms", 1.5, at_least=False,
        ),
        Figure(
            f"board as {who}: queries", queries["manager"] / before, "x",
            f"{queries['manager']}, with {FEW:,} jets {before}; Root {queries['root']}, tasks {queries['tasks']}",
            1, at_least=False,
        ),
    ]  # fmt: skip


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
