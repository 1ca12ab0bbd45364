"""The topology graph in a real browser: how long its layout takes, how soon a change is seen, and how long its frames take."""

from __future__ import annotations

import contextlib
import json
import threading
import time

from figures import Figure, Samples, paired_ratio
from lab import TESTS, Lab, load, tower

ADDONS = "cetmix_tower_jet"
SERVERS, JETS, LINKS = 20, 200, 300
BUSY = 10  # jets that stay busy, and so are animated
CHANGES_PER_S = 10
LAYOUT_ROUNDS, CHANGES, FRAMES_S = 9, 30, 10
LAYOUT_MS, CHANGE_MS, FRAME_MS = 300, 500, 17.5  # aims; a frame at 60 frames a second takes 16.7 ms
WORK_MS = 8  # half a frame: how much of the page's thread, in processor time, a frame may need

DATA = """
import random
random.seed(1)
servers = env["cx.tower.server"].create([
    {"name": f"Server {n:02}", "ip_v4_address": "192.0.2.1", "ssh_username": "x", "ssh_password": "x"}
    for n in range(SERVERS)])
states = {state.reference: state for state in env["cx.tower.jet.state"].search([])}
def action(name, before, through, after):
    return (0, 0, {"name": name, "access_level": "1", "state_from_id": states[before].id,
                   "state_transit_id": states[through].id, "state_to_id": states[after].id})
lifecycle = [action("Start", "stopped", "starting", "running"), action("Stop", "running", "stopping", "stopped")]
templates = env["cx.tower.jet.template"].create([
    {"name": name, "access_level": "1", "server_ids": [(6, 0, servers.ids)], "action_ids": lifecycle}
    for name in ("Proxy", "Application", "Database", "Cache", "Worker")])
tags = env["cx.tower.tag"].create([{"name": name} for name in ("Production", "Staging")])
customer = env["res.partner"].create({"name": "Customer"})
jets = env["cx.tower.jet"].create([
    {"name": f"{templates[n % 5].name} {n:03}", "jet_template_id": templates[n % 5].id,
     "server_id": servers[n * SERVERS // JETS].id, "tag_ids": [(6, 0, tags[n % 3 % 2].ids)],
     "partner_id": customer.id if n % 4 == 0 else False} for n in range(JETS)])
for n, jet in enumerate(jets):
    jet._set_state(states["stopped" if n % 6 == 5 else "running"])
per_server, links = JETS // SERVERS, set()
while len(links) < LINKS:
    one = random.randrange(JETS)
    near = random.random() < 0.9
    other = one // per_server * per_server + random.randrange(per_server) if near else random.randrange(JETS)
    if one != other:
        links.add((min(one, other), max(one, other)))
env["cx.tower.jet.dependency"].create(
    [{"jet_id": jets[one].id, "jet_depends_on_id": jets[other].id} for one, other in sorted(links)])
need = env["cx.tower.jet.template.dependency"].create(
    {"template_id": templates[1].id, "template_required_id": templates[2].id, "state_required_id": states["running"].id})
for n in range(1, JETS, 5):
    link = jets[n].jet_requires_ids.filtered(lambda one: one.jet_template_dependency_id == need)
    if (n, n + 1) not in links and n % 15 != 1:
        link.jet_depends_on_id = jets[n + 1]
env["cx.tower.jet.transition"].flush_model()
env["ir.cron"].search([]).active = False  # they would end what is busy without a run
busy = jets[3::20][:BUSY]
for jet in busy:
    env.cr.execute('''INSERT INTO cx_tower_jet_transition (jet_id, action_name, access_level, state, source, user_id, start_date)
        VALUES (%s, 'Stop', '1', 'running', 'person', 2, now() AT TIME ZONE 'UTC') RETURNING id''', (jet.id,))
    env.cr.execute("UPDATE cx_tower_jet SET current_transition_id = %s, movement = 'busy', state_id = %s, state = 'stopping' WHERE id = %s",
                   (env.cr.fetchone()[0], states["stopping"].id, jet.id))
problem = jets[7::50]
env.cr.execute("UPDATE cx_tower_jet SET movement = 'problem', last_problem = 'The flight plan failed.' WHERE id = ANY(%s)", (problem.ids,))
env.cr.commit()
print("RESULT " + json.dumps({
    "idle": (jets - busy - problem).ids,
    "actions": {template.id: {one.state_from_id.reference: one.id for one in template.action_ids} for template in templates},
    "templates": {jet.id: jet.jet_template_id.id for jet in jets}}))
"""
# The topology page, with the modules of Tower that the measurements need.
PREPARE = """(() => {
    const modules = odoo.loader.modules;
    window.bench = {
        orm: odoo.__WOWL_DEBUG__.root.env.services.orm,
        bus: odoo.__WOWL_DEBUG__.root.env.services.bus_service,
        layOut: modules.get("@cetmix_tower_jet/graph/graph_layout").layOutGraph,
        structure: modules.get("@cetmix_tower_jet/graph/graph_structure").graphStructure,
        data: new (modules.get("@cetmix_tower_jet/topology/topology_data").TopologyData)(),
        frames(seconds, eachFrame) {
            return new Promise((resolve) => {
                const times = [];
                let last = performance.now();
                const end = last + seconds * 1000;
                const step = () => {
                    const now = performance.now();
                    times.push(now - last);
                    last = now;
                    eachFrame?.(times.length);
                    now < end ? requestAnimationFrame(step) : resolve(times.slice(1));
                };
                requestAnimationFrame(step);
            });
        },
    };
})()"""
# Our layout, in clusters and without them, and the library's own on the same graph, in turns.
LAYOUTS = """(async () => {
    const { layOut, structure, data, orm } = window.bench;
    data.load(await orm.call("cetmix.tower", "get_topology", []));
    const graph = data.graph();
    const make = (nodes, clusters) => structure({ ...graph, nodes, clusters, direction: "LR" }).structure;
    const clustered = make(graph.nodes, graph.clusters);
    const flat = make(graph.nodes.map((node) => ({ ...node, cluster: undefined })), []);
    const library = (isCompound) => {
        const picture = new dagre.graphlib.Graph({ multigraph: true, compound: isCompound });
        picture.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 44, edgesep: 18 });
        clustered.nodes.forEach(({ id, width, height }) => picture.setNode(id, { width, height }));
        if (isCompound) {
            clustered.clusters.forEach(({ id }) => picture.setNode(`server ${id}`, {}));
            clustered.nodes.forEach(({ id, cluster }) => picture.setParent(id, `server ${cluster}`));
        }
        clustered.edges.forEach(({ id, from, to }) => picture.setEdge(from, to, { width: 0, height: 0 }, id));
        dagre.layout(picture);
    };
    const ways = {
        clustered: () => layOut(dagre, clustered),
        flat: () => layOut(dagre, flat),
        library: () => library(false),
        compound: () => library(true),
    };
    const found = { clustered: [], flat: [], library: [], compound: [], sizes: [graph.nodes.length, graph.edges.length] };
    for (let round = -1; round < ROUNDS; round++) {
        for (const [name, way] of Object.entries(ways)) {
            if (name === "compound" && round > 1) {
                continue;
            }
            const start = performance.now();
            way();
            if (round >= 0) {
                found[name].push(performance.now() - start);
            }
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }
    return found;
})()"""
# From the request that changes a jet until its node shows the new state, and until the server's message about it is here.
CHANGE = """(async () => {
    const { orm, bus } = window.bench;
    const node = document.querySelector("[data-item='node jet_JET'] .o_tower_graph_sublabel");
    const before = node.textContent;
    const start = performance.now();
    const told = new Promise((resolve) => {
        const take = ({ ids }) => {
            if (ids.includes(JET)) {
                bus.unsubscribe("cetmix_tower_jets", take);
                resolve(performance.now() - start);
            }
        };
        bus.subscribe("cetmix_tower_jets", take);
    });
    const seen = new Promise((resolve) => {
        const observer = new MutationObserver(() => {
            const now = document.querySelector("[data-item='node jet_JET'] .o_tower_graph_sublabel");
            if (now && now.textContent !== before) {
                observer.disconnect();
                requestAnimationFrame(() => resolve(performance.now() - start));
            }
        });
        observer.observe(document.querySelector(".o_tower_topology svg"), { subtree: true, childList: true, characterData: true });
    });
    await orm.silent.call("cx.tower.jet.action", "trigger", [[ACTION]], { jet: JET });
    const request = performance.now() - start;
    return { request, told: await told, seen: await seen };
})()"""
PAN = """window.bench.frames(SECONDS, (count) => {
    document.querySelector(".o_tower_graph_box").dispatchEvent(
        new WheelEvent("wheel", { deltaX: Math.round(6 * Math.sin(count / 30)), deltaY: Math.round(4 * Math.cos(count / 40)), cancelable: true }));
})"""
STILL = "window.bench.frames(SECONDS)"


