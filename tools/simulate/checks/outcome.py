"""Say what the rules read of the end of a schedule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

OVER = ("Stopped", "Failed")
ENDING = (*OVER, "Stopping", "Completed")
APPROVED = "Approve"  # the answer of a person who promotes
STANDING = "-champion-"  # is part of the name of a standing endpoint, and of no other name
MARK_FAILED = "the task is marked as failed"
MARK_RUN_FAILED = "the run is marked as failed"
MARKS = (MARK_FAILED, MARK_RUN_FAILED)
MARK_SUCCESS = "the task is marked as successful"
OUTLIVED = "the run ends before the call"
LOSE_METADATA = "Airflow's database is lost, and a run with the same id is started"


class Expected(Protocol):
    """
    What a clean-up or the sweeper must leave, and what it must delete.

    Each thing is the name of an endpoint or a model, or the URI of a folder.
    """

    @property
    def stays(self) -> Mapping[str, str]:
        """What must stay, and why."""

    @property
    def goes(self) -> Collection[str]:
        """What must be deleted."""


class Outcome(Protocol):
    """The end of a schedule."""

    @property
    def dag(self) -> str:
        """The file of the DAG whose runs are judged."""

    @property
    def ended(self) -> Sequence[str]:
        """The state in which each run has ended."""

    @property
    def runs(self) -> Sequence[str]:
        """The ids of the runs, in the order of ``ended`` and of ``ledgers``."""

    @property
    def must_fail(self) -> bool:
        """Whether each run must fail, because it is refused what it asks for."""

    @property
    def asks_spending(self) -> bool:
        """Whether a person must approve the spending of each run."""

    @property
    def executed(self) -> Collection[str]:
        """The tasks that the schedules execute, or that were executed before."""

    @property
    def ledgers(self) -> Sequence[Mapping[str, Any]]:
        """The ledger at the end of each run."""

    @property
    def unseen_marks(self) -> Collection[str]:
        """The runs with a mark that leaves no trace in Airflow."""

    @property
    def shared(self) -> Collection[str]:
        """The runs at whose end another run of the same DAG waited for the same job."""

    @property
    def attempts(self) -> Mapping[tuple[str, str], int]:
        """How often each task was started, by its run and its label."""

    @property
    def cap_usd(self) -> float | None:
        """The spending that the use case allows for a run; ``None`` if the use case does not say it."""

    @property
    def after_mark(self) -> Sequence[Mapping[str, Any]]:
        """The ledgers right after a trigger has acted because its task was marked as failed."""

    @property
    def expected(self) -> Expected:
        """What must stay and what must go."""

    @property
    def sweeps(self) -> Sequence[str]:
        """The states in which the runs of the sweeper have ended. It runs if the last run has left an endpoint."""

    @property
    def swept(self) -> Mapping[str, Any] | None:
        """The ledger after the last run of the sweeper; ``None`` if there was none."""

    @property
    def started(self) -> Mapping[str, float]:
        """When each run started, by its id."""

    @property
    def met(self) -> Sequence[tuple[Any, Any]]:
        """The faults that happened, each with its call."""

    @property
    def objects(self) -> Mapping[str, bytes]:
        """The objects in S3, by their URI."""

    @property
    def first_objects(self) -> Mapping[str, bytes]:
        """The objects in S3 before the schedule, by their URI."""

    @property
    def served(self) -> Mapping[str, str]:
        """The model that each throughput answers with at the end, by the throughput's ARN."""

    @property
    def choices(self) -> Sequence[str]:
        """The answers to the questions of the tasks, in order."""

    @property
    def crossed(self) -> Sequence[tuple[Any, Any]]:
        """The calls before which another run has begun, each with its fault."""

    @property
    def others(self) -> Sequence[Outcome]:
        """The ends of the other runs at the same time."""

    @property
    def elsewhere(self) -> Sequence[tuple[Any, Any]]:
        """The faults that happened in the other runs, each with its call."""

    @property
    def together(self) -> Mapping[str, Any] | None:
        """The ledger at the end with what all runs have bought; ``None`` if there was no other run."""


def meets_backfill(outcome: Outcome) -> bool:
    """Return whether a run of a backfill took place at the same time. It runs the same DAG."""
    return any(str(fault.kind).startswith("a run of a backfill") for fault, _ in outcome.crossed)


def meets_neighbour(outcome: Outcome) -> bool:
    """Return whether a run of another use case took place at the same time."""
    return bool(outcome.crossed) and not meets_backfill(outcome)


def creates_too_late(fault: Any, call: Any) -> bool:
    """Return whether an old copy of a task slept right before it bought something, and its run ended meanwhile."""
    return str(fault.kind) == OUTLIVED and call.what.startswith("Create")


def lost_elsewhere(outcome: Outcome) -> int:
    """Return how often Airflow's database was lost because of a fault in another run. Each run then starts again."""
    return sum(str(fault.way) == LOSE_METADATA for fault, _ in outcome.elsewhere)


def folder_of(run_id: str) -> str:
    """Return the part of all URIs of a run that comes from its id, as ``docs/reference/s3_layout.md`` says."""
    return f"/{re.sub('[^a-z0-9]+', '-', run_id.lower())[:24].strip('-')}-"


def runs_of(outcome: Outcome) -> list[str]:
    """Return the ids of the runs in the order of their start."""
    return sorted(outcome.started, key=lambda run: outcome.started[run])


def met_in(outcome: Outcome, run: str) -> list[tuple[Any, Any]]:
    """Return the faults that happened in a run, each with its call."""
    return [(fault, call) for fault, call in outcome.met if call.run_id == run]


def ways(outcome: Outcome, run: str | None = None) -> list[str]:
    """Return what was done after each fault that happened.

    :param run: leave out the faults of all other runs.
    """
    return [str(fault.way) for fault, _ in (outcome.met if run is None else met_in(outcome, run))]


def says_it_is_done(outcome: Outcome, run: str, *tasks: str) -> bool:
    """
    Return whether a person has said that the work of these tasks of a run need not be done.

    The person has marked one of the tasks as successful, or has given up the run and then marked its ``outcome`` as
    successful. ``outcome`` would have stopped the jobs of the run and failed the run. The mark says that neither is
    needed.

    :param tasks: the ends of the tasks' ids.
    """
    marked = [call.task.partition("[")[0] for fault, call in met_in(outcome, run) if str(fault.way) == MARK_SUCCESS]
    is_closed = any(task.endswith("outcome") for task in marked) and bool({*MARKS} & {*ways(outcome, run)})
    return is_closed or any(task.endswith(tasks) for task in marked)
