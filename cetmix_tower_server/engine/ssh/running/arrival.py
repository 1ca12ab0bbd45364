"""Messages for scripts that a shell did not accept, or may not have accepted. They claim only what is certain."""

from __future__ import annotations

from ..target import Target
from .dialogue import Dialogue

_ADVICE = (
    "Check its start-up files (such as ~/.bashrc or ~/.zshenv): without a terminal, they must not wait for input, "
    "start another shell, redirect the output, or exit."
)


def never_ready(target: Target, dialogue: Dialogue, limit_s: float | None = None) -> str:
    """Say that the shell never asked for the script, so that nothing was sent.

    :param limit_s: how long Tower waited; None if the shell exited
    """
    shell = f"The login shell of {target.username} on {target.label}"
    if dialogue.reads_input:
        return (
            f"Start-up files of the login shell of {target.username} on {target.label} (such as ~/.bashrc) wait for"
            " input, so nothing was sent to it and nothing was run. Make them read input only in a terminal: put"
            " `[ -t 0 ] || return` before."
        )
    if limit_s is not None:
        return (
            f"{shell} was not ready for the command within {limit_s:g} s, so nothing was sent and nothing was"
            f" run. {_ADVICE}"
        )
    return (
        f"{shell} exited without running the command; nothing was sent. Is it a POSIX shell, and is the account"
        f" allowed to run commands? {_ADVICE}"
    )


def still_waiting(target: Target) -> str:
    """Say that nothing had been sent when a run was stopped or timed out."""
    return f"The login shell of {target.username} on {target.label} was not ready by then: nothing was sent."


def incomplete(target: Target) -> str:
    """Say that a shell received an incomplete script and ran none of it."""
    return (
        f"The command did not arrive completely on {target.label}, so it was not run. A process left behind by "
        f"the start-up files of {target.username} reads the input of the login shell (or `head` is missing)."
    )


def unconfirmed(target: Target) -> str:
    """Say that a script was sent and it is unknown whether it ran."""
    return (
        f"The shell of {target.username} on {target.label} did not confirm that the command arrived completely. "
        f"Whether any of it was run is unknown. Check the host. {_ADVICE}"
    )
