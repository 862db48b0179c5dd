"""Run many schedules, collect the failures, and shrink them."""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tools.simulate.checks import breaches
from tools.simulate.faults import Call, Fault, UnknownMessageError, Way
from tools.simulate.parts import Part
from tools.simulate.record import Record
from tools.simulate.schedules import Schedule, count_second_faults, draw, single_faults, some_second_faults, spread
from tools.simulate.states import states_of
from tools.simulate.world import MAX_RUNS, World

FIRST_TURN = 8  # the second faults that a first fault gets in its first turn


@dataclass
class Tally:
    """
    What the searches have found.

    :ivar failures: what is wrong, by the name of the part and the schedule.
    :ivar second_faults: the number of schedules that add a second fault to a searched schedule with one, by the name of
        the part.
    """

    schedules: int = 0
    second_faults: Counter[str] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    failures: dict[tuple[str, Schedule], list[str]] = field(default_factory=dict)


class Judged(NamedTuple):
    """
    How a schedule has ended.

    :ivar wrong: what is wrong with its end.
    :ivar record: what happened. It is empty if the simulation or the checker failed.
    """

    wrong: list[str]
    record: Record

    @property
    def failed_itself(self) -> bool:
        """Whether the simulation or the checker failed, so that nothing is known about the pipeline."""
        return not self.record.ended


@dataclass(frozen=True)
class Limit:
    """
    What ends a search before its schedules are over.

    :ivar deadline: a time of ``time.monotonic``.
    :ivar least: how many schedules are run even after the deadline, so that a slow machine finds what a fast one finds.
    :ivar must_stop: whether the search must end at once.
    """

    deadline: float = math.inf
    least: int = 0
    must_stop: Callable[[], bool] = field(default=lambda: False)

    def is_reached(self, number: int) -> bool:
        """Return whether the search ends after a number of schedules."""
        return self.must_stop() or (number >= self.least and time.monotonic() >= self.deadline)


NO_LIMIT = Limit()


def judge(world: World, schedule: Schedule) -> Judged:
    """Run a schedule. Return what is wrong with its end, and what happened."""
    try:
        record = world.run(schedule)
        return Judged(breaches(record), record)
    except (Exception, UnknownMessageError) as error:  # an error that Airflow's task runner lets pass, or the model's
        return Judged([f"The simulation itself failed: {type(error).__name__}: {error}"], Record(schedule))


def search(world: World, schedules: Iterable[Schedule], tally: Tally, limit: Limit = NO_LIMIT) -> None:
    """Run schedules until they or the limit end the search."""
    for number, schedule in enumerate(schedules):
        if limit.is_reached(number):
            return
        wrong, record = judge(world, schedule)
        tally.schedules += 1
        tally.reached |= states_of(record)
        if len(schedule) == 1:
            tally.second_faults[world.part.name] += count_second_faults(schedule[0], record.calls)
        if wrong:
            tally.failures[world.part.name, schedule] = wrong


def undisturbed_calls(world: World) -> Sequence[Call]:
    """Return the calls of a run without faults, which must succeed.

    :raises RuntimeError: the run without faults did not end well, so that no schedule would mean anything.
    """
    record = world.run(())
    if wrong := breaches(record):
        raise RuntimeError(f"The run without faults is wrong: {wrong}.")
    return record.calls


def random_schedules(world: World, seed: int) -> Iterator[Schedule]:
    """Yield drawn schedules of two and three faults without end."""
    rng, calls = random.Random(seed), undisturbed_calls(world)
    while True:
        yield draw(rng, calls, rng.randint(2, MAX_RUNS - 1))


def shuffled_single_faults(world: World, seed: int) -> list[Schedule]:
    """Return all schedules of one fault, in an order that the seed decides. Each operation comes early."""
    calls = undisturbed_calls(world)
    return spread(single_faults(calls), calls, seed)


def double_faults(world: World, schedules: Sequence[Schedule]) -> Iterator[Schedule]:
    """
    Yield, for each schedule of one fault, every fault at every later call of the run that it disturbs.

    The schedules take turns, and each of them yields twice as many second faults in each turn. So a search that is
    ended early has tried second faults of all first faults. The run with the first fault is repeated in each turn,
    because the calls of all runs would need too much memory.
    """
    left, numbers = list(schedules), range(FIRST_TURN)
    while left:
        unfinished = []
        for schedule in left:
            calls = judge(world, schedule).record.calls
            yield from some_second_faults(schedule[0], calls, numbers)
            if numbers.stop < count_second_faults(schedule[0], calls):
                unfinished.append(schedule)
        left, numbers = unfinished, range(numbers.stop, 2 * numbers.stop)


def shrink(world: World, schedule: Schedule) -> Schedule:
    """Return the shortest part of a failing schedule that still fails, with the simplest way back."""
    shortest = schedule
    for number in reversed(range(len(schedule))):
        fewer = shortest[:number] + shortest[number + 1 :]
        if fewer and judge(world, fewer)[0]:
            shortest = fewer
    for number, fault in enumerate(shortest):
        simpler = Fault(fault.at, fault.kind, Way.RETRY)
        changed = (*shortest[:number], simpler, *shortest[number + 1 :])
        if simpler != fault and judge(world, changed)[0]:
            shortest = changed
    return shortest


def store_replay(folder: Path, part: Part, schedule: Schedule, wrong: Sequence[str]) -> Path:
    """Store a failing schedule, so that every test run repeats it from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "-".join(f"{fault.at}{fault.kind.name.lower()}{fault.way.name.lower()}" for fault in schedule)
    path = folder / f"{part.name}-{name}.json"
    stored = {"part": part.name, "faults": [fault.as_json() for fault in schedule], "wrong": list(wrong)}
    path.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    return path


def stored_schedules(folder: Path, part: Part) -> list[Schedule]:
    """Return the schedules of a part that once ended badly."""
    loaded = map(load_replay, sorted(folder.glob("*.json")))
    return [schedule for name, schedule in loaded if name == part.name]


def load_replay(path: Path) -> tuple[str, Schedule]:
    """Return the name of the part and the schedule of a replay."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return str(stored["part"]), tuple(map(Fault.from_json, stored["faults"]))
