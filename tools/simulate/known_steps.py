"""
Run the processes of a schedule, and run none twice from the same state with the same faults.

A process is one attempt of a task, or one trigger. What it does depends only on the account, the rows of Airflow's
database, the time and the faults that it meets (``repeatable.py``). So the end of a process is kept. If another
schedule reaches exactly the same state and meets the same faults, the kept end is taken. Schedules that begin or end
alike thus share this part.
"""

from __future__ import annotations

import copy
import marshal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tools.simulate.account import AccountSnapshot, MemoryAccount, digest_of
from tools.simulate.api_server import ApiServer
from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import DagRun, TaskInstance
from tools.simulate.faults import OTHERS, SLEEPS, Call, Fault, Kind
from tools.simulate.known_calls import KnownCalls
from tools.simulate.repeatable import Repeatable
from tools.simulate.wire import Wire
from tools.simulate.worker import Worker, label_of

_KEPT = 20_000  # about 20 KB each
_PLAIN = (str, int, float, bool, type(None))
Row = tuple[Any, ...]
Rows = dict[tuple[str, str], Row]
Met = tuple[tuple[int, Kind], ...]  # the faults of a process: the number of the call within the process, and the kind
Key = tuple[str, str, str, bytes]


@dataclass(frozen=True)
class Trigger:
    """
    A trigger that has run until its process was killed.

    :ivar origin: identifies the state in which the trigger started, and what it met.
    """

    live: Any
    origin: bytes


@dataclass(frozen=True)
class _End:
    """
    How a process ended.

    :ivar met: the call of the last fault, counted from the first call of the process.
    :ivar rows: the rows of Airflow's database that the process has changed.
    """

    met: int | None
    trigger: Trigger | None
    calls: tuple[Call, ...]
    account: AccountSnapshot
    now: float
    rows: Mapping[tuple[str, str], TaskInstance]


