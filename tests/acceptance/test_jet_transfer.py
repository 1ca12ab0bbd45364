"""kill -9 of Tower in each phase of a clone and of a transfer: afterwards all tell the truth, and can be finished."""

import instance as tower
import plans as tools
import pytest
from dying import CrashPoint
from jets import check_jets, check_jets_agree
from plans import lines, until
from test_jet_crash import Kill, World

JOURNEY = [("Prepare", "done"), ("Build", "done"), ("Start", "done")]
# Steps that were carried out when the process died, of: the clone plan (2), Prepare, Build, Start (2 each). The end of the last one
# leads to the switch.
CRASHES = [
    ("performed:2", [("interrupted", 0)]),  # the host has finished the clone plan, Tower does not know
    ("recorded:2", []),  # the first action is committed, and waits for a process
    ("before_record_commit:8", [("interrupted", 3)]),  # with the switch, not committed
    ("recorded:8", []),  # it had switched
]


class TransferWorld(World):
    """Two servers of Tower on one host. Each jet has a file there; the clone plan copies that of the original."""

    other_id = None

    def enter(self, client, one_host):
        super().enter(client, one_host)
        if not self.other_id:
            self.other_id = one_host.register(client, "Other")
            self.make_template()

    def make_template(self):
        # New jets are held by the reference of their original, which is known before them.
        key = "{{ tower.jet.cloned_from or tower.jet.reference }}"
        mark = f"{self.folder}/{{{{ tower.jet.reference }}}}"
        hold = f"while [ -e {self.folder}/hold-{key}-STATE ]; do sleep 0.05; done"
        begin = f"echo {{{{ tower.jet.state }}}} >> {mark}; {hold.replace('STATE', '{{ tower.jet.state }}')}"
        end = f"echo {{{{ tower.jet.state }}}}-end >> {mark}"
        command, plan = self.plans.command, self.plans.plan
        actions = plan(command(begin), command(end), name="Trace")
        clone = plan(
            command(f"echo cloning >> {mark}; {hold.replace('STATE', 'cloning')}"),
            command(
                f"cp {self.folder}/data-{{{{ __original_host_reference__ }}}} {self.folder}/data-{{{{ tower.jet.reference }}}}"
            ),
            name="Clone",
        )
        self.template_id = self.jets.template(
            "Cloned",
            [self.server_id, self.other_id],
            actions,
            plan_clone_same_server_id=clone,
            plan_clone_different_server_id=clone,
        )

    def original(self, name):
        """Launch a jet and wait until it is running. :return: its id"""
        jet_id = self.jets.jet(self.template_id, self.server_id, name, "running", reference=name)
        (self.folder / f"data-{name}").write_text(f"data of {name}\n")
        return jet_id

    def clone(self, jet_id, **values):
        (clone_id,) = self.jets.client.call("cx.tower.jet", "clone", [jet_id], **values)
        return clone_id

    def transfer(self, jet_id, destroy=False):
        return self.jets.client.call(
            "cx.tower.jet", "transfer", [jet_id], self.other_id, destroy_original=destroy
        )

    def read_transfer(self, transfer_id):
        names = ["state", "message", "jet_id", "new_jet_id", "switch_date"]
        return self.jets.client.call("cx.tower.jet.transfer", "read", [transfer_id], names)[0]

    def jet(self, jet_id):
        names = ["name", "reference", "state", "server_id", "active", "host_reference"]
        context = {"active_test": False}
        return self.jets.client.call("cx.tower.jet", "read", [jet_id], names, context=context)[0]

    def data(self, jet_id):
        jet = self.jet(jet_id)
        return (self.folder / f"data-{jet['host_reference'] or jet['reference']}").read_text()

    def until_ended(self, transfer_id):
        return until(
            lambda: (lambda row: row["state"] in ("done", "failed") and row)(self.read_transfer(transfer_id)),
            60,
        )

    def check_switched(self, started, name, state="running"):
        """The new jet has taken the place of the original, which is still there under another name."""
        transfer = self.read_transfer(started["transfer"])
        assert transfer["state"] == "done" and transfer["switch_date"], transfer
        new, old = self.jet(started["new_jet_id"]), self.jet(started["jet_id"])
        assert (new["name"], new["reference"], new["state"]) == (name, name, state), new
        assert new["server_id"][0] == self.other_id
        assert old["name"] == f"{name} (transferred)" and old["reference"] != name, old
        assert self.data(started["new_jet_id"]) == self.data(started["jet_id"]) == f"data of {name}\n"

    def check_untouched(self, started, name, states=("running",)):
        """Nothing of the original has changed."""
        old, new = self.jet(started["jet_id"]), self.jet(started["new_jet_id"])
        assert (old["name"], old["reference"], old["active"]) == (name, name, True), old
        assert (old["state"] or "") in states, old
        assert new["reference"] != name


@pytest.fixture
def kill(template_with_jets, host_dir, one_host):
    database = template_with_jets.copy(f"{template_with_jets.name}_transfer")
    killed = Kill(database, host_dir, one_host, 0)
    killed.world = TransferWorld(database, host_dir)
    killed.start()
    yield killed
    killed.end()
    database.drop()