class Jets:
    """Moves jets from one state to the other, in the name of the administrator."""

    def __init__(self, client, facts):
        self.client, self.facts = client, facts
        self.turn = 0
        rows = client.call("cx.tower.jet", "read", facts["idle"], ["state"])
        self.states = {row["id"]: row["state"] for row in rows}

    def next(self) -> tuple[int, int]:
        """Return (jet, action that it can take now), another jet each time."""
        jet = self.facts["idle"][self.turn * 7 % len(self.facts["idle"])]
        self.turn += 1
        state = self.states[jet]
        self.states[jet] = "stopped" if state == "running" else "running"
        return jet, self.facts["actions"][str(self.facts["templates"][str(jet)])][state]

    def move(self) -> None:
        jet, action = self.next()
        self.client.call("cx.tower.jet.action", "trigger", [action], jet=jet)

    @contextlib.contextmanager
    def moving(self):
        """Move several jets a second, all the time."""
        stop = threading.Event()

        def run():
            while not stop.is_set():
                began = time.monotonic()
                self.move()
                stop.wait(max(0, 1 / CHANGES_PER_S - (time.monotonic() - began)))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def write_data(lab: Lab) -> dict:
    lab.say(f"writing {JETS} jets on {SERVERS} servers ...")
    sizes = f"import json\nSERVERS, JETS, LINKS, BUSY = {SERVERS}, {JETS}, {LINKS}, {BUSY}\n"
    done = tower.odoo_shell(lab.database, lab.folder, sizes + DATA, timeout_s=600)
    lines = [line for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        raise RuntimeError(done.stderr[-3000:] or done.stdout[-3000:])
    return json.loads(lines[0].partition("RESULT ")[2])


def measure(lab: Lab) -> list[Figure]:
    browsers = load("tower_browser", TESTS / "acceptance" / "browser.py")
    facts = write_data(lab)
    with browsers.Browser(lab.odoo.url) as browser:
        browser.log_in(lab.client)
        browser.call("Page.navigate", url=f"{lab.odoo.url}/odoo/cetmix_tower_topology")
        browser.wait_for(f"document.querySelectorAll('.o_tower_graph_node').length >= {JETS}", 180)
        browser.evaluate(PREPARE)
        jets = Jets(lab.client, facts)
        return [*_layout(browser), *_changes(browser, jets), *_frames(browser, jets)]


def _layout(browser) -> list[Figure]:
    found = browser.evaluate(LAYOUTS.replace("ROUNDS", str(LAYOUT_ROUNDS)))
    nodes, edges = found.pop("sizes")
    times = {name: Samples(values) for name, values in found.items()}
    floor = times["library"]
    what = f"Layout of {nodes} nodes and {edges} edges"
    return [
        Figure(
            f"{what} {where}",
            times[name].median,
            "ms",
            f"{times[name].text('ms')}; {paired_ratio(times[name], floor):.2g} times the library's own layout without"
            f" servers ({floor.text('ms')}); with its own clusters {times['compound'].text('ms')}",
            LAYOUT_MS,
            at_least=False,
        )
        for name, where in (("clustered", f"on {SERVERS} servers"), ("flat", "without servers"))
    ]


def _changes(browser, jets) -> list[Figure]:
    rows = []
    for _number in range(CHANGES + 3):
        jet, action = jets.next()
        rows.append(browser.evaluate(CHANGE.replace("JET", str(jet)).replace("ACTION", str(action))))
        time.sleep(0.5)
    seen, told, request = (Samples([row[key] for row in rows[3:]]) for key in ("seen", "told", "request"))
    return [
        Figure(
            "State change until it is seen in the graph",
            seen.median,
            "ms",
            f"{seen.text('ms')}; {paired_ratio(seen, told):.2g} times the arrival of the server's message ({told.text('ms')});"
            f" the request itself {request.text('ms')}",
            CHANGE_MS,
            at_least=False,
        )
    ]


def _frames(browser, jets) -> list[Figure]:
    browser.call("Performance.enable", timeDomain="threadTicks")

    def look(script):
        before = _processor_time(browser)
        times = browser.evaluate(script.replace("SECONDS", str(FRAMES_S)))
        return times, (_processor_time(browser) - before) / len(times)

    idle = look(STILL)  # nothing moves but what is animated
    with jets.moving():
        still, panned = look(STILL), look(PAN)
    return [
        *_frame_figures(f"while {CHANGES_PER_S} jets change state each second", still, idle),
        *_frame_figures("while also the graph is moved", panned, idle),
    ]


def _processor_time(browser) -> float:
    """Return how long the page's thread has worked so far, in milliseconds of processor time."""
    metrics = browser.call("Performance.getMetrics")["metrics"]
    return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def _frame_figures(when, looked, idle) -> list[Figure]:
    (times, work), (idle_times, idle_work) = looked, idle
    rate = len(times) / sum(times) * 1000
    late, idle_late = (sum(time > 25 for time in one) / len(one) for one in (times, idle_times))
    return [
        Figure(
            f"Frames {when}",
            Samples(times).median,
            "ms",
            f"{Samples(times).text('ms')}, longest {max(times):.0f} ms, {rate:.0f} frames/s, {late:.1%} late;"
            f" while no jet changes {Samples(idle_times).text('ms')}, {idle_late:.1%} late",
            FRAME_MS,
            at_least=False,
        ),
        Figure(
            f"Work of the page's thread for each frame {when}",
            work,
            "ms",
            f"processor time, {work / idle_work:.2g} times as much as while no jet changes ({idle_work:.2g} ms)",
            WORK_MS,
            at_least=False,
        ),
    ]
