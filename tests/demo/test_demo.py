"""setup/demo does what the README promises, from an empty state."""

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from tower_setup_helpers import free_port, processes_with

DEMO = Path(__file__).parents[2] / "setup" / "demo"
FIRST_RUN_TIMEOUT_S = 600
PLACES_LEFT_ALONE = ("PGHOST", "PGPORT", "PGUSER", "ODOO_HOME", "ODOO_PYTHON")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An empty state, and the downloads that setup/test has made already."""
    clean = {key: value for key, value in os.environ.items() if key not in PLACES_LEFT_ALONE}
    mark = {"TOWER_TEST_MARK": f"demo-{os.getpid()}"}
    return {**clean, **mark, "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")), "TERM": "dumb"}


def test_once_runs_every_command_and_leaves_nothing(environment):
    """Runs first: it makes the database that the next test starts from."""
    argv = [DEMO, "--once", "--port", str(free_port())]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=FIRST_RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    for host in ("Demo web", "Demo db", "Demo sudo"):
        assert f"{host} | " in done.stdout.replace("  ", " ")
    assert ", 0 failed." in done.stdout
    assert processes_with("TOWER_TEST_MARK", environment["TOWER_TEST_MARK"]) == []


def test_second_start_is_fast_serves_the_client_and_ends_with_a_signal(environment):
    port = free_port()
    started = time.monotonic()
    process = subprocess.Popen(
        [DEMO, "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        seconds = time.monotonic() - started
        text = "".join(lines)
        assert f"http://localhost:{port}" in text
        assert "Installing" not in text
        with urllib.request.urlopen(f"http://localhost:{port}/web/login", timeout=30) as page:
            assert page.status == 200
        assert seconds < 180
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.stdout.close()
    assert processes_with("TOWER_TEST_MARK", environment["TOWER_TEST_MARK"]) == []