class KnownSteps:
    """
    Runs processes. The methods are those of :class:`Worker`.

    :ivar run: the number of processes that were run.
    :ivar known: the number of processes whose end was known.
    """

    def __init__(self, account: MemoryAccount, wire: Wire, api: ApiServer, clock: VirtualClock) -> None:
        self._account, self._wire, self._api, self._clock = account, wire, api, clock
        self._worker = Worker(wire, api, clock)
        self._known: dict[tuple[Key, Met], _End] | None = None
        self.repeatable = Repeatable(account)
        self.calls = KnownCalls(account, wire, self.repeatable)
        self.run = self.known = 0

    def close(self) -> None:
        """Close the event loop of the worker."""
        self._worker.close()

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """
        Keep the ends of processes inside the block, and forget them afterwards.

        Outside, each process is run. The code of the pipeline must not change inside the block.
        """
        before, self._known = self._known, {}
        before_calls, self.calls.known = self.calls.known, {}
        try:
            yield
        finally:
            self._known, self.calls.known = before, before_calls
            self._account.forget_pages()

    # Processes

    def run_task(self, run: DagRun, task: TaskInstance) -> Fault | None:
        """Run an attempt of a task, or its part after a wait. Return the fault that the process met."""
        return self._take("task", run.run_id, task.label, lambda: (self._worker.run_task(run, task), None))[0]

    def run_trigger(self, run: DagRun, task: TaskInstance) -> tuple[Fault | None, Trigger | None]:
        """Run the trigger of a deferred task. Return the fault that it met, and the trigger if its process lives."""
        return self._take("trigger", run.run_id, task.label, lambda: self._worker.run_trigger(run, task))

    def kill_trigger(self, trigger: Trigger) -> Fault | None:
        """Call ``on_kill`` of a trigger. Return the fault that it met."""
        # Another schedule may kill the same trigger in another state.
        live = copy.copy(trigger.live)
        what, run_id = f"kill {trigger.origin.hex()}", live.task_instance.run_id
        return self._take(what, run_id, label_of(live), lambda: (self._worker.kill_trigger(live), None))[0]

    def waiting(self, run: DagRun, task: TaskInstance) -> Trigger:
        """Return the trigger of a deferred task, which waits in the triggerer."""
        origin = digest_of(self._account.snapshot().digest, run.run_id.encode(), task.label.encode())
        return Trigger(self._worker.trigger_of(run, task), origin)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let other processes run inside the block, while the present one is between two calls."""
        with self.repeatable.kept(), self._worker.another_loop():
            yield

    def _take(
        self, what: str, run_id: str, label: str, work: Callable[[], tuple[Fault | None, Any]]
    ) -> tuple[Fault | None, Trigger | None]:
        before = self._rows()
        state = digest_of(self._account.snapshot().digest, self._airflow(before))
        key, first = (what, run_id, label, state), len(self._wire.calls)
        found = self._find(key, first)
        if found is not None:
            self.known += 1
            self._apply(found, first)
            return None if found.met is None else self._wire.faults[first + found.met], found.trigger
        self.run += 1
        self.repeatable.begin(digest_of(state, what.encode(), run_id.encode(), label.encode()))
        met, live = work()
        faults = self._met(first)
        trigger = None if live is None else Trigger(live, digest_of(repr((key, faults)).encode()))
        # While a process sleeps, or another run takes place, other processes run. This is not part of its end.
        if self._known is not None and not any(kind in (*SLEEPS, *OTHERS) for _, kind in faults):
            if len(self._known) >= _KEPT:
                self._known.clear()
                self._account.forget_pages()
            self._known[key, faults] = self._end(met, trigger, first, before)
        return met, trigger

    # States

    def _rows(self) -> Rows:
        return {(run.run_id, one): _row(task) for run in self._api.runs.values() for one, task in run.tasks.items()}

    def _airflow(self, rows: Rows) -> bytes:
        runs = [(run.run_id, run.state, run.started) for run in self._api.runs.values()]
        return marshal.dumps((self._clock.now, runs, list(rows.items())), 2)

    def _met(self, first: int) -> Met:
        """Return the faults at the calls since ``first``."""
        faults, last = self._wire.faults, len(self._wire.calls)
        return tuple((at - first, faults[at].kind) for at in sorted(faults) if first <= at < last)

    def _find(self, key: Key, first: int) -> _End | None:
        """
        Return the known end of a process.

        Which of the planned faults a process meets is known only from its calls. An end is right if the process has met
        the first faults, and has made no call at which the next one is planned.
        """
        if not self._known:
            return None
        faults = self._wire.faults
        planned = [(at - first, faults[at].kind) for at in sorted(faults) if at >= first]
        for count in range(len(planned) + 1):
            found = self._known.get((key, tuple(planned[:count])))
            if found and (count == len(planned) or planned[count][0] >= len(found.calls)):
                return found
        return None

    def _end(self, met: Fault | None, trigger: Trigger | None, first: int, before: Rows) -> _End:
        changed = {
            (run.run_id, one): task.copy()
            for run in self._api.runs.values()
            for one, task in run.tasks.items()
            if before.get((run.run_id, one)) != _row(task)
        }
        calls, now = tuple(self._wire.calls[first:]), self._clock.now
        return _End(None if met is None else met.at - first, trigger, calls, self._account.snapshot(), now, changed)

    def _apply(self, end: _End, first: int) -> None:
        self._account.restore(end.account)
        self._clock.now = end.now
        for (run_id, one), task in end.rows.items():
            vars(self._api.runs[run_id].tasks[one]).update(vars(task.copy()))
        calls = self._wire.calls
        if end.calls and end.calls[0].number == first:
            calls += end.calls
        else:
            calls += [replace(call, number=first + number) for number, call in enumerate(end.calls)]


def _row(task: TaskInstance) -> Row:
    """Return what can affect the rest of a schedule: everything, but the time of a retry only until the retry."""
    values = {**vars(task), "key": task.key.int}
    if task.state != "up_for_retry":
        values["retry_at"] = None
    return tuple(value if type(value) in _PLAIN else repr(value) for value in values.values())
