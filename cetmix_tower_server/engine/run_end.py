"""How a run ended and what follows: the values that models and threads pass to each other.

How they travel is described in docs/developer/ends.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import states
from .errors import EngineError
from .exit_codes import ExitCode
from .masking.masker import Masker
from .ssh.running.command_result import CommandResult, Outcome

UNRECORDABLE = "unrecordable"
_CONFIRMED = {True: "yes", False: "no", None: False}


@dataclass(frozen=True)
class RunEnd:
    """How a run ended. Texts are masked.

    :param exit_code: decides the final state
    :param message: one sentence for people
    :param response: standard output, or the result of a Python command
    :param error: error output, or why the run could not do its work
    :param outcome: how the work ended, see :class:`ssh.running.command_result.Outcome`; "" when none was begun
    :param exit_signal: name without SIG of the signal that ended the command
    :param stop_confirmed: whether the host confirmed that nothing is left of it; None when nothing was to be stopped
    :param is_skipped: nothing was run
    :param timings: seconds by phase
    :param columns: further columns of the log, as the run's action needs them
    """

    exit_code: int
    message: str = ""
    response: str = ""
    error: str = ""
    outcome: str = ""
    exit_signal: str = ""
    stop_confirmed: bool | None = None
    is_skipped: bool = False
    timings: Mapping[str, float] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)

    def log_values(self) -> dict[str, Any]:
        """Return the end as columns of a command log, the final state among them."""
        return {
            "state": states.state_for_exit_code(self.exit_code),
            "command_status": int(self.exit_code),
            "message": self.message or False,
            "command_response": self.response or False,
            "command_error": self.error or False,
            "outcome": self.outcome or False,
            "exit_signal": self.exit_signal or False,
            "stop_confirmed": _CONFIRMED[self.stop_confirmed],
            "is_skipped": self.is_skipped,
            "timings": dict(self.timings) or False,
            **self.columns,
        }

    # ------------------------------------------------------------------
    # Kinds of ends
    # ------------------------------------------------------------------

    @classmethod
    def of_result(cls, result: CommandResult) -> RunEnd:
        """Return the end of a command that was sent to a host."""
        return cls(
            result.exit_code,
            message=result.message,
            response=result.stdout,
            error=result.stderr or result.message,
            outcome=result.outcome.value,
            exit_signal=result.exit_signal or "",
            stop_confirmed=result.stop_confirmed,
            timings=result.timings,
        )

    @classmethod
    def prevented(cls, exit_code: int, reason: str) -> RunEnd:
        """Return the end of a run that could not do its work."""
        return cls(int(exit_code), message=reason, error=reason)

    @classmethod
    def of_error(cls, error: EngineError, masker: Masker | None = None) -> RunEnd:
        """Return the end of a run that an error of the engine prevented."""
        return cls.prevented(error.exit_code, _masked(str(error), masker))

    @classmethod
    def unexpected(cls, error: BaseException, masker: Masker | None = None) -> RunEnd:
        """Return the end of a run that failed in Tower itself."""
        return cls.prevented(ExitCode.GENERAL_ERROR, _masked(f"{type(error).__name__}: {error}", masker))

    @classmethod
    def undone(cls) -> RunEnd:
        """Return the end of a Python command that lost its connection to the database, and with it all it wrote."""
        return cls.prevented(
            ExitCode.GENERAL_ERROR,
            "The connection to the database was lost, perhaps because the database was restarted. Everything this command"
            " wrote was undone. Before you run it again, check whether its external effects could happen twice.",
        )

    @classmethod
    def aborted(cls, reason: str) -> RunEnd:
        """Return the end of a Python command that was torn out of its code; its writes are undone.

        :param reason: "stopped" or "timed_out"
        """
        if reason == Outcome.TIMED_OUT:
            status = ExitCode.COMMAND_TIMED_OUT
            text = "The timeout was reached, and the changes of the command were undone."
        else:
            status = ExitCode.COMMAND_STOPPED
            text = "Stopped on request, and the changes of the command were undone."
        return cls(int(status), message=text, outcome=reason, stop_confirmed=True)

    # ------------------------------------------------------------------
    # Variants of an end
    # ------------------------------------------------------------------

    def with_columns(self, **columns: Any) -> RunEnd:
        """Return this end with further columns of the log."""
        return replace(self, columns={**self.columns, **columns})

    def with_remark(self, text: str) -> RunEnd:
        """Return this end with a further sentence in its message."""
        return replace(self, message=" ".join(filter(None, (self.message, text))))

    def out_of_plan_time(self) -> RunEnd:
        """Return this end of a run that was stopped because the time of its flight plan was over."""
        return replace(
            self,
            exit_code=int(ExitCode.COMMAND_TIMED_OUT),
            outcome=Outcome.TIMED_OUT.value,
            message="The flight plan reached its timeout.",
        )

    def out_of_time_to_wait(self) -> RunEnd:
        """Return this end of a run that waited for something which was stopped because the timeout was reached."""
        return replace(
            self,
            exit_code=int(ExitCode.COMMAND_TIMED_OUT),
            outcome=Outcome.TIMED_OUT.value,
            message=" ".join(filter(None, ("The timeout was reached while it was waiting.", self.message))),
        )

    def without_following(self, error: BaseException) -> RunEnd:
        """Return this end as it is recorded when what should follow from it failed in Tower itself."""
        return self.with_remark(
            f"The actions after its end failed ({type(error).__name__}). See the Odoo server log."
        )

    def without_result(self, error: BaseException) -> RunEnd:
        """Return this end as it is recorded when the database refused its result."""
        text = (
            f"The run ended with exit code {self.exit_code}, but its result could not be stored"
            f" ({type(error).__name__}). See the Odoo server log."
        )
        return RunEnd(int(ExitCode.GENERAL_ERROR), message=text, outcome=UNRECORDABLE)


def _masked(text: str, masker: Masker | None) -> str:
    return masker.mask(text) if masker else text


@dataclass(frozen=True)
class Claim:
    """What proves that a run is still held by whoever ends it.

    :param fence: fencing token of the claim
    :param worker: code of the process; in a database that was restored under the same name, another run may have the same
        id and token. "" for a run that is held by a transaction
    """

    fence: int
    worker: str = ""


@dataclass(frozen=True)
class Lane:
    """The lane that executed a run, as it passes itself to the end of that run.

    :param log_id: the run it executed; the next step takes over its seats
    :param worker: code of the process
    :param may_take_over: the next step of the flight plan may be created as this lane's own
    :param plan_later: the flight plan is to continue in another transaction
    :param plan_failure: why the flight plan cannot continue: it ends for this reason; "" when it can
    """

    log_id: int
    worker: str
    may_take_over: bool = False
    plan_later: bool = False
    plan_failure: str = ""


@dataclass(frozen=True)
class Following:
    """What is left to do for whoever recorded an end.

    :param taken_over: (id, fencing token) of the step that was created for the lane
    :param later: id of the flight plan run that must continue in another transaction; 0: none
    :param is_queued: a step was queued, so workers must hear of it
    """

    taken_over: tuple[int, int] | None = None
    later: int = 0
    is_queued: bool = False


NOTHING = Following()
