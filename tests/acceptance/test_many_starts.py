"""Many people start the same things on one host at the same time: that is no error, and nobody has to try again."""

import json
import threading

import pytest
from plans import Plans, check_consistent

PEOPLE = 4
PLANS_EACH = 8


@pytest.fixture(scope="module")
def client(server):
    return server.client()


def test_the_same_plan_started_by_many_at_once(server, client, database, one_host):
    server_id = one_host.register(client)
    plans = Plans(client)
    plan_id = plans.plan(
        plans.python("custom_values['number'] = 1"),
        plans.command("echo {{ number }}"),
        plans.python("custom_values['number'] += 1"),
        plans.command("echo {{ number }}"),
    )
    run_ids, clients = [], [server.client() for _ in range(PEOPLE)]

    def start(mine):
        run_ids.extend(Plans(mine).start(server_id, plan_id) for _ in range(PLANS_EACH))

    threads = [threading.Thread(target=start, args=(mine,)) for mine in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run_ids) == PEOPLE * PLANS_EACH
    for run_id in run_ids:
        assert plans.wait(run_id)["state"] == "done", json.dumps(plans.progress(run_id), indent=1)
    check_consistent(database)
    numbers = [run["number"] for run in client.call("cx.tower.plan.log", "read", run_ids, ["number"])]
    assert sorted(numbers) == list(range(1, len(run_ids) + 1))
    log = server.log()
    assert "cannot continue" not in log
    assert "SERIALIZATION_FAILURE" not in log
    assert " ERROR " not in log


def test_an_upload_leaves_nothing_behind(server, client, database, one_host, host_dir):
    server_id = one_host.register(client, "Upload", connection_state="failed")
    client.call("cx.tower.server", "upload_file", [server_id], "a secret content", str(host_dir / "sent"))
    assert (host_dir / "sent").read_text() == "a secret content"
    assert not database.query("SELECT name FROM ir_attachment WHERE name = 'sent'")
    ((state,),) = database.query("SELECT connection_state FROM cx_tower_server WHERE id = %s", (server_id,))
    assert state == "ok"
    assert "actions after its end failed" not in server.log()
