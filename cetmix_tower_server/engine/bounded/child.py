"""The program of a process that evaluates texts of authors. ``pool`` starts it and never imports it.

It has nothing of Tower but what is sent to it: no environment, no open files or sockets, no secrets. Before each task it sets a
kernel timer whose signal ends the process. No code here needs to run for that, so the process ends even if a
regular expression blocks the interpreter or Tower has died. Between tasks it waits for Tower and ends when the
pipe is closed.
"""

import importlib.util
import json
import os
import pickle
import resource
import signal
import sys

RESIDENT_MAX_KB = 200_000  # a child that once took more is not used again
TASKS_SIZE_MAX = 1 << 30  # bytes of a task that are read; Tower decides what it sends


def main() -> None:
    """Answer tasks until the pipe is closed."""
    engine = sys.argv[1]
    spec = importlib.util.spec_from_file_location(
        "tower_engine", os.path.join(engine, "__init__.py"), submodule_search_locations=[engine]
    )
    package = sys.modules["tower_engine"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    from tower_engine.bounded import messages

    setup = pickle.loads(messages.receive(0, TASKS_SIZE_MAX))
    sys.path.extend(path for path in setup["path"] if path not in sys.path)
    from tower_engine.bounded import tasks

    tasks.prepare()
    _give_up_rights(setup["memory"])
    # The kernel counts the memory of the process that started this one into the peak: that of Odoo is often higher.
    most_kb = max(RESIDENT_MAX_KB, _peak_kb())
    messages.send(1, b"ready")
    while True:
        try:
            task = pickle.loads(messages.receive(0, TASKS_SIZE_MAX))
        except messages.Closed:
            return
        _set_timers(setup["cpu_s"], setup["wall_s"])
        answer = tasks.perform(*task)
        is_last = answer["last"] = _peak_kb() > most_kb
        payload = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")
        _set_timers(0, 0)
        messages.send(1, payload)
        if is_last:
            return  # what it took is given back


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _set_timers(cpu_s: float, wall_s: float) -> None:
    """Let the kernel end this process after so much computing or so much time; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)


def _give_up_rights(memory: int) -> None:
    """Limit this process from here on: no files, no processes, only so much more memory."""
    for name in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(name, signal.SIG_DFL)
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, used + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        _soft, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
