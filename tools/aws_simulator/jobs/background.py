"""
Jobs that live in time: each on a thread of its own, with what it has done in the state.

A job that a restart interrupted is taken up again. Phases last as long as a setting says, measured from their stored
start; changing the setting takes effect on running jobs.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Kind, Resource, State
from tools.aws_simulator.jobs.training_data import DataFaultError

logger = logging.getLogger(__name__)

INTERNAL_ERROR = "Encountered an internal error when processing the request."


class StopRequestedError(Exception):
    """The job was asked to stop."""


class _Closing(Exception):
    """The simulator ends; the job goes on at its next start."""


@dataclass(frozen=True)
class Deadline:
    """``length()`` seconds after ``start``, None being never; moves when what is behind the length does."""

    length: Callable[[], float | None]
    start: float

    def remaining(self) -> float | None:
        """Return the seconds until then; negative when it is past, None when it does not come by itself."""
        length = self.length()
        return None if length is None else self.start + length - time.time()


class BackgroundJobs(ABC):
    """
    Runs jobs of one kind in the background.

    :param unfinished: statuses of jobs that still run; ``Stopping`` is one of them.
    """

    def __init__(self, state: State, settings: SettingsStore, *, kind: Kind, unfinished: tuple[str, ...]) -> None:
        self._state = state
        self._settings = settings
        self._kind = kind
        self._unfinished = unfinished
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._threads: list[threading.Thread] = []
        settings.on_change(self._wake)

    @abstractmethod
    def _work(self, arn: str) -> None:
        """Take the job from where it is to its end."""

    @abstractmethod
    def _stopped(self, arn: str) -> None:
        """End a job that was asked to stop."""

    @abstractmethod
    def _failed(self, arn: str, message: str) -> None:
        """End a job that cannot go on."""

    def start(self, arn: str) -> None:
        """Let the job run."""
        thread = threading.Thread(target=self._run, args=[arn], name=f"job {arn[-12:]}", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def resume(self) -> None:
        """Let all jobs run on that an earlier process left unfinished."""
        for job in self._state.all(self._kind):
            if job.body["status"] in self._unfinished:
                self.start(job.arn)

    def stop(self, arn: str) -> bool:
        """Ask a job to stop; False when it has ended."""
        with self._changed:
            status = self._state.get(arn).body["status"]
            if status in self._unfinished and status != "Stopping":
                self._save(arn, status="Stopping", stopped_in=status)
                self._changed.notify_all()
            return status in self._unfinished

    def end_stalls(self, match: str) -> int:
        """Let the stalled jobs whose names contain ``match`` go on, and return how many there were."""
        with self._changed:
            jobs = [job for job in self._state.all(self._kind) if match in job.name and self._is_stalled(job)]
            for job in jobs:
                self._state.change(job.arn, fault={**job.body["fault"], "seconds": time.time() - job.created})
            self._changed.notify_all()
        return len(jobs)

    def _is_stalled(self, job: Resource) -> bool:
        fault = job.body["fault"] or {"kind": ""}
        return job.body["status"] in self._unfinished and str(fault["kind"]).endswith("_stalled")

    def _stall_end(self, job: Resource) -> Deadline:
        """Return when the fault that stalls a job is over."""
        return Deadline(lambda: self._state.get(job.arn).body["fault"]["seconds"], job.created)

    def close(self) -> None:
        """End the threads, but not the jobs. One that is in the middle of work is left behind; it changes nothing."""
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
            self._work(arn)
        except StopRequestedError:
            self._stopped(arn)
        except _Closing:
            return
        except DataFaultError as fault:
            self._failed(arn, str(fault))
        except Exception:
            logger.exception("Job %s failed inside the simulator", arn)
            self._failed(arn, INTERNAL_ERROR)

    def _wait(self, arn: str, deadline: Deadline) -> None:
        """Wait until ``deadline``, which may move meanwhile.

        :raises StopRequestedError: the job was asked to stop meanwhile.
        """
        with self._changed:
            while True:
                self._check(arn)
                remaining = deadline.remaining()
                if remaining is not None and remaining <= 0:
                    return
                self._changed.wait(remaining)

    def _wait_stopping(self, deadline: Deadline) -> bool:
        """Wait until ``deadline``; False when the simulator ends first."""
        with self._changed:
            while not self._closing and (deadline.remaining() or 0) > 0:
                self._changed.wait(deadline.remaining())
            return not self._closing

    def _check(self, arn: str) -> None:
        if self._closing:
            raise _Closing
        if self._state.get(arn).body["status"] == "Stopping":
            raise StopRequestedError

    def _save(self, arn: str, **changes: Any) -> None:
        self._state.change(arn, modified=time.time(), **changes)
