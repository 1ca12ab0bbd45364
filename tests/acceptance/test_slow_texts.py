"""Texts of authors that take long: they fail, other runs and the web client go on, and nothing outlives Tower."""

import contextlib
import time
from pathlib import Path

import instance as tower
import pytest
from plans import Plans, until

SLOW = "{% set a='a'*9000000 %}{% for i in range(100000) %}{% if 'ab' in a %}{% endif %}{% endfor %} # "
SLOW_LINES = 12
QUICK_LINES = 15
GO_ON = {"condition": "!=", "value_char": "0", "action": "n"}


def children_of(pids):
    """Return the process ids of the children that work with texts for these processes."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            command = Path(path, "cmdline").read_bytes()
            parent = int(Path(path, "stat").read_text().rpartition(")")[2].split()[1])
            if b"bounded/child.py" in command and parent in pids:
                found.append(int(path.name))
    return found


def is_alive(pid):
    with contextlib.suppress(OSError):
        return b"bounded/child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@pytest.mark.parametrize("workers", [0, 2], ids=["threaded", "prefork"])
def test_a_slow_text_stops_nobody(template, tmp_path, one_host, host_dir, workers):
    database = template.copy(f"{template.name}_slow_{workers}")
    try:
        with tower.Instance(database, tmp_path, workers=workers) as running:
            client = running.client()
            plans = Plans(client)
            server_id = one_host.register(client)
            quick = plans.numbered(QUICK_LINES)
            slow = plans.plan(
                plans.command("true"),
                *(
                    {"command_id": plans.command(f"{SLOW}{number}"), "action_ids": [(0, 0, GO_ON)]}
                    for number in range(SLOW_LINES)
                ),
            )
            slow_runs = [plans.start(server_id, slow) for _ in range(2)]
            plans.until(slow_runs[0], lambda progress: progress["steps_done"] >= 2)
            quick_run = plans.start(server_id, quick, mark=str(host_dir / "mark"))
            slowest = 0.0
            while not client.call("cx.tower.plan.log", "read_progress", [quick_run])["finished"]:
                started = time.monotonic()
                client.call("cx.tower.server", "read", [server_id], ["name"])
                slowest = max(slowest, time.monotonic() - started)
                time.sleep(0.05)
            assert plans.steps(quick_run) == [("done", 0)] * QUICK_LINES
            assert slowest < 3
            assert not plans.progress(slow_runs[0])["finished"], "the slow plan was to go on meanwhile"
            plans.stop(slow_runs[1])
            assert plans.wait(slow_runs[1])["state"] == "stopped"
            children = until(lambda: children_of(running.pids()))
            running.kill()
        until(lambda: not any(is_alive(pid) for pid in children), 15)
    finally:
        database.drop()
