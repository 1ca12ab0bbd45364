"""Where tests let a process die: exactly one dies for each armed file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

CRASH_POINTS = Path(__file__).parents[2] / "cetmix_tower_server" / "worker" / "crash_points.py"
REACH = """
import runpy, sys
reached = runpy.run_path(sys.argv[1])["reached"]
print("ready", flush=True)
for line in sys.stdin:
    for name in line.split():
        reached(name)
    print("alive", flush=True)
"""


class Process:
    """A process that reaches crash points when it is told to."""

    def __init__(self, spec):
        self._process = subprocess.Popen(
            [sys.executable, "-c", REACH, str(CRASH_POINTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TOWER_CRASH_POINT": str(spec)},
        )
        self.pid = self._process.pid
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.communicate()

    def reach(self, *names):
        self._process.stdin.write(" ".join(names) + "\n")
        self._process.stdin.flush()

    def is_alive(self):
        """Return whether the process survived what it was told last."""
        if self._process.stdout.readline() == "alive\n":
            return True
        assert self._process.wait(10) == -signal.SIGKILL
        return False


def test_dies_at_the_point_named():
    with Process("taken") as process:
        process.reach("claimed", "recorded")
        assert process.is_alive()
        process.reach("taken")
        assert not process.is_alive()


def test_dies_at_the_point_that_a_file_names(tmp_path):
    armed = tmp_path / "crash-point"
    with Process(armed) as process:
        process.reach("taken")
        assert process.is_alive()
        armed.write_text("taken")
        process.reach("claimed")
        assert process.is_alive()
        process.reach("taken")
        assert not process.is_alive()
    assert [path.name for path in tmp_path.iterdir()] == [f"crash-point.{process.pid}"]


def test_counts_how_often_a_process_reaches_it(tmp_path):
    armed = tmp_path / "crash-point"
    armed.write_text("taken:3")
    with Process(armed) as one, Process(armed) as other:
        for process in (one, other):
            process.reach("taken", "taken")
            assert process.is_alive()
        other.reach("taken")
        assert not other.is_alive()


def test_only_one_of_those_that_reach_it_together_dies(tmp_path):
    armed = tmp_path / "crash-point"
    for _round in range(10):
        armed.write_text("taken")
        with Process(armed) as one, Process(armed) as other:
            for process in (one, other):
                process.reach("taken")
            assert one.is_alive() != other.is_alive()
