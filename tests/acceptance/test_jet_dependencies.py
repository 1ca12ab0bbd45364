"""Chains and fans of jets on real hosts: the right end, or one sentence that tells the whole chain."""

import instance as tower
import pytest
from instance import RpcError
from jets import Jets, busy_until_over, check_jets
from plans import Plans, lines, until, until_a_cron

CHAIN = 10
FAN = 50


@pytest.fixture(scope="module")
def running(database_with_jets, tmp_path_factory):
    with tower.Instance(database_with_jets, tmp_path_factory.mktemp("odoo")) as instance:
        yield instance


@pytest.fixture
def world(running, one_host, host_dir):
    """(jets, plans, id of a server)"""
    client = running.client()
    return Jets(client, host_dir), Plans(client), one_host.register(client)


@pytest.fixture(autouse=True)
def all_agrees(running, database_with_jets):
    yield
    check_jets(database_with_jets)
    assert " ERROR " not in running.log(), [line for line in running.log().splitlines() if " ERROR " in line]


def chain(jets, server_id, count, plan_id=False, **plans):
    """Make templates of which each needs the next one running. :return: their ids"""
    ids = [jets.template(f"Link {number}", [server_id], plan_id, plans) for number in range(count)]
    for first, second in zip(ids, ids[1:], strict=False):
        jets.needs(first, second)
    return ids


def jets_of(jets, template_ids):
    domain = [("jet_template_id", "in", template_ids)]
    return jets.client.call(
        "cx.tower.jet", "search_read", domain, ["name", "state", "jet_template_id"], order="id"
    )


def test_a_chain_of_ten_templates(world, host_dir):
    """One launch makes ten jets, and starts them from the deepest one up."""
    jets, plans, server_id = world
    mark = host_dir / "order"
    start = plans.plan(plans.command(f"echo '{{{{ tower.jet_template.name }}}}' | tr -d 'Link ' >> {mark}"))
    ids = chain(jets, server_id, CHAIN, Start=start)
    first = jets.jet(ids[0], server_id, "First", "running")
    jets.idle(first, "running")
    found = jets_of(jets, ids)
    assert [row["state"] for row in found] == ["running"] * CHAIN
    assert lines(mark) == [str(number) for number in reversed(range(CHAIN))]


def test_a_failure_at_the_end_of_a_chain_is_told_in_one_sentence(world):
    jets, plans, server_id = world
    ids = chain(jets, server_id, CHAIN)
    fail = plans.plan(plans.command("echo 'no space left' >&2; exit 7", name="Fill the disk"))
    deepest = jets.action(ids[-1], "Start")
    jets.client.call("cx.tower.jet.action", "write", [deepest], {"plan_id": fail})
    first = jets.jet(ids[0], server_id, "First", "running")
    end = jets.idle(first, "stopped")
    assert "Fill the disk" in end["last_problem"] and "7" in end["last_problem"], end
    assert "\n" not in end["last_problem"].strip()
    assert jets.history(first)[-1] == ("Start", "failed")


def test_a_fan_of_fifty_dependants(world, host_dir):
    """All of them share the one database; it is started once."""
    jets, plans, server_id = world
    mark = host_dir / "started"
    database = jets.template(
        "Database", [server_id], plans={"Start": plans.plan(plans.command(f"echo start >> {mark}"))}
    )
    shop = jets.template("Shop", [server_id])
    jets.needs(shop, database)
    stopped = jets.jet(database, server_id, "The database", "stopped")
    shops = [jets.jet(shop, server_id, f"Shop {number}", "stopped") for number in range(FAN)]
    for jet_id in shops:
        jets.bring(jet_id, "running")
    for jet_id in shops:
        jets.idle(jet_id, "running")
    assert lines(mark) == ["start"]
    assert [row["id"] for row in jets_of(jets, [database])] == [stopped]
    impact = jets.client.call("cx.tower.jet", "get_impact", [stopped])
    assert len(impact) == FAN


def test_two_that_want_one_jet_in_different_states(world, host_dir):
    """There may be one database only: it serves the one who was first, and the other is told why it cannot be served."""
    jets, plans, server_id = world
    database = jets.template("Database", [server_id], jets.tracing_plan(plans), limit_per_server=1)
    shop, backup = jets.template("Shop", [server_id]), jets.template("Backup", [server_id])
    jets.needs(shop, database, "running")
    jets.needs(backup, database, "stopped")
    jets.jet(database, server_id, "The database", "stopped", reference="wanted")
    busy_hold = host_dir / "hold-wanted-starting"
    busy_hold.touch()
    first = jets.jet(shop, server_id, "Shop", "running")
    until(lambda: "starting" in lines(host_dir / "wanted"))
    second = jets.jet(backup, server_id, "Backup", "running")
    assert jets.read(second)["movement"] == "busy"
    busy_hold.unlink()
    jets.idle(first, "running")
    refused = jets.idle(second)
    assert refused["movement"] == "problem" and "Database" in refused["last_problem"], refused
    assert jets_of(jets, [database])[0]["state"] == "running"


def test_two_that_want_one_jet_in_the_same_state(world, host_dir):
    jets, plans, server_id = world
    database = jets.template("Database", [server_id], jets.tracing_plan(plans), limit_per_server=1)
    shop = jets.template("Shop", [server_id])
    jets.needs(shop, database)
    jets.idle(jets.jet(database, server_id, "The database", "stopped", reference="shared"), "stopped")
    hold = host_dir / "hold-shared-starting"
    hold.touch()
    both = [jets.jet(shop, server_id, f"Shop {number}", "running") for number in range(2)]
    until(
        lambda: (
            all(row["state"] == "waiting" for row in live_of(jets, both)) and len(live_of(jets, both)) == 2
        )
    )
    hold.unlink()
    for jet_id in both:
        jets.idle(jet_id, "running")
    assert lines(host_dir / "shared").count("starting") == 1


