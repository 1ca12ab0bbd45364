"""setup/demo does what the README promises, from an empty state."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "setup" / "demo"
FIRST_RUN_TIMEOUT_S = 600
HOSTS = ("Demo web", "Demo db", "Demo sudo")
PLACES_LEFT_ALONE = ("PGHOST", "PGPORT", "PGUSER", "ODOO_HOME", "ODOO_PYTHON")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes_with(name: str, value: str) -> list[str]:
    """Command lines of the processes, other than our own, that were started with this variable."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                if f"{name}={value}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def environment():
    """A state folder apart from that of a person's own demo, and the downloads that setup/test has already made.

    Always the same folder: as root, part of the state is elsewhere and would be left behind each time.
    """
    clean = {key: value for key, value in os.environ.items() if key not in PLACES_LEFT_ALONE}
    mark = {"TOWER_TEST_MARK": f"demo-{os.getpid()}"}
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    state = str(home / "cetmix-tower" / "demo-tests")
    return {**clean, **mark, "XDG_STATE_HOME": state, "TERM": "dumb", "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def once(environment):
    """`setup/demo --once` from nothing. It creates the database that the last test starts from."""
    argv = [DEMO, "--once", "--reset", "--port", str(free_port())]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=FIRST_RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lines_of(output, host):
    """What was printed about one host's run of the flight plan, in order, without the host's name."""
    plan = output.split("> Flight plan")[1].split("runs of the flight plan")[0]
    return [line.strip()[len(host) + 1 :] for line in plan.splitlines() if line.strip().startswith(host)]


@pytest.mark.parametrize("host", HOSTS)
def test_the_flight_plan_is_shown_step_by_step(once, host):
    lines = lines_of(once, host)
    text = "\n".join(lines)
    titles = [line.split(" ", 1)[1] for line in lines if line.lstrip().startswith(("▶", ">"))]
    assert [title.lstrip("▶> ").split(" ")[0] for title in titles if "Keep a copy" not in title] == (
        ["1", "2", "3", "3.1", "3.2", "5", "6", "8", "9", "9.1", "9.2", "9.3", "10"]
    )
    assert 'skipped because {{ disk_state }} == "low" is false' in text
    assert "| disk           enough" in text  # a value that a plan inside returned
    assert "| taken over     from the defaults" in text  # a value that a post-run action set
    assert f"| keep logs for  {7 if host == 'Demo sudo' else 90} days" in text  # a value that Python set
    assert "exit code 1 after" in text and "tolerated" in text
    assert "of 6" in text  # a step was tried again
    assert "Prepare host: done, exit code 0 after" in lines[-1]


def test_output_comes_while_a_step_runs(once):
    """During the long step, lines of the three hosts alternate."""
    hosts = [
        line.split("|")[0].strip() for line in once.splitlines() if "styles of" in line or "fonts of" in line
    ]
    assert sorted(hosts[:3]) == sorted(hosts[3:]) == sorted(HOSTS)


def test_sudo_is_used_where_it_is_set_up(once):
    with_sudo = [host for host in HOSTS if "▶ 7 Keep a copy" in "\n".join(lines_of(once, host))]
    if os.geteuid() != 0:
        assert with_sudo == []
        return
    assert with_sudo == ["Demo sudo"]
    assert "skipped because {{ _is_sudo_set_up }} is false" in "\n".join(lines_of(once, "Demo web"))
    assert any(" root " in line and "settings.kept" in line for line in lines_of(once, "Demo sudo"))


def test_once_runs_single_commands_and_leaves_nothing(once, environment):
    assert "3 runs of the flight plan: 3 succeeded, 0 failed." in once
    assert "13 runs of 5 single commands: 13 succeeded, 0 failed." in once
    assert "*** demo_token ***" in once
    assert processes_with("TOWER_TEST_MARK", environment["TOWER_TEST_MARK"]) == []


def chapter(output, heading):
    """What was printed between the heading that starts with this text and the next one."""
    return output.split(f"> {heading}")[1].split("\n> ")[0]


def test_a_new_server_is_created_from_its_template_and_set_up(once):
    text = chapter(once, "A new server from the template “Application server”")
    assert "Demo app ✓ created: " in text
    assert "✓ 2 Write the configuration: exit code 0" in text
    assert "✓ Set up the application: done, exit code 0" in text


def test_files_are_compared_changed_and_pushed(once):
    lines = chapter(once, "Its files: ").splitlines()
    states = [line.rsplit(" ", 1)[1] for line in lines if ".conf: " in line]
    assert states == ["same", "differs", "same"]
    differing = [line.split("Demo app")[1].split() for line in lines if "host " in line or "Tower " in line]
    assert [line[2:] for line in differing if len(line) == 5] == [
        ["port", "=", "9999"],
        ["port", "=", "8081"],
    ]
    assert any("/motd: same" in line for line in lines)
    assert "demo-only-database-password" not in once


def test_task_log_and_shortcut_of_the_new_server(once):
    assert "is done" in chapter(once, "Scheduled task “Heartbeat in the application log”")
    log = chapter(once, "Server log “Application log”")
    assert log.count("shop: a line from Demo app (staging)") == 3
    assert "✓ Restart the application: done, exit code 0" in chapter(once, "Shortcut “Restart”")


def test_the_fleet_is_updated_two_at_a_time(once):
    assert "Dry run: 4 of 4 servers ready." in chapter(once, "Dry run of “Update the application”")
    text = chapter(once, "“Update the application” on 4 servers, 2 at a time")
    assert "Fleet run: 4 succeeded, 0 failed, 0 not started; at most 2 at a time." in text
    for host in (*HOSTS, "Demo app"):
        assert f"{host} ✓ done after" in text


def test_an_application_is_launched_with_what_it_depends_on(once):
    assert chapter(once, "Install the jet template “Application”").count("done") == 3
    text = chapter(once, "The User launches a new jet: Application “Shop”")
    assert text.count("✓ created, port ") == 3
    starts = [line.split(" ✓ ")[0].strip() for line in text.splitlines() if " ✓ Start: done after" in line]
    assert len(starts) == 3 and starts[-1] == "Shop"
    assert re.search(
        r"✓ http://\S+/ answers with HTTP 200: Shop / Visit 1\. Database: Database .*\. Proxy: Proxy ", text
    )


def test_who_stops_a_database_is_told_who_needs_it(once):
    assert "needed in state “Running” by: “Shop” (Running)" in chapter(once, "A colleague is about to stop")


def test_a_kill_of_tower_while_a_jet_is_built(once):
    killed = chapter(once, "kill -9 of Tower in the middle of Building")
    assert "Blog ✗ Build: interrupted" in killed
    assert "✓ Blog is back in state draft and says why" in killed
    resumed = chapter(once, "The User resumes it")
    assert "Blog ✓ Build: done after" in resumed and "Blog ✓ Start: done after" in resumed
    assert "answers with HTTP 200: Blog" in resumed


def test_an_application_returns_to_a_waypoint(once):
    assert "Before the update: ready. It notes: {'backup': 'backups/" in chapter(
        once, "A waypoint before the"
    )
    assert "answers with HTTP 500: Shop is broken" in chapter(once, "The update breaks the application")
    text = chapter(once, "Fly here: what would change")
    assert "- demo_app_edition = Next" in text
    assert "✓ The jet is at “Before the update”" in text
    assert re.search(r"answers with HTTP 200: Shop .* Edition: Classic. Guests: Ada, Grace.", text)


def test_a_schedule_keeps_the_last_waypoints(once):
    text = chapter(once, "4 nights: a scheduled task makes waypoints")
    assert text.count("Prepare waypoint: done") == 4 and "Delete waypoint: done" in text
    assert len(re.findall(r"^✓ Backup .*: ready$", text, re.MULTILINE)) == 3


def test_an_application_is_cloned_next_to_itself(once):
    text = chapter(once, "Shop is cloned next to itself")
    assert "answers with HTTP 200: Shop / " in text and "answers with HTTP 200: Shop clone / " in text


def test_a_kill_of_tower_during_a_flight_and_a_transfer(once):
    killed = chapter(once, "Shop flies to its last waypoint, Blog moves to Demo db; kill -9")
    assert "Shop ✗ Fly to waypoint: interrupted" in killed
    assert "✓ The transfer is failed; Blog still runs on Demo web" in killed
    assert "answers with HTTP 200: Blog" in killed
    resumed = chapter(once, "The Manager resumes both")
    assert re.search(r"✓ Shop is at “Backup ", resumed)
    assert "✓ Blog runs on Demo db; what was left of it on Demo web is destroyed" in resumed
    assert "✓ The monitor follows it there" in resumed


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
        assert "Demo app ✓ deleted, on the host and here" in text
        assert "Fleet run: 4 succeeded" in text
        assert "✓ Shop of an earlier start: destroyed" in text
        assert "answers with HTTP 200: Blog" in text
        assert re.search(r"logins    user \(.*\), manager \(.*\), admin \(Root\)", text)
        with urllib.request.urlopen(f"http://localhost:{port}/web/login", timeout=30) as page:
            assert page.status == 200
        assert seconds < 240
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.stdout.close()
    assert processes_with("TOWER_TEST_MARK", environment["TOWER_TEST_MARK"]) == []
