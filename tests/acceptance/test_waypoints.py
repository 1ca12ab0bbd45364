"""Waypoints on a real host: backup and flight back, kill -9 in each phase, clicks that come together, secrets."""

from __future__ import annotations

import threading

import instance as tower
import plans as tools
import pytest
from dying import CrashPoint, answer_may_be_lost
from instance import RpcError
from jets import Jets, check_jets, check_jets_agree
from plans import Plans, lines, recover, until

JET, WAYPOINT = "cx.tower.jet", "cx.tower.jet.waypoint"
STEPS = ("create", "arrive", "leave", "delete")
SECRET = "the-s3cret-of-the-backup"
NAMED = "#!cxtower.secret.backup!#"
CLICKS = 20
#: So many values have a jet, so that a mixture of two sets of them would be seen.
VALUES = 20


class World:
    """A host with types of waypoints whose flight plans leave traces and can be held up."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        self.trace_file = folder / "trace"
        self.template_id = None

    def enter(self, client, one_host):
        """Take over a restarted server; what is missing is made."""
        self.client, self.plans, self.jets = client, Plans(client), Jets(client, self.folder)
        if self.template_id:
            return
        self.server_id = one_host.register(client)
        self.template_id = self.jets.template("Shop", [self.server_id])
        self.type_id = self.new_type("Held", **{step: self.plans.plan(self.holding(step)) for step in STEPS})
        for number in range(VALUES):
            self.client.create("cx.tower.variable", name=f"value {number}", reference=f"value_{number}")

    def holding(self, step: str) -> int:
        """Make a command that leaves its step in the trace, and waits as long as there is a file ``hold-STEP``."""
        hold = self.folder / f"hold-{step}"
        return self.plans.command(
            f"echo {step} >> {self.trace_file}; while [ -e {hold} ]; do sleep 0.05; done; echo {step}-end >> {self.trace_file}"
        )

    def new_type(self, name: str, **plans: int) -> int:
        facts = {f"plan_{step}_id": plan_id for step, plan_id in plans.items()}
        return self.client.create(
            f"{WAYPOINT}.template", name=name, jet_template_id=self.template_id, **facts
        )

    def hold(self, step: str):
        """Let the flight plan of a step wait."""
        file = self.folder / f"hold-{step}"
        file.touch()
        return file

    def new_jet(self, name: str) -> int:
        """Create a jet whose values are all *old*."""
        jet_id = self.jets.jet(self.template_id, self.server_id, name)
        self.set_values(jet_id, "old")
        return jet_id

    def set_values(self, jet_id: int, text: str) -> None:
        for number in range(VALUES):
            self.client.call(JET, "set_variable_value", [jet_id], f"value_{number}", text)

    def values(self, jet_id: int) -> str:
        """Return the text that all values of a jet have; fails for a mixture."""
        rows = self.database.query(
            "SELECT value_char, count(*) FROM cx_tower_variable_value WHERE jet_id = %s GROUP BY value_char",
            (jet_id,),
        )
        assert [count for _text, count in rows] == [VALUES], f"a mixture: {rows}"
        return rows[0][0]

    def waypoint(self, jet_id: int, name: str, type_id: int | None = None, fly_here=False, wait=True) -> int:
        """Create a waypoint and prepare it. :return: its id"""
        made = self.client.call(
            JET, "create_waypoint", [jet_id], type_id or self.type_id, name=name, fly_here=fly_here
        )
        (waypoint_id,) = made if isinstance(made, list) else [made]
        if wait:
            self.jets.idle(jet_id)
        return waypoint_id

    def do(self, waypoint_id: int, method: str) -> None:
        self.client.call(WAYPOINT, method, [waypoint_id])

    def states(self, jet_id: int) -> dict[str, str]:
        """Return {name: state} of the waypoints of a jet."""
        return dict(
            self.database.query("SELECT name, state FROM cx_tower_jet_waypoint WHERE jet_id = %s", (jet_id,))
        )

    def current(self, jet_id: int) -> str | None:
        rows = self.database.query(
            """SELECT waypoint.name FROM cx_tower_jet jet JOIN cx_tower_jet_waypoint waypoint
                   ON waypoint.id = jet.waypoint_id WHERE jet.id = %s""",
            (jet_id,),
        )
        return rows[0][0] if rows else None

    def begin(self, movement: str, prepared) -> int:
        """Bring a new jet to where a movement can begin, and begin it: from *Here*, with values *new*, to *There* with *old*.

        :param prepared: called immediately before: what comes earlier runs the same flight plans
        :return: id of the jet
        """
        jet_id = self.new_jet(movement)
        if movement == "prepare":
            prepared()
            self.waypoint(jet_id, "There", wait=False)
            return jet_id
        there = self.waypoint(jet_id, "There")
        if movement == "fly":
            self.waypoint(jet_id, "Here", fly_here=True)
        self.set_values(jet_id, "new")
        self.trace_file.unlink()
        prepared()
        with answer_may_be_lost():
            self.do(there, "fly_to" if movement == "fly" else "unlink")
        return jet_id


# ------------------------------------------------------------------ the story


@pytest.fixture(scope="module")
def running(database_with_jets, tmp_path_factory):
    with tower.Instance(database_with_jets, tmp_path_factory.mktemp("odoo")) as instance:
        yield instance


@pytest.fixture
def world(running, database_with_jets, host_dir, one_host):
    found = World(database_with_jets, host_dir)
    # variables have references of their own, so those of the test before make place
    client = running.client()
    old = client.call("cx.tower.variable", "search", [("reference", "=like", "value_%")])
    client.call("cx.tower.variable", "unlink", old)
    found.enter(client, one_host)
    return found


def test_a_backup_is_made_and_flown_back_to(world):
    """The create plan backs up data and notes the file in metadata; the flight back restores data and values."""
    plans, folder = world.plans, world.folder
    client = world.client
    data = folder / "data"
    create = plans.plan(
        plans.command(f"cp {data} {folder}/backup-{{{{ __waypoint }}}}"),
        plans.python(
            f'waypoint.update_metadata({{"file": "{folder}/backup-" + waypoint.reference, "parts": [1, 2]}})'
        ),
    )
    arrive = plans.plan(
        plans.command(
            f"cp {{{{ __waypoint_file }}}} {data} && echo {{{{ value_1 }}}} {{{{ __waypoint_state }}}} > {folder}/seen"
        )
    )
    delete = plans.plan(plans.command("rm {{ __waypoint_file }}"))
    kind = world.new_type("Backup", create=create, arrive=arrive, delete=delete)
    jet_id = world.new_jet("Shop")
    data.write_text("data of the old version")
    data.chmod(0o666)
    before = world.waypoint(jet_id, "Before the update", kind)
    (row,) = client.call(WAYPOINT, "read", [before], ["state", "metadata", "reference"])
    backup = folder / f"backup-{row['reference']}"
    assert (row["state"], row["metadata"]) == ("ready", {"file": str(backup), "parts": [1, 2]})

    data.write_text("broken by the update")
    world.set_values(jet_id, "new")
    compared = client.call(WAYPOINT, "compare", [before])
    assert compared["variables"]["changed"]["value_1"] == ["new", "old"]
    world.do(before, "fly_to")
    world.jets.idle(jet_id)
    assert (data.read_text(), world.values(jet_id)) == ("data of the old version", "old")
    assert lines(folder / "seen") == ["old", "arriving"], "the plan uses the restored values"
    assert (world.states(jet_id), world.current(jet_id)) == (
        {"Before the update": "current"},
        "Before the update",
    )

    world.waypoint(jet_id, "After", kind, fly_here=True)
    assert world.current(jet_id) == "After"
    world.do(before, "unlink")
    world.jets.idle(jet_id)
    assert (world.states(jet_id), backup.exists()) == ({"After": "current"}, False)
    check_jets(world.database)


# ------------------------------------------------------------------ clicks that come together


def test_twenty_clicks_at_once(world, running):
    """One moves the jet; the others are told who does."""
    jet_id = world.new_jet("Crowd")
    there, other = (world.waypoint(jet_id, name) for name in ("There", "Other"))
    world.set_values(jet_id, "new")
    draft = world.client.create(WAYPOINT, name="Draft", jet_id=jet_id, waypoint_template_id=world.type_id)
    action = world.jets.action(world.template_id, "Prepare")
    held = [world.hold(step) for step in ("arrive", "create", "delete")]
    plan = world.plans.plan(world.holding("create"))
    world.client.call("cx.tower.jet.action", "write", [action], {"plan_id": plan})
    clicks = [
        lambda client: client.call(WAYPOINT, "action_fly_to", [there]),
        lambda client: client.call(WAYPOINT, "action_prepare", [draft]),
        lambda client: client.call(WAYPOINT, "action_delete", [other]),
        lambda client: client.call("cx.tower.jet.action", "trigger", [action], jet_id),
    ]
    answers = at_once(running, clicks)
    told = [answer for answer in answers if answer]
    assert len(told) == CLICKS - 1, answers
    # somebody who waited too long for the jet's row is told to try again
    wrong = [
        text for text in told if "is running (started by" not in text and "Try again in a moment" not in text
    ]
    assert not wrong, wrong
    ((live,),) = world.database.query(
        "SELECT count(*) FROM cx_tower_jet_transition WHERE jet_id = %s AND state = 'running'", (jet_id,)
    )
    assert live == 1
    assert world.values(jet_id) in ("old", "new")
    for file in held:
        file.unlink()
    world.jets.idle(jet_id)
    check_jets(world.database)
    assert world.values(jet_id) == ("old" if world.current(jet_id) else "new")


def at_once(running, clicks):
    """Click 20 times at once, each with a session of its own. :return: what each was told, "" if it worked"""
    clients = [running.client() for _ in range(CLICKS)]
    answers, barrier = [None] * CLICKS, threading.Barrier(CLICKS)

    def click(number):
        barrier.wait(60)
        try:
            clicks[number % len(clicks)](clients[number])
            answers[number] = ""
        except RpcError as error:
            answers[number] = str(error)

    threads = [threading.Thread(target=click, args=[number]) for number in range(CLICKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


# ------------------------------------------------------------------ secrets


def test_a_secret_that_plans_use_is_nowhere_to_be_seen(world, running):
    plans = world.plans
    world.client.create("cx.tower.key", name="backup", reference="backup", key_type="s", secret_value=SECRET)
    arrived = world.folder / "arrived"
    steps = [
        plans.command(f"echo {NAMED} | tee -a {arrived}"),
        plans.python(f'waypoint.update_metadata({{"token": {NAMED}, "nested": [{{"a": "x" + {NAMED}}}]}})'),
    ]
    # what is noted by one flight plan is told to the next ones
    told = plans.plan(*steps, plans.command("echo {{ __waypoint_token }}"))
    kind = world.new_type("Secret", create=plans.plan(*steps), arrive=told, leave=told)
    jet_id = world.new_jet("Secretive")
    world.client.call(JET, "set_variable_value", [jet_id], "value_0", NAMED)
    first = world.waypoint(jet_id, "First", kind, fly_here=True)
    second = world.waypoint(jet_id, "Second", kind, fly_here=True)
    world.do(first, "fly_to")
    world.jets.idle(jet_id)
    assert (world.states(jet_id), world.current(jet_id)) == ({"First": "current", "Second": "ready"}, "First")
    assert set(lines(arrived)) == {SECRET}, "the host got it"
    assert SECRET not in world.database.dump()
    assert SECRET not in running.log()
    seen = [
        world.client.call(
            WAYPOINT, "read", [first, second], ["metadata", "metadata_text", "variable_values"]
        ),
        world.client.call(WAYPOINT, "compare", [second]),
        world.client.call(WAYPOINT, "compare", [second], first),
    ]
    assert SECRET not in str(seen) and "*** backup ***" in str(seen)
    assert seen[0][0]["variable_values"]["value_0"] == NAMED


# ------------------------------------------------------------------ kill -9

# name: (movement, step whose plan is held, states after recovery, values then, the states at the end of what is resumed)
FLOWN = {"There": "current", "Here": "ready"}
PHASES = {
    "preparing": ("prepare", "create", {"There": "error"}, "old", {"There": "ready"}, "old"),
    "leaving": ("fly", "leave", {"There": "ready", "Here": "error"}, "new", FLOWN, "old"),
    "arriving": ("fly", "arrive", {"There": "error", "Here": "current"}, "new", FLOWN, "old"),
    "deleting": ("delete", "delete", {"There": "deleting"}, "new", {}, "new"),
}
# crash point: (states after recovery, values then, whether the last run must be resumed)
LEAVING_FAILED = ({"There": "ready", "Here": "error"}, "new", True)
POINTS = {
    "before_claim": (FLOWN, "old", False),  # the flight was begun, and no process had its run yet
    "performed:1": LEAVING_FAILED,  # the host has left, Tower does not know
    "before_record_commit:1": LEAVING_FAILED,  # with the values and the next phase, not committed
    "recorded:1": (FLOWN, "old", False),  # between both phases: the arrive plan waits for a process
    "before_record_commit:2": ({"There": "error", "Here": "current"}, "new", True),
    "recorded:2": (FLOWN, "old", False),  # it had arrived
}


def check_states(world, jet_id, states, values, is_at):
    """The waypoints are in these states, the jet has one set of values, and nothing is on its way."""
    assert world.states(jet_id) == states
    assert (world.values(jet_id), world.current(jet_id)) == (values, is_at)
    check_jets_of_waypoints(world)


def check_jets_of_waypoints(world):
    on_their_way = world.database.query(
        "SELECT id, state FROM cx_tower_jet_waypoint WHERE state IN ('preparing', 'arriving', 'leaving') OR is_destination"
    )
    assert not on_their_way, on_their_way
    live = world.database.query(
        "SELECT id, state FROM cx_tower_jet_transition WHERE state IN ('waiting', 'running')"
    )
    assert not live, live
    check_jets_agree(world.database)


def test_killed_in_each_phase(template_with_jets, tmp_path, host_dir, one_host):
    """Each restart looks at what the kill before left, resumes it to the end, and begins the next movement."""
    database = template_with_jets.copy(f"{template_with_jets.name}_phases")
    world, before = World(database, host_dir), None
    try:
        for name in [*PHASES, None]:
            with tower.Instance(database, tmp_path) as running:
                world.enter(running.client(), one_host)
                if before:
                    recover(world.client)
                    check_phase(world, *before)
                if name:
                    before = (name, begin_and_hold(world, PHASES[name]))
                    running.kill()
                    release(world)
            tools.expire_leases(database)
    finally:
        database.drop()


def begin_and_hold(world, phase):
    """Begin a movement whose flight plan is held up, and wait until that runs. :return: id of the jet"""
    movement, step = phase[:2]
    jet_id = world.begin(movement, lambda: world.hold(step))
    until(lambda: step in lines(world.trace_file))
    return jet_id


def release(world):
    """Let everything that waits go on."""
    for file in world.folder.glob("hold-*"):
        file.unlink()


def check_phase(world, name, jet_id):
    movement, _step, states, values, end, end_values = PHASES[name]
    here = "Here" if movement == "fly" else None
    check_states(world, jet_id, states, values, here)
    assert world.jets.history(jet_id)[-1][1] == "interrupted"
    world.plans.resume(world.jets.last_run(jet_id))
    world.jets.idle(jet_id)
    check_states(world, jet_id, end, end_values, "There" if movement == "fly" else None)


def test_killed_at_every_point_of_a_flight(template_with_jets, tmp_path, host_dir, one_host):
    """Values and phases change together, or not at all."""
    crash_point = CrashPoint(tmp_path)
    database = template_with_jets.copy(f"{template_with_jets.name}_flights")
    world, before = World(database, host_dir), None
    try:
        for point in [*POINTS, None]:
            with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
                world.enter(running.client(), one_host)
                if before:
                    recover(world.client)
                    check_point(world, *before)
                if point:
                    before = (point, fly_and_die(world, crash_point, point, running))
            tools.expire_leases(database)
    finally:
        database.drop()


def fly_and_die(world, crash_point, point, running):
    jet_id = world.begin("fly", lambda: crash_point.arm(point))
    crash_point.wait_for_victim(running)
    assert world.values(jet_id) in ("old", "new")
    return jet_id


def check_point(world, point, jet_id):
    states, values, is_interrupted = POINTS[point]
    world.jets.idle(jet_id)
    check_states(world, jet_id, states, values, "Here" if is_interrupted else "There")
    if is_interrupted:
        world.plans.resume(world.jets.last_run(jet_id))
        world.jets.idle(jet_id)
        check_states(world, jet_id, FLOWN, "old", "There")
