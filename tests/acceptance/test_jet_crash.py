"""kill -9 of Tower while jets move: afterwards no jet is busy without a live run, and resuming finishes what was interrupted."""

import instance as tower
import plans as tools
import pytest
from dying import CrashPoint, answer_may_be_lost
from instance import RpcError
from jets import Jets, check_jets, check_jets_agree
from plans import Plans, lines, until

# (crash point, (action, state) of the history after recovery, state of the jet, whether the last run must be resumed)
# The journey is Prepare, Build, Start; each flight plan has two steps, so the N-th step is the N-th time of a point.
JOURNEY = [("Prepare", "done"), ("Build", "done"), ("Start", "done")]
CRASHES = [
    ("before_claim", JOURNEY, False),  # the jet was taken, and no process had its run yet
    ("taken", [("Prepare", "interrupted")], True),
    ("recorded:3", [*JOURNEY[:1], ("Build", "interrupted")], True),
    ("claimed:4", [*JOURNEY[:1], ("Build", "interrupted")], True),
    (
        "performed:4",
        [*JOURNEY[:1], ("Build", "interrupted")],
        True,
    ),  # the host has finished Build, Tower does not know
    (
        "before_record_commit:4",
        [*JOURNEY[:1], ("Build", "interrupted")],
        True,
    ),  # with the to state, not committed
    ("recorded:4", JOURNEY, False),  # the next action of the journey is committed, and waits for a process
    ("performed:6", [*JOURNEY[:2], ("Start", "interrupted")], True),
    ("recorded:6", JOURNEY, False),  # it had arrived
]
# Each process counts for itself, and the actions of a journey go from one to another, so here all is in the first one.
PREFORK_CRASHES = [
    *CRASHES[:2],
    ("performed:2", [("Prepare", "interrupted")], True),
    ("before_record_commit:2", [("Prepare", "interrupted")], True),
    ("recorded:2", JOURNEY, False),
]
LEFT_IN = {"Prepare": "", "Build": "draft", "Start": "stopped"}