def live_of(jets, jet_ids):
    domain = [("jet_id", "in", jet_ids), ("state", "in", ["waiting", "running"])]
    return jets.client.call("cx.tower.jet.transition", "search_read", domain, ["state"])


def test_a_request_that_times_out(world, host_dir, database_with_jets):
    """The one that waits ends with the reason, in the state where it was; what it waited for goes on."""
    jets, plans, server_id = world
    database = jets.template("Database", [server_id], jets.tracing_plan(plans))
    shop = jets.template("Shop", [server_id])
    jets.needs(shop, database)
    slow = jets.jet(database, server_id, "Slow", "stopped", reference="slow")
    jets.idle(slow, "stopped")
    hold = host_dir / "hold-slow-starting"
    hold.touch()
    shop_id = jets.jet(shop, server_id, "Shop", "stopped")
    jets.idle(shop_id, "stopped")
    jets.client.call("ir.config_parameter", "set_param", "cetmix_tower_jet.request_timeout", "2")
    try:
        jets.bring(shop_id, "running")
        until_a_cron(database_with_jets, lambda: jets.read(shop_id)["movement"] != "busy")
        ended = jets.idle(shop_id, "stopped")
    finally:
        jets.client.call("ir.config_parameter", "set_param", "cetmix_tower_jet.request_timeout", "3600")
    assert "“Slow”" in ended["last_problem"] and "“Running”" in ended["last_problem"], ended
    assert jets.read(slow)["movement"] == "busy"
    hold.unlink()
    jets.idle(slow, "running")
    busy_until_over(database_with_jets)


def test_a_step_switches_deletable_and_metadata(world):
    """A User's journey: the author of the flight plan decided what its Python may change."""
    jets, plans, server_id = world
    python = plans.plan(
        plans.python(
            "jet.write({'deletable': False})\njet.update_metadata({'built': 1})\nresult = {'exit_code': 0, 'message': 'ok'}"
        )
    )
    template_id = jets.template("Python", [server_id], plans={"Build": python})
    jet_id = jets.jet(template_id, server_id, "Python", "stopped")
    jets.idle(jet_id, "stopped")
    row = jets.client.call("cx.tower.jet", "read", [jet_id], ["deletable", "metadata"])[0]
    assert (row["deletable"], row["metadata"]) == (False, {"built": 1})
    with pytest.raises(RpcError):
        jets.client.call("cx.tower.jet", "unlink", [jet_id])


def jet_action(jets, plans, template_id, name, **values):
    """Make a command that triggers an action on linked jets."""
    action_id = jets.action(template_id, name)
    return plans.command(
        "",
        "jet_action",
        name=f"{name} linked jets",
        jet_template_id=template_id,
        jet_action_id=action_id,
        **values,
    )


@pytest.fixture
def pair(world):
    """(id of a stopped shop, id of the stopped database that it is linked to); the shop's Start starts the database."""
    jets, plans, server_id = world
    database = jets.template("Database", [server_id], jets.tracing_plan(plans))
    step = jet_action(jets, plans, database, "Start")
    shop = jets.template("Shop", [server_id], plans={"Start": plans.plan(step, plans.command("true"))})
    jets.needs(shop, database, "stopped", ("stopped",))
    shop_id = jets.jet(shop, server_id, "Shop", "stopped")
    jets.idle(shop_id, "stopped")
    (other,) = jets_of(jets, [database])
    return shop_id, other["id"]


def test_stopping_what_waits_stops_the_action_on_the_host(world, pair, host_dir):
    jets, _plans, _server_id = world
    shop_id, database_id = pair
    (row,) = jets.client.call("cx.tower.jet", "read", [database_id], ["reference"])
    hold = host_dir / f"hold-{row['reference']}-starting"
    hold.touch()
    jets.bring(shop_id, "running")
    until(lambda: "starting" in lines(host_dir / row["reference"]))
    jets.client.call("cx.tower.jet", "stop", [shop_id])
    jets.idle(shop_id, "stopped")
    jets.idle(database_id, "stopped")
    assert jets.history(shop_id)[-1] == ("Start", "stopped")
    assert jets.history(database_id)[-1] == ("Start", "stopped")
    hold.unlink()
    assert lines(host_dir / row["reference"])[-1] == "starting"


def test_a_time_limit_reaches_the_action_on_the_host(world, pair, host_dir):
    jets, _plans, _server_id = world
    shop_id, database_id = pair
    (row,) = jets.client.call("cx.tower.jet", "read", [database_id], ["reference"])
    command = jets.client.call(
        "cx.tower.command", "search", [("name", "=", "Start linked jets")], order="id desc", limit=1
    )
    jets.client.call("cx.tower.command", "write", command, {"timeout_s": 2})
    hold = host_dir / f"hold-{row['reference']}-starting"
    hold.touch()
    jets.bring(shop_id, "running")
    jets.idle(shop_id, "stopped")
    jets.idle(database_id, "stopped")
    assert jets.history(shop_id)[-1] == ("Start", "failed")
    assert jets.history(database_id)[-1] == ("Start", "stopped")
    hold.unlink()
