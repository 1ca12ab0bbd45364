"""States of a run and the changes that are allowed, as data.

``queued -> running -> done | failed | skipped | stopped``, with ``waiting`` for child runs and
``interrupted`` for a run whose process disappeared. Source: docs/developer/architecture.md, "Runs".
"""

from __future__ import annotations

from .results import ExitCode

QUEUED = "queued"
RUNNING = "running"
WAITING = "waiting"
DONE = "done"
FAILED = "failed"
SKIPPED = "skipped"
STOPPED = "stopped"
INTERRUPTED = "interrupted"

LABELS = [
    (QUEUED, "Queued"),
    (RUNNING, "Running"),
    (WAITING, "Waiting"),
    (DONE, "Done"),
    (FAILED, "Failed"),
    (SKIPPED, "Skipped"),
    (STOPPED, "Stopped"),
    (INTERRUPTED, "Interrupted"),
]

ACTIVE = (QUEUED, RUNNING, WAITING)
FINISHED = (DONE, FAILED, SKIPPED, STOPPED, INTERRUPTED)

TRANSITIONS = {
    QUEUED: {RUNNING, SKIPPED, FAILED, STOPPED},
    RUNNING: {WAITING, DONE, FAILED, STOPPED, INTERRUPTED},
    WAITING: {RUNNING, DONE, FAILED, STOPPED, INTERRUPTED},
    DONE: set(),
    FAILED: set(),
    SKIPPED: set(),
    STOPPED: set(),
    INTERRUPTED: set(),
}


def is_allowed(before: str, after: str) -> bool:
    """Return whether a run may go from state ``before`` to ``after``."""
    return after in TRANSITIONS[before]


def state_for_exit_code(exit_code: int) -> str:
    """Return the final state that belongs to an exit code of :class:`results.ExitCode` or of a command."""
    special = {
        ExitCode.OK: DONE,
        ExitCode.COMMAND_STOPPED: STOPPED,
        ExitCode.PLAN_STOPPED: STOPPED,
        ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED: SKIPPED,
        ExitCode.RUN_INTERRUPTED: INTERRUPTED,
    }
    return special.get(exit_code, FAILED)
