"""What a command's runner returns to the worker: the work of a run, as plain values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .masking.masker import Masker
from .run_end import RunEnd

if TYPE_CHECKING:
    from ..worker.job import Job


@dataclass(frozen=True)
class HostWork:
    """Work on a host. ``perform`` must not touch the ORM: no transaction is open while it runs.

    :param perform: gets the :class:`worker.job.Job` (live output, stop signal) and returns how the run ended
    :param masker__: masks the text of an exception that ends the work
    :param login__: how to log in to the host; the next step of a flight plan may use it again
    """

    perform: Callable[[Job], RunEnd]
    masker__: Masker
    login__: Any = None
    prepared: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class DatabaseWork:
    """Work inside Tower. ``perform`` runs in the transaction that also records its result.

    So its writes and the word "done" are committed together or not at all.

    :param perform: gets the job and the run's record, returns how the run ended
    :param masker__: masks the text of an exception that ends the work
    :param timeout_s: time limit in seconds
    :param repeatable: the author said that running it twice does no harm
    """

    perform: Callable[[Job, Any], RunEnd]
    masker__: Masker
    timeout_s: float
    repeatable: bool = False


@dataclass(frozen=True)
class Ended:
    """There is no work to do: the run ends with this."""

    end: RunEnd
