"""What a process has in hand at this moment."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from .job import Job


class InHand:
    """The runs that are being prepared or executed in this process, and those whose end is yet to be announced.

    Any thread may call any method.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._preparing: set[int] = set()
        self._ended: list[Job] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, log_id: int) -> bool:
        return log_id in self._jobs

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in hand and every end is announced."""
        return not (self._jobs or self._preparing or self._ended)

    def get(self, log_id: int) -> Job | None:
        """Return the job of a run; None when it is not executed here."""
        return self._jobs.get(log_id)

    def jobs(self) -> list[Job]:
        """Return the jobs of this moment."""
        return list(self._jobs.values())

    def ids(self) -> set[int]:
        """Return the runs that are being prepared, or that a thread executes or is about to."""
        executed = {job.log_id for job in self.jobs() if job.thread is None or job.thread.is_alive()}
        return executed | self._preparing.copy()

    def of_thread(self, thread: threading.Thread) -> int:
        """Return the id of the innermost run that a thread executes; 0 when it executes none."""
        return max((job.log_id for job in self.jobs() if job.thread is thread), default=0)

    def prepare(self, log_ids: Iterable[int]) -> None:
        """Note runs that are claimed and not jobs yet."""
        self._preparing |= set(log_ids)

    def prepared(self, log_ids: Iterable[int]) -> None:
        """Note that these runs are jobs by now, or nobody's."""
        self._preparing -= set(log_ids)

    def add(self, *jobs: Job) -> None:
        """Take jobs in hand."""
        with self._lock:
            self._jobs.update({job.log_id: job for job in jobs})

    def drop(self, job: Job) -> None:
        """Let go of a job whose end nobody has to be told about."""
        with self._lock:
            self._jobs.pop(job.log_id, None)

    def done(self, job: Job, following: Job | None) -> None:
        """Let go of a job, whose end is to be announced, and take the one that follows it in hand.

        In one go: at no moment is the following one in nobody's hands.
        """
        with self._lock:
            self._jobs.pop(job.log_id, None)
            self._ended.append(job)
            if following:
                self._jobs[following.log_id] = following

    def take_ended(self) -> list[Job]:
        """Return the jobs whose end is to be announced, and forget them."""
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def announce_again(self, ended: list[Job]) -> None:
        """Note ends that could not be announced."""
        with self._lock:
            self._ended = ended + self._ended