class World:
    """A server of Tower with a template whose actions leave traces on the host."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        self.server_id = self.template_id = None

    def enter(self, client, one_host):
        """Take over a restarted server; what is missing is made."""
        self.plans, self.jets = Plans(client), Jets(client, self.folder)
        if not self.server_id:
            self.server_id = one_host.register(client)
            plan_id = self.jets.tracing_plan(self.plans)
            self.template_id = self.jets.template("Traced", [self.server_id], plan_id)

    def trace(self, jet_id):
        """Return what the flight plans of a jet left on the host."""
        (row,) = self.jets.client.call("cx.tower.jet", "read", [jet_id], ["reference"])
        return lines(self.folder / row["reference"])

    def hold(self, name, state):
        """Let the flight plan of a jet wait in a state."""
        file = self.folder / f"hold-{name}-{state}"
        file.touch()
        return file


def launch_and_let_die(world, crash_point, crash, running):
    """Launch a jet on its way to Running, and wait until a process has died.

    :return: (id of the jet, id of the process)
    """
    crash_point.arm(crash[0])
    with answer_may_be_lost():
        world.jets.jet(world.template_id, world.server_id, crash[0].replace(":", " "), "running")
    victim = crash_point.wait_for_victim(running)
    ((jet_id,),) = world.database.query("SELECT max(id) FROM cx_tower_jet")
    return jet_id, victim


def check_aftermath(world, crash, jet_id):
    """Recover from a crash: first the jet tells the truth, then the journey is finished."""
    point, history, is_interrupted = crash
    tools.recover(world.plans.client)
    left_in = LEFT_IN[history[-1][0]] if is_interrupted else "running"
    jet = world.jets.idle(jet_id, left_in)
    assert world.jets.history(jet_id) == history, point
    assert jet["movement"] == ("problem" if is_interrupted else "idle"), point
    check_jets(world.database)
    if is_interrupted:
        world.plans.resume(world.jets.last_run(jet_id))
        world.jets.idle(jet_id, "running")
        done = [row for row in world.jets.history(jet_id) if row[1] == "done"]
        assert done == JOURNEY, point
    trace = list(dict.fromkeys(world.trace(jet_id)))  # the interrupted step may have run twice
    expected = [f"{state}{end}" for state in ("preparing", "building", "starting") for end in ("", "-end")]
    assert trace == expected, point
    check_jets(world.database)


def test_killed_at_every_point_of_a_journey(template_with_jets, tmp_path, host_dir, one_host):
    """Each restart recovers from the crash before and arms the next one."""
    crash_point = CrashPoint(tmp_path)
    database = template_with_jets.copy(f"{template_with_jets.name}_points")
    world, crash, jet_id = World(database, host_dir), None, None
    try:
        for following in [*CRASHES, None]:
            with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
                world.enter(running.client(), one_host)
                if crash:
                    check_aftermath(world, crash, jet_id)
                if following:
                    jet_id, _victim = launch_and_let_die(world, crash_point, following, running)
            crash = following
            check_jets_agree(database)
            tools.expire_leases(database)
    finally:
        database.drop()


def test_killed_at_every_point_of_a_journey_in_prefork_mode(template_with_jets, tmp_path, host_dir, one_host):
    """Here only the process that holds the run dies, and the server starts another."""
    crash_point = CrashPoint(tmp_path)
    database = template_with_jets.copy(f"{template_with_jets.name}_points")
    world = World(database, host_dir)
    try:
        with tower.Instance(database, tmp_path, workers=2, environment=crash_point.environment) as running:
            world.enter(running.client(), one_host)
            for crash in PREFORK_CRASHES:
                jet_id, victim = launch_and_let_die(world, crash_point, crash, running)
                tools.expire_leases(database, [victim])
                check_aftermath(world, crash, jet_id)
    finally:
        database.drop()


class Kill:
    """A world in one database, whose Tower is killed and started again."""

    def __init__(self, database, folder, one_host, workers):
        self.world = World(database, folder)
        self._one_host = one_host
        self._workers = workers
        self._running = None

    def start(self):
        """Start Tower, and recover what the one before left."""
        self._running = tower.Instance(self.world.database, self.world.folder, workers=self._workers).start()
        self.world.enter(self._running.client(), self._one_host)
        tools.recover(self.world.plans.client)
        return self.world

    def kill(self):
        """Kill Tower with all its processes; the leases of its runs have passed."""
        self._running.kill()
        check_jets_agree(self.world.database)
        tools.expire_leases(self.world.database)

    def end(self):
        self._running.stop()


IN_BOTH_MODES = pytest.mark.parametrize("tower_to_kill", [0, 2], ids=["threaded", "prefork"], indirect=True)


@pytest.fixture
def tower_to_kill(request, template_with_jets, host_dir, one_host):
    """Threaded, unless a test says how many processes Odoo has: a killed process leaves the same rows in both modes."""
    database = template_with_jets.copy(f"{template_with_jets.name}_killed")
    kill = Kill(database, host_dir, one_host, getattr(request, "param", 0))
    kill.start()
    yield kill
    kill.end()
    database.drop()


@IN_BOTH_MODES
def test_killed_while_a_plan_runs_in_a_journey(tower_to_kill):
    """The jet says what happened; resuming finishes the action and then the journey."""
    world = tower_to_kill.world
    hold = world.hold("shop", "building")
    jet_id = world.jets.jet(world.template_id, world.server_id, "Shop", "running", reference="shop")
    until(lambda: "building" in world.trace(jet_id))
    tower_to_kill.kill()
    world = tower_to_kill.start()
    jet = world.jets.idle(jet_id, "draft")
    assert jet["movement"] == "problem" and jet["last_problem"]
    assert world.jets.history(jet_id) == [("Prepare", "done"), ("Build", "interrupted")]
    check_jets(world.database)
    hold.unlink()
    world.plans.resume(world.jets.last_run(jet_id))
    world.jets.idle(jet_id, "running")
    assert world.jets.history(jet_id)[2:] == [("Build", "done"), ("Start", "done")]
    assert world.trace(jet_id)[2:] == ["building", "building", "building-end", "starting", "starting-end"]
    check_jets(world.database)


def test_killed_while_a_jet_waits_for_its_dependency(tower_to_kill):
    """The dependency is interrupted, so what waits for it fails with the whole chain, and can be asked for again."""
    world = tower_to_kill.world
    shop = world.jets.template("Shop", [world.server_id], world.jets.tracing_plan(world.plans))
    world.jets.needs(shop, world.template_id)
    database_id = world.jets.jet(
        world.template_id, world.server_id, "Database", "stopped", reference="database"
    )
    world.jets.idle(database_id, "stopped")
    shop_id = world.jets.jet(shop, world.server_id, "Shop", "stopped", reference="shop")
    world.jets.idle(shop_id, "stopped")
    hold = world.hold("database", "starting")
    assert world.jets.bring(shop_id, "running")["state"] == "waiting"
    until(lambda: "starting" in world.trace(database_id))
    tower_to_kill.kill()
    world = tower_to_kill.start()
    assert world.jets.idle(database_id, "stopped")["movement"] == "problem"
    waited = world.jets.idle(shop_id, "stopped")
    assert "Database" in waited["last_problem"] and "Start" in waited["last_problem"], waited
    assert world.jets.history(shop_id)[-1] == ("Start", "failed")
    check_jets(world.database)
    hold.unlink()
    world.plans.resume(world.jets.last_run(database_id))
    world.jets.idle(database_id, "running")
    assert world.jets.bring(shop_id, "running")["state"] == "running"
    world.jets.idle(shop_id, "running")
    check_jets(world.database)


def test_killed_while_a_request_is_served_by_a_new_jet(tower_to_kill):
    """The new jet is in the middle of its own journey; when that is resumed, both can be finished."""
    world = tower_to_kill.world
    shop = world.jets.template("Shop", [world.server_id], world.jets.tracing_plan(world.plans))
    world.jets.needs(shop, world.template_id)
    wait = f"touch {world.folder}/building; while [ ! -e {world.folder}/gate ]; do sleep 0.05; done"
    gate = world.plans.plan(world.plans.command(wait))
    build = world.jets.action(world.template_id, "Build")
    world.jets.client.call("cx.tower.jet.action", "write", [build], {"plan_id": gate})
    shop_id = world.jets.jet(shop, world.server_id, "Shop", "running")
    served = until(lambda: jets_of(world, world.template_id))[0]
    until((world.folder / "building").exists)
    tower_to_kill.kill()
    (world.folder / "gate").touch()
    world = tower_to_kill.start()
    world.jets.idle(served, "draft")
    world.jets.idle(shop_id, "stopped")
    check_jets(world.database)
    world.plans.resume(world.jets.last_run(served))
    world.jets.idle(served, "running")
    world.jets.bring(shop_id, "running")
    world.jets.idle(shop_id, "running")
    assert jets_of(world, world.template_id) == [served]
    check_jets(world.database)


def jets_of(world, template_id):
    return world.jets.client.call("cx.tower.jet", "search", [("jet_template_id", "=", template_id)])


def test_killed_while_a_template_is_installed(tower_to_kill):
    """The installation says that it was interrupted, and is tried again from there."""
    world = tower_to_kill.world
    mark, gate = world.folder / "installed", world.folder / "gate"
    plan = world.plans.plan(
        world.plans.command(
            f"echo begun >> {mark}; while [ ! -e {gate} ]; do sleep 0.05; done; echo done >> {mark}"
        )
    )
    base = world.jets.template("Base", [], plan_install_id=plan)
    shop = world.jets.template("Shop", [])
    world.jets.needs(shop, base)
    world.jets.client.call("cx.tower.jet.template", "install_on_servers", [shop], [world.server_id])
    until(lambda: lines(mark))
    tower_to_kill.kill()
    gate.touch()
    world = tower_to_kill.start()
    (install,) = until(lambda: installations(world, shop, "failed"))
    assert not installed(world, base) and not installed(world, shop)
    world.jets.client.call("cx.tower.jet.template.install", "retry", [install["id"]])
    until(lambda: installations(world, shop, "done"))
    assert installed(world, base) and installed(world, shop)
    assert lines(mark).count("begun") == 2  # the first one is still there on the host, and ends by itself


def installations(world, template_id, state):
    domain = [("jet_template_id", "=", template_id), ("state", "=", state)]
    return world.jets.client.call("cx.tower.jet.template.install", "search_read", domain, ["message"])


def installed(world, template_id):
    (row,) = world.jets.client.call("cx.tower.jet.template", "read", [template_id], ["server_ids"])
    return row["server_ids"]


def test_killed_while_a_step_waits_for_the_action_of_another_jet(tower_to_kill):
    """Both jets are interrupted or failed, none is busy; resuming the outer action triggers the inner one again."""
    world = tower_to_kill.world
    jets, plans = world.jets, world.plans
    start = jets.action(world.template_id, "Start")
    step = plans.command(
        "", "jet_action", name="Start the databases", jet_template_id=world.template_id, jet_action_id=start
    )
    outer = plans.plan(step, plans.command(f"echo after >> {world.folder}/outer"), name="Outer")
    shop = jets.template("Shop", [world.server_id], plans={"Start": outer})
    jets.needs(shop, world.template_id, "stopped", ("stopped",))
    shop_id = jets.jet(shop, world.server_id, "Shop", "stopped")
    jets.idle(shop_id, "stopped")
    (inner,) = jets_of(world, world.template_id)
    (row,) = jets.client.call("cx.tower.jet", "read", [inner], ["reference"])
    hold = world.hold(row["reference"], "starting")
    jets.bring(shop_id, "running")
    until(lambda: "starting" in world.trace(inner))
    tower_to_kill.kill()
    hold.unlink()
    world = tower_to_kill.start()
    jets = world.jets
    assert jets.idle(inner, "stopped")["movement"] == "problem"
    assert jets.idle(shop_id, "stopped")["movement"] == "problem"
    check_jets(world.database)
    world.plans.resume(jets.last_run(shop_id))
    jets.idle(shop_id, "running")
    jets.idle(inner, "running")
    assert lines(world.folder / "outer") == ["after"]
    check_jets(world.database)


def test_what_was_interrupted_is_not_resumed_after_the_jet_has_moved(tower_to_kill):
    world = tower_to_kill.world
    hold = world.hold("shop", "building")
    jet_id = world.jets.jet(world.template_id, world.server_id, "Shop", "stopped", reference="shop")
    until(lambda: "building" in world.trace(jet_id))
    tower_to_kill.kill()
    hold.unlink()
    world = tower_to_kill.start()
    world.jets.idle(jet_id, "draft")
    interrupted = world.jets.last_run(jet_id)
    world.jets.bring(jet_id, "running")
    with pytest.raises(RpcError, match="cannot be resumed|is not available"):
        world.plans.resume(interrupted)
    world.jets.idle(jet_id, "running")
    with pytest.raises(RpcError, match="cannot be resumed"):
        world.plans.resume(interrupted)
    check_jets(world.database)
