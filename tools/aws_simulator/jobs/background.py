"""
Run jobs in the background, each in its own thread, and keep their progress in the state.

After a restart of the simulator, unfinished jobs are resumed. The end of a phase is computed from its stored start and
the current settings, so a changed setting also affects running jobs.

A program that moves the clock itself calls ``step_by_step`` before it starts a job. Then there are no threads:
``run_due`` continues each job up to its next wait, just as a restart would.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tools.aws_simulator.account.records import BackgroundJobBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, ResourceTable
from tools.aws_simulator.jobs.training_data import DataFaultError

logger = logging.getLogger(__name__)

INTERNAL_ERROR = "Encountered an internal error when processing the request."
_SHORTEST_STEP_SECONDS = 0.001
JobBody = TypeVar("JobBody", bound=BackgroundJobBody)


class StopRequestedError(Exception):
    """The job was asked to stop."""


class _ClosingError(Exception):
    """The simulator is shutting down; its next start resumes the job."""


class _NotDueError(Exception):
    """The job must wait, and is continued when its time has come. Only jobs without threads raise this."""


@dataclass(frozen=True)
class Deadline:
    """The time ``length()`` seconds after ``start``. The length may change during a wait.

    If ``length()`` returns None, there is no deadline.
    """

    length: Callable[[], float | None]
    start: float

    def remaining(self) -> float | None:
        """Return the seconds left: negative once the deadline has passed, None if there is no deadline."""
        length = self.length()
        return None if length is None else self.start + length - time.time()


class BackgroundJobs(ABC, Generic[JobBody]):
    """
    The jobs of one kind, each of which runs in its own thread.

    :param jobs: the table of the jobs in the state.
    :param unfinished: the statuses of jobs that are still running, including ``Stopping``.
    """

    def __init__(self, jobs: ResourceTable[JobBody], settings: SettingsStore, *, unfinished: tuple[str, ...]) -> None:
        self._jobs = jobs
        self._settings = settings
        self._unfinished = unfinished
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._threads: list[threading.Thread] = []
        # When each job without a thread continues, in POSIX seconds. None if the jobs run in threads.
        self.due: dict[str, float] | None = None
        self._stepping = ""  # ARN of the job that is being continued
        settings.on_change(self._wake)

    @abstractmethod
    def _work(self, arn: str) -> None:
        """Run the job from its current phase to its end."""

    @abstractmethod
    def _stopped(self, arn: str) -> None:
        """End a job that was asked to stop."""

    @abstractmethod
    def _failed(self, arn: str, message: str) -> None:
        """End a job that cannot continue."""

    def start(self, arn: str) -> None:
        """Start the job's thread."""
        if self.due is not None:
            self.due[arn] = time.time()
            return
        thread = threading.Thread(target=self._run, args=[arn], name=f"job {arn[-12:]}", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def resume(self) -> None:
        """Start all jobs that an earlier process left unfinished."""
        for job in self._jobs.all():
            if job.body["status"] in self._unfinished:
                self.start(job.arn)

    def step_by_step(self) -> None:
        """Start no threads from now on. The caller continues the jobs with :meth:`run_due`."""
        self.due = {}

    def run_due(self) -> None:
        """Continue all jobs whose time has come, each of them up to its next wait."""
        while self.due and (arns := [arn for arn, due in self.due.items() if due <= time.time()]):
            for arn in arns:
                del self.due[arn]
                self._stepping = arn
                self._run(arn)

    def _continue_at_once(self, arn: str) -> None:
        if self.due is not None:
            self.due[arn] = time.time()

    def stop(self, arn: str) -> bool:
        """Ask a job to stop; return False if it has already ended."""
        with self._changed:
            status = self._jobs.get(arn).body["status"]
            if status in self._unfinished and status != "Stopping":
                self._save(arn, status="Stopping", stopped_in=status)
                self._continue_at_once(arn)
                self._changed.notify_all()
            return status in self._unfinished

    def end_stalls(self, match: str) -> int:
        """Resume the stalled jobs whose names contain ``match``, and return the number of these jobs."""
        with self._changed:
            stalled = [job for job in self._jobs.all() if match in job.name and self._is_stalled(job)]
            for job in stalled:
                # End the stall now: set its length to the time since the job was created.
                self._jobs.change(job.arn, fault={**(job.body["fault"] or {}), "seconds": time.time() - job.created})
                self._continue_at_once(job.arn)
            self._changed.notify_all()
        return len(stalled)

    def _is_stalled(self, job: Resource[JobBody]) -> bool:
        fault = job.body["fault"]
        return job.body["status"] in self._unfinished and fault is not None and fault["kind"].endswith("_stalled")

    def _stall_end(self, job: Resource[JobBody]) -> Deadline:
        """Return the time at which the stall of a job ends."""

        def seconds() -> float | None:
            fault = self._jobs.get(job.arn).body["fault"]
            return fault["seconds"] if fault else 0.0

        return Deadline(seconds, job.created)

    def close(self) -> None:
        """End the threads but not the jobs. The result of a computation that is still running is discarded."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=0.5)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self, arn: str) -> None:
        try:
            self._work_or_stop(arn)
        except (_ClosingError, _NotDueError):
            return
        except DataFaultError as fault:
            self._failed(arn, str(fault))
        except Exception:
            if self._closing:  # the state may be closed, so the work could not go on
                return
            logger.exception("Job %s failed inside the simulator", arn)
            self._failed(arn, INTERNAL_ERROR)

    def _work_or_stop(self, arn: str) -> None:
        try:
            self._work(arn)
        except StopRequestedError:
            self._stopped(arn)

    def _wait(self, arn: str, deadline: Deadline) -> None:
        """Wait until ``deadline``, which may move during the wait.

        :raises StopRequestedError: the job was asked to stop during the wait.
        """
        with self._changed:
            while True:
                self._check(arn)
                remaining = deadline.remaining()
                if remaining is not None and remaining <= 0:
                    return
                self._leave_until_due(arn, remaining)
                # Earlier versions could store a stall that is too long for a timer.
                self._changed.wait(remaining if remaining is None else min(remaining, threading.TIMEOUT_MAX))

    def _leave_until_due(self, arn: str, remaining: float | None) -> None:
        """Leave a job that has no thread until its wait is over; do nothing if the job has a thread."""
        if self.due is not None:
            # Without a lower limit, the time could be rounded to the present, and the job would never go on.
            self.due[arn] = math.inf if remaining is None else time.time() + max(remaining, _SHORTEST_STEP_SECONDS)
            raise _NotDueError

    def _wait_stopping(self, deadline: Deadline) -> bool:
        """Wait until ``deadline``; return False if the simulator shuts down first."""
        with self._changed:
            while not self._closing and (deadline.remaining() or 0) > 0:
                self._leave_until_due(self._stepping, deadline.remaining())
                self._changed.wait(deadline.remaining())
            return not self._closing

    def _check_open(self) -> None:
        """Raise an error that ends the thread if the simulator is shutting down."""
        if self._closing:
            raise _ClosingError

    def _check(self, arn: str) -> None:
        self._check_open()
        if self._jobs.get(arn).body["status"] == "Stopping":
            raise StopRequestedError

    def _save(self, arn: str, **changes: Any) -> None:
        self._jobs.change(arn, modified=time.time(), **changes)
