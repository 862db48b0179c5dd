"""Define what can go wrong at one call, and what a person or Airflow does afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """
    What happens at a call.

    ``OUTAGE`` and ``THROTTLED`` last until the process ends, or for five minutes. All other kinds affect one call.

    In the kinds of ``SLEEPS``, the process of a task sleeps before the call, for example because its machine is paused.
    Airflow or a person acts meanwhile, and then the process goes on.

    In the kinds of ``OTHERS``, another run begins while the process is between two calls. Airflow still knows the
    process, which then goes on. If a person marks its task as failed, the process dies before the call.
    """

    KILLED_BEFORE = "killed before the call"
    KILLED_AFTER = "killed after the call"
    DEAD_TRIGGERER = "the triggerer is dead before the call"  # so it cannot act when a person acts
    LOST_ONCE = "the answer is lost once"
    LOST = "the answer is lost, and then AWS cannot be reached"
    OUTAGE = "AWS cannot be reached"
    THROTTLED_ONCE = "throttled once"
    THROTTLED = "throttled"
    LATE = "the answer comes after the time-out"
    TWICE = "the request arrives twice, and the second answer is delivered"
    OVERTAKEN = "another copy of the task runs before the call"
    OVERTAKEN_ENDED = "another copy of the task runs before the call, and the old copy is killed after it"
    OUTLIVED = "the run ends before the call"
    NEIGHBOUR_PASSES = "a run of another use case on the same data begins and ends before the call"
    NEIGHBOUR_WAITS = "a run of another use case on the same data waits from before the call to the end of the run"
    NEIGHBOUR_FAILS = "a run of another use case on the same data waits before the call, and is marked as failed"
    BACKFILL_PASSES = "a run of a backfill begins and ends before the call"
    BACKFILL_WAITS = "a run of a backfill waits from before the call to the end of the run"
    BACKFILL_FAILS = "a run of a backfill waits before the call, and is marked as failed"


READS = ("Get", "Head", "List")  # how the names of calls that change nothing begin
KILLS = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER, Kind.DEAD_TRIGGERER)
SLEEPS = (Kind.OVERTAKEN, Kind.OVERTAKEN_ENDED, Kind.OUTLIVED)
BACKFILLS = (Kind.BACKFILL_PASSES, Kind.BACKFILL_WAITS, Kind.BACKFILL_FAILS)
OTHERS = (Kind.NEIGHBOUR_PASSES, Kind.NEIGHBOUR_WAITS, Kind.NEIGHBOUR_FAILS, *BACKFILLS)
WAITING = (Kind.NEIGHBOUR_WAITS, Kind.BACKFILL_WAITS)
FAILING = (Kind.NEIGHBOUR_FAILS, Kind.BACKFILL_FAILS)


class Way(StrEnum):
    """What follows after the process has ended. A person acts while Airflow still takes the killed task to run."""

    RETRY = "Airflow goes on by itself"
    CLEAR = "the task is cleared"
    CLEAR_DOWNSTREAM = "the task is cleared with downstream"
    CLEAR_RUN = "the whole run is cleared"
    MARK_FAILED = "the task is marked as failed"
    MARK_SUCCESS = "the task is marked as successful"
    MARK_RUN_FAILED = "the run is marked as failed"
    LOSE_METADATA = "Airflow's database is lost, and a run with the same id is started"


@dataclass(frozen=True)
class Fault:
    """
    One disturbance.

    :ivar at: the number of the call, counted from the beginning of the schedule. Calls to AWS and messages that change
        Airflow's state are counted.
    """

    at: int
    kind: Kind
    way: Way = Way.RETRY

    def as_json(self) -> dict[str, Any]:
        """Return the fault in the form that a replay stores."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Fault:
        """Return a fault of a replay."""
        return cls(int(stored["at"]), Kind(stored["kind"]), Way(stored["way"]))

    def __str__(self) -> str:
        return f"call {self.at}: {self.kind}; {self.way}"


@dataclass(frozen=True)
class Call:
    """
    A call at which something can go wrong.

    :ivar task: id of the task that makes the call, or whose trigger makes it.
    :ivar process: ``task`` or ``trigger``.
    :ivar what: the operation of AWS, or the message to Airflow.
    :ivar is_aws: whether AWS answers the call, so that an answer can be lost.
    :ivar run_id: the id of the run to which the task belongs.
    :ivar meets_others: whether another run is tried before the call.
    """

    number: int
    task: str
    process: str
    what: str
    is_aws: bool
    run_id: str = ""
    meets_others: bool = False


class KilledError(BaseException):
    """The process was killed. No code of the pipeline or of Airflow catches this."""


class UnknownMessageError(BaseException):
    """The model of Airflow lacks a message. This ends the schedule, so that no retry of the pipeline hides it."""
