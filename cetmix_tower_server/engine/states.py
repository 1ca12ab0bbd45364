"""States of a run and how they change. Command logs and flight plan logs share them.

Every SQL statement that changes a state takes its condition from :func:`before`. A test watches all changes that happen
in the addon's test suite, and another one compares the diagram in docs/developer/architecture.md with this table.
"""

from __future__ import annotations

from .exit_codes import ExitCode

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

#: The states that may follow each state. A finished run never changes again.
CHANGES = {
    QUEUED: (RUNNING, *FINISHED),
    RUNNING: (QUEUED, *FINISHED),  # back to the queue for the next attempt
    WAITING: FINISHED,  # with the end of what it waits for
}


def before(state: str) -> list[str]:
    """Return the states from which a run may change to ``state``."""
    return [former for former, following in CHANGES.items() if state in following]


def state_for_exit_code(exit_code: int) -> str:
    """Return the final state that belongs to an exit code of :class:`engine.exit_codes.ExitCode` or of a command."""
    special = {
        ExitCode.OK: DONE,
        ExitCode.COMMAND_STOPPED: STOPPED,
        ExitCode.PLAN_STOPPED: STOPPED,
        ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED: SKIPPED,
        ExitCode.RUN_INTERRUPTED: INTERRUPTED,
    }
    return special.get(exit_code, FAILED)
