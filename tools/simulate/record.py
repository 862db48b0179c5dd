"""Say from which state schedules start, and what happened in each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.simulate.account import AccountSnapshot
from tools.simulate.dag_run import DagRun, TaskInstance
from tools.simulate.earlier import NOTHING, Expected
from tools.simulate.faults import OTHERS, SLEEPS, Call, Fault
from tools.simulate.parts import DISTILL, Part
from tools.simulate.wire import Wire


@dataclass(frozen=True)
class FirstState:
    """
    The state from which each schedule starts.

    :ivar runs: the tasks of each run that have been executed. The runs that a schedule may need later are prepared too.
    :ivar past: the earlier runs in Airflow's database.
    :ivar expected: what must stay and what must go.
    """

    account: AccountSnapshot
    runs: tuple[Mapping[str, TaskInstance], ...]
    now: float
    past: tuple[DagRun, ...] = ()
    expected: Expected = NOTHING


@dataclass
class Record:
    """
    What happened in a schedule, for the checker.

    :ivar dag: the file of the DAG that the schedule runs.
    :ivar ended: the state in which each run has ended, in order; ``stuck`` for a run that did not end.
    :ivar runs: the ids of these runs.
    :ivar executed: the tasks that the schedule executes, or that were executed before it.
    :ivar must_fail: whether each run must fail.
    :ivar asks_spending: whether a person must approve the spending of each run.
    :ivar reached: the states of the model that were reached.
    :ivar ledgers: the ledger at the end of each run.
    :ivar started: when each run started, by its id.
    :ivar met: the faults that happened, each with its call.
    :ivar unseen_marks: the runs with a mark that leaves no trace in Airflow, because the attempt had failed by itself,
        or had not recorded its start yet.
    :ivar shared: the runs at whose end another run of the same DAG waited for the same job.
    :ivar attempts: how often each task was started, by its run and its label.
    :ivar cap_usd: the spending that the use case allows for a run; ``None`` for the default.
    :ivar after_mark: the ledgers right after the trigger of a task that was marked as failed has acted.
    :ivar objects: the objects in S3 at the end, by their URI.
    :ivar choices: the answers to the questions of the tasks, in order.
    :ivar served: the model that each throughput answers with at the end, by the throughput's ARN.
    :ivar first_objects: the objects in S3 before the schedule, by their URI.
    :ivar expected: what must stay and what must go.
    :ivar sweeps: the states in which the runs of the sweeper have ended, which follow if an endpoint is left.
    :ivar swept: the ledger after the last run of the sweeper; ``None`` if there was none.
    :ivar crossed: the calls before which another run has begun, each with its fault.
    :ivar others: the records of the other runs at the same time.
    :ivar elsewhere: the faults that happened in those runs, each with its call.
    :ivar together: the ledger at the end, with what all runs have bought; ``None`` if there was no other run.
    """

    faults: tuple[Fault, ...]
    dag: str = DISTILL
    executed: frozenset[str] = frozenset()
    must_fail: bool = False
    asks_spending: bool = False
    calls: list[Call] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    ledgers: list[dict[str, Any]] = field(default_factory=list)
    unseen_marks: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cap_usd: float | None = None
    after_mark: list[dict[str, Any]] = field(default_factory=list)
    started: dict[str, float] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
    met: list[tuple[Fault, Call]] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    served: dict[str, str] = field(default_factory=dict)
    first_objects: dict[str, bytes] = field(default_factory=dict)
    expected: Expected = NOTHING
    sweeps: list[str] = field(default_factory=list)
    swept: dict[str, Any] | None = None
    crossed: list[tuple[Fault, Call]] = field(default_factory=list)
    others: list[Record] = field(default_factory=list)
    elsewhere: list[tuple[Fault, Call]] = field(default_factory=list)
    together: dict[str, Any] | None = None

    @classmethod
    def of(cls, part: Part, first: Mapping[str, bytes], expected: Expected, faults: Sequence[Fault] = ()) -> Record:
        """
        Begin the record of a schedule, or of the other run of a schedule.

        :param first: the objects in S3 now.
        """
        return cls(
            tuple(faults),
            part.dag,
            frozenset((*part.before, *part.tasks)),
            part.must_fail,
            part.approval is not None,
            first_objects=dict(first),
            expected=expected,
            cap_usd=part.use_case.get("max_spend_usd"),
        )


def overshadowed(record: Record, wire: Wire) -> list[tuple[Fault, Call]]:
    """Return the faults whose process met a later one too, which decided what a person did."""
    met = {fault.at for fault, _ in record.met}
    return [
        (Fault(at, fault.kind), wire.calls[at])
        for at, fault in wire.faults.items()
        if at < len(wire.calls) and at not in met and fault.kind not in (*SLEEPS, *OTHERS)
    ]