def not_cloning(world, started):
    transfer = world.read_transfer(started["transfer"])
    return transfer["state"] != "cloning" and transfer


def until_traced(world, jet_id, mark):
    until(lambda: mark in world.trace(jet_id), 60)


def test_killed_in_each_phase(kill):
    """One jet is in each phase when Tower is killed."""
    world = kill.world
    names = ("copied", "journey", "plan", "action", "waiting", "leaving")
    held = {
        "copied": "cloning",
        "journey": "starting",
        "plan": "cloning",
        "action": "building",
        "waiting": "restarting",
        "leaving": "destroying",
    }
    originals = {name: world.original(name) for name in names}
    for jet_id in originals.values():
        world.jets.idle(jet_id, "running")
    holds = [world.hold(name, state) for name, state in held.items()]

    restart = world.jets.action(world.template_id, "Restart")
    world.jets.trigger(restart, originals["waiting"])
    clones = {name: world.clone(originals[name], copy_values=True) for name in names[:2]}
    started = {name: world.transfer(originals[name], name == "leaving") for name in names[2:]}
    new = {name: row["new_jet_id"] for name, row in started.items()}
    for jet_id, mark in (
        (clones["copied"], "cloning"),
        (clones["journey"], "starting"),
        (new["plan"], "cloning"),
        (new["action"], "building"),
        (originals["waiting"], "restarting"),
    ):
        until_traced(world, jet_id, mark)
    waiting = until(lambda: not_cloning(world, started["waiting"]), 90)
    assert waiting["state"] == "switching", waiting
    until(lambda: "destroying" in lines(world.folder / "leaving"), 90)

    kill.kill()
    for hold in holds:
        hold.unlink()
    world = kill.start()

    # the truth: what was running is interrupted, and what had waited for it has gone on
    world.jets.idle(clones["copied"], "")
    world.jets.idle(clones["journey"], "stopped")
    for name in ("plan", "action"):
        assert world.until_ended(started[name]["transfer"])["state"] == "failed"
        world.check_untouched(started[name], name)
    world.jets.idle(new["plan"], "")
    world.jets.idle(new["action"], "draft")
    # the original is stopped after the interrupted restart, and the new jet follows it there before the switch
    assert world.until_ended(started["waiting"]["transfer"])["state"] == "done"
    world.check_switched(started["waiting"], "waiting", "stopped")
    assert world.until_ended(started["leaving"]["transfer"])["state"] == "failed"
    assert world.jet(new["leaving"])["name"] == "leaving"
    check_jets(world.database)

    # and all of it is finished
    world.jets.client.call("cx.tower.jet", "retry_clone", [clones["copied"]])
    world.plans.resume(world.jets.last_run(clones["journey"]))
    world.plans.resume(world.jets.last_run(new["plan"]))
    world.jets.client.call("cx.tower.jet.transfer", "retry", [started["action"]["transfer"]])
    world.plans.resume(world.jets.last_run(originals["leaving"]))
    for name, clone_id in clones.items():
        world.jets.idle(clone_id, "running")
        assert world.data(clone_id) == f"data of {name}\n"
        assert world.jet(originals[name])["state"] == "running"
    for name in ("plan", "action"):
        assert world.until_ended(started[name]["transfer"])["state"] == "done"
        world.check_switched(started[name], name)
    assert world.until_ended(started["leaving"]["transfer"])["state"] == "done"
    left = world.jet(originals["leaving"])
    assert (left["active"], left["state"]) == (False, False)
    check_jets(world.database)


def test_killed_at_the_switch(template_with_jets, tmp_path, host_dir, one_host):
    """Each restart recovers from the crash before and arms the next one."""
    crash_point = CrashPoint(tmp_path)
    database = template_with_jets.copy(f"{template_with_jets.name}_switch")
    world, crash, started = TransferWorld(database, host_dir), None, None
    try:
        for number, following in enumerate([*CRASHES, None]):
            with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
                world.enter(running.client(), one_host)
                if crash:
                    check_aftermath(world, crash, started, f"shop{number - 1}")
                if following:
                    jet_id = world.original(f"shop{number}")
                    world.jets.idle(jet_id, "running")
                    hold = world.hold(f"shop{number}", "cloning")
                    started = world.transfer(jet_id)
                    crash_point.arm(following[0])  # counted from here
                    hold.unlink()
                    crash_point.wait_for_victim(running)
            crash = following
            check_jets_agree(database)
            tools.expire_leases(database)
    finally:
        database.drop()


def check_aftermath(world, crash, started, name):
    point, interrupted = crash
    tools.recover(world.plans.client)
    transfer = world.until_ended(started["transfer"])
    if interrupted:
        assert transfer["state"] == "failed", (point, transfer)
        world.check_untouched(started, name)
        world.plans.resume(world.jets.last_run(started["new_jet_id"]))
        until(lambda: world.read_transfer(started["transfer"])["state"] == "done", 60)
    world.check_switched(started, name)
    done = [row for row in world.jets.history(started["new_jet_id"]) if row[1] == "done"]
    assert done == [(f"Clone of {name}", "done"), *JOURNEY], point
    check_jets(world.database)
