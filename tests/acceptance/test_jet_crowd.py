"""Many people move the same jets at once, over real connections: each transition happens once, and losers are told by whom."""

import random
import threading

import instance as tower
import pytest
from instance import RpcError
from jets import Jets, busy_until_over, check_jets
from plans import Plans, lines
from test_plan_stop import make_user

PEOPLE = 20
JETS = 50
EACH = 20  # jets that one person wants


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both modes use the same keys."""
    return tmp_path_factory.mktemp("odoo")


@pytest.fixture(scope="module", params=[0, 2], ids=["threaded", "prefork"])
def running(request, database_with_jets, folder):
    with tower.Instance(database_with_jets, folder, workers=request.param) as instance:
        yield instance


@pytest.fixture
def root(running):
    return running.client()


def at_once(clients, work):
    """Let every client do its work at the same moment. :return: what they returned, in order"""
    barrier, results = threading.Barrier(len(clients)), [None] * len(clients)

    def begin(number, client):
        barrier.wait()
        try:
            results[number] = work(number, client)
        except Exception as error:  # shown in the assertions
            results[number] = error

    threads = [threading.Thread(target=begin, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    return results


def check_log(running):
    log = running.log()
    # Calls that collide are tried again, which is no error.
    assert " ERROR " not in log, [line for line in log.splitlines() if " ERROR " in line]


def test_twenty_people_trigger_actions_on_fifty_jets(running, root, database_with_jets, one_host, host_dir):
    """Each jet is wanted by eight of them, in orders of their own; of these, one moves it."""
    jets, plans = Jets(root, host_dir), Plans(root)
    server_id = one_host.register(root, "Crowd")
    people = [f"crowd_{running.workers}_{number}" for number in range(PEOPLE)]
    ids = [make_user(root, login, "group_user") for login in people]
    mark = f"{host_dir}/{{{{ tower.jet.reference }}}}"
    plan_id = plans.plan(plans.command(f"echo {{{{ tower.jet.state }}}} >> {mark}"))
    template_id = jets.template("Crowd", [server_id], plan_id, user_ids=[(6, 0, ids)], access_level="1")
    root.call("cx.tower.server", "write", [server_id], {"user_ids": [(6, 0, ids)]})
    names = [f"crowd_jet_{running.workers}_{number}" for number in range(JETS)]
    jet_ids = [jets.jet(template_id, server_id, name, False, user_ids=ids, reference=name) for name in names]
    for name in ("Prepare", "Build", "Start"):
        action_id = jets.action(template_id, name)
        clients = [running.client(login) for login in people]

        def trigger_all(number, client, action_id=action_id):
            mine = [jet_ids[(number * EACH + offset) % JETS] for offset in range(EACH)]
            order = random.Random(number).sample(mine, EACH)
            won, refused = [], []
            for jet_id in order:
                try:
                    won.append(
                        client.call("cx.tower.jet.action", "trigger", [action_id], jet_id)["transition"]
                    )
                except RpcError as error:
                    refused.append((error.name, str(error)))
            return won, refused

        results = at_once(clients, trigger_all)
        assert not [one for one in results if isinstance(one, Exception)], results
        won = [transition for one, _refused in results for transition in one]
        assert len(set(won)) == len(won) == JETS, name
        refused = {text for _won, one in results for text in one}
        assert {kind for kind, _text in refused} <= {"odoo.exceptions.UserError"}, refused
        told = [text for _kind, text in refused]
        assert all(
            "is not available on" in text or "is being changed by somebody else" in text for text in told
        ), told
        busy = [text for text in told if "started by" in text]
        assert all("crowd_" in text for text in busy), busy
        busy_until_over(database_with_jets)
    check_jets(database_with_jets)
    for jet_id, name in zip(jet_ids, names, strict=True):
        assert jets.history(jet_id) == [("Prepare", "done"), ("Build", "done"), ("Start", "done")]
        assert lines(host_dir / name) == ["preparing", "building", "starting"]
    check_log(running)


def test_twenty_people_bring_jets_to_states_at_once(running, root, database_with_jets, one_host):
    """No journey is lost: each that was accepted arrives, or is followed by another one that was accepted."""
    jets, plans = Jets(root), Plans(root)
    server_id = one_host.register(root, "Journeys")
    template_id = jets.template("Journeys", [server_id], plans.plan(plans.command("true")))
    jet_ids = [jets.jet(template_id, server_id, f"Journey {number}") for number in range(10)]
    clients = [running.client() for _ in range(PEOPLE)]

    def bring(number, client):
        goals = []
        for jet_id in random.Random(number).sample(jet_ids, len(jet_ids)):
            goal = ("running", "stopped")[number % 2]
            try:
                answer = client.call("cx.tower.jet", "bring_to_state", [jet_id], goal)
                goals.append((answer["transition"], jet_id, goal))
            except RpcError as error:
                assert error.name == "odoo.exceptions.UserError", error
        return goals

    results = at_once(clients, bring)
    assert not [one for one in results if isinstance(one, Exception)], results
    busy_until_over(database_with_jets)
    check_jets(database_with_jets)
    for jet_id in jet_ids:
        begun = [row for one in results for row in one if row[1] == jet_id and row[0]]
        last = max(begun)
        assert jets.read(jet_id)["state"] == last[2], begun
    check_log(running)


def test_the_last_seat_and_the_same_port(running, root, database_with_jets, one_host):
    """Of many creations at once as many succeed as there are seats, each with a port of its own, the lowest ones."""
    jets = Jets(root)
    server_id = one_host.register(root, "Seats")
    port = root.create(
        "cx.tower.variable",
        name=f"Port {running.workers}",
        reference=f"seat_port_{running.workers}",
        allocation="server",
        allocation_range="8000-8999",
    )
    template_id = jets.template(
        "Seats", [server_id], limit_per_server=3, variable_value_ids=[(0, 0, {"variable_id": port})]
    )
    results = at_once(
        [running.client() for _ in range(8)],
        lambda number, client: Jets(client).jet(template_id, server_id, f"Seat {number}", "running"),
    )
    made = [one for one in results if isinstance(one, int)]
    refused = [one for one in results if not isinstance(one, int)]
    assert len(made) == 3 and len(refused) == 5, results
    assert all(isinstance(one, RpcError) and "3" in str(one) for one in refused), refused
    values = [
        root.call("cx.tower.jet", "get_variable_value", [jet_id], f"seat_port_{running.workers}")
        for jet_id in made
    ]
    assert sorted(values) == ["8000", "8001", "8002"]
    ((count,),) = database_with_jets.query(
        "SELECT count(*) FROM cx_tower_jet WHERE jet_template_id = %s", (template_id,)
    )
    assert count == 3
    check_jets(database_with_jets)
    check_log(running)
