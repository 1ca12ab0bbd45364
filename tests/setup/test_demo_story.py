"""A failure ends the demo's story, and is printed."""

import io

import pytest
from tower_setup import demo_fleet, demo_jets, demo_new_server, demo_story
from tower_setup.console import Console
from tower_setup.rpc import RpcError

SERVERS = [{"id": 1, "name": "Demo web"}, {"id": 2, "name": "Demo db"}]


class FakeClient:
    """Answers by model and method.

    :param answers: {"model.method": answer, or an error to raise}
    """

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def call(self, model, method, ids=None, **arguments):
        self.calls.append(f"{model}.{method}")
        answer = self.answers[f"{model}.{method}"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def search_read(self, model, domain, fields, **arguments):
        return self.call(model, "search_read")


@pytest.fixture
def console():
    return Console(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


def printed(console):
    console.stream.seek(0)
    return console.stream.read()


def test_a_refusal_ends_the_story(console):
    client = FakeClient(
        {"cx.tower.server.search_read": RpcError("Odoo refused cx.tower.server.search_read: no")}
    )
    assert demo_story.tell(client, console, SERVERS) is False
    assert "✗ Odoo refused cx.tower.server.search_read: no" in printed(console)
    assert client.calls == ["cx.tower.server.search_read"]


def test_a_failed_run_names_its_reason(console):
    end = {"finished": True, "state": "failed", "reference": "run_1", "message": "No space left."}
    server = demo_new_server.NewServer(FakeClient({"cx.tower.command.log.wait": end}), console, 7)
    with pytest.raises(demo_new_server.StoryFailed, match="run run_1 is failed. No space left."):
        server.wait_for([3])


def test_the_fleet_is_not_started_when_a_server_is_not_ready(console):
    problem = {"severity": "problem", "line": "2", "message": "The variable “app_port” has no value."}
    row = {"ok": False, "would_run": 3, "skipped": 0, "undecided": 0, "problems": [problem]}
    report = {
        "servers": [{"server": {"name": "Demo web"}, **row}],
        "summary": {"ready": 1, "servers": 2},
    }
    answers = {"cx.tower.plan.search_read": [{"id": 5, "name": "Update"}], "cx.tower.plan.dry_run": report}
    client = FakeClient(answers)
    with pytest.raises(demo_new_server.StoryFailed, match="would not succeed on all servers"):
        demo_fleet.run_fleet(client, console, SERVERS)
    assert "cx.tower.fleet.run.start" not in client.calls
    assert "line 2: The variable “app_port” has no value." in printed(console)


def test_a_fleet_run_that_was_stopped_is_no_success(console):
    row = {
        "log_id": 1,
        "server_id": 1,
        "state": "failed",
        "exit_code": 3,
        "message": "Line 1 failed.",
        "duration": 1,
    }
    left = {
        **row,
        "log_id": 2,
        "server_id": 2,
        "state": "stopped",
        "exit_code": -308,
        "message": "Not started.",
    }
    counts = {"active": 0, "held": 0, "failed": 1, "stopped": 1, "done": 0}
    progress = {
        "rows": [row, left],
        "counts": counts,
        "finished": True,
        "state": "failed",
        "message": "Halted.",
    }
    answers = {
        "cx.tower.plan.search_read": [{"id": 5, "name": "Update"}],
        "cx.tower.plan.dry_run": {"servers": [], "summary": {"ready": 2, "servers": 2}},
        "cx.tower.fleet.run.start": {"id": 9},
        "cx.tower.fleet.run.read_progress": progress,
    }
    with pytest.raises(demo_new_server.StoryFailed, match="The fleet run is failed. Halted."):
        demo_fleet.run_fleet(FakeClient(answers), console, SERVERS)
    text = printed(console)
    assert "Demo web ✗ failed, exit code 3. Line 1 failed." in text
    assert "Fleet run: 0 succeeded, 1 failed, 1 not started" in text


def test_a_jet_that_was_not_destroyed_is_not_deleted(console):
    jet = {"id": 4, "name": "Shop", "state": "running", "active": True, "movement": "problem"}
    answers = {
        "cx.tower.jet.template.search_read": [
            {"id": number, "reference": reference} for number, reference in enumerate(demo_jets.TEMPLATES)
        ],
        "cx.tower.server.search_read": [
            {"id": number, "name": reference, "reference": reference}
            for number, reference in enumerate((demo_jets.HOST, demo_jets.OTHER_HOST))
        ],
        "cx.tower.jet.search_read": [{**jet, "last_problem": "Stop: the command reached its timeout."}],
        "cx.tower.jet.bring_to_state": None,
    }
    client = FakeClient(answers)
    story = demo_jets.Story(demo_jets.People(client, client, client), console)
    with pytest.raises(
        demo_new_server.StoryFailed, match="Shop .* was not destroyed. Stop: the command reached"
    ):
        story.remove_old()
    assert "cx.tower.jet.delete_leaving_waypoints" not in client.calls
