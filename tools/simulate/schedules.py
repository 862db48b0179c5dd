"""Enumerate the schedules of a part: every fault at every call, with every way back; and draw deeper ones."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from math import gcd

from tools.simulate.faults import OTHERS, READS, SLEEPS, WAITING, Call, Fault, Kind, Way

Schedule = tuple[Fault, ...]
_SIMILAR = (
    (Kind.KILLED_BEFORE, Kind.KILLED_AFTER),
    (Kind.LOST_ONCE, Kind.LOST, Kind.LATE, Kind.TWICE),
    (Kind.OUTAGE, Kind.THROTTLED_ONCE, Kind.THROTTLED),
    SLEEPS,
    OTHERS,
)
_BLOCK = 8  # calls
_OF_MESSAGES = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER, *SLEEPS)


def faults_at(call: Call) -> Iterator[Fault]:
    """Yield every fault that is possible at a call."""
    for kind, way in _possible_at(call):
        yield Fault(call.number, kind, way)


def _possible_at(call: Call) -> tuple[tuple[Kind, Way], ...]:
    return _possible(call.process, is_aws=call.is_aws, meets_others=call.meets_others)


@cache
def _possible(process: str, *, is_aws: bool, meets_others: bool) -> tuple[tuple[Kind, Way], ...]:
    found = []
    for kind in Kind if is_aws else _OF_MESSAGES:
        if kind in OTHERS and not meets_others:
            continue
        if kind is Kind.DEAD_TRIGGERER and process != "trigger":
            continue
        if kind in SLEEPS and process != "task":
            continue
        for way in _ways(kind):
            if kind is Kind.DEAD_TRIGGERER and way is Way.RETRY:
                continue  # the same as KILLED_BEFORE: another triggerer takes the trigger
            found.append((kind, way))
    return tuple(found)


def _ways(kind: Kind) -> Iterable[Way]:
    """Return what may follow. A person marks the task only if the other run waits, because the two may share a job."""
    if kind in OTHERS:
        return (Way.RETRY, Way.MARK_FAILED) if kind in WAITING else (Way.RETRY,)
    return Way


def single_faults(calls: Sequence[Call]) -> Iterator[Schedule]:
    """Yield all schedules with one fault, given the calls of an undisturbed run."""
    for call in calls:
        for fault in faults_at(call):
            yield (fault,)


def spread(schedules: Iterable[Schedule], calls: Sequence[Call], seed: int) -> list[Schedule]:
    """
    Return schedules of one fault in an order that the seed decides, and in which rare situations come early.

    A mechanism often protects one situation, such as a kill at the only call of a trigger, while a task may read
    hundreds of objects. So the tasks and triggers take turns. In the turns of a task, its operations take turns, where
    all operations that read count as one. In the turns of an operation, the kinds of faults take turns, where similar
    kinds count as one, and in the turns of these, the ways back.

    :param calls: the calls of the undisturbed run.
    """
    ordered = list(schedules)
    random.Random(seed).shuffle(ordered)
    situations = {one: _situation(one[0], calls[one[0].at]) for one in ordered}
    for length in (5, 4, 3, 2):  # from the whole situation to the task or trigger
        ordered = _take_turns(ordered, {one: all_of[:length] for one, all_of in situations.items()})
    return ordered


def _take_turns(schedules: Iterable[Schedule], groups: Mapping[Schedule, Hashable]) -> list[Schedule]:
    """Return the first schedule of each group, then the second one of each group, and so on."""
    turns: Counter[Hashable] = Counter()
    placed = []
    for schedule in schedules:
        placed.append((turns[groups[schedule]], schedule))
        turns[groups[schedule]] += 1
    return [schedule for _, schedule in sorted(placed, key=lambda one: one[0])]


def _situation(fault: Fault, call: Call) -> tuple[Hashable, ...]:
    """Return the situation of a fault. The first two items name a task or a trigger, and each other item divides it."""
    operation = "read" if call.what.startswith(READS) else call.what
    similar = next((kinds for kinds in _SIMILAR if fault.kind in kinds), fault.kind)
    return call.task, call.process, operation, similar, fault.way


def second_faults(first: Fault, calls: Sequence[Call]) -> Iterator[Schedule]:
    """Yield the schedules that add a second fault, given the calls of the run with the first one."""
    for call in calls[first.at + 1 :]:
        for fault in faults_at(call):
            yield (first, fault)


def count_second_faults(first: Fault, calls: Sequence[Call]) -> int:
    """Return how many schedules :func:`second_faults` yields."""
    return sum(len(_possible_at(call)) for call in calls[first.at + 1 :])


def some_second_faults(first: Fault, calls: Sequence[Call], numbers: range) -> Iterator[Schedule]:
    """
    Yield the schedules of :func:`second_faults` with these numbers in an order that spreads them evenly over the calls.

    Numbers from 0 to the count yield each schedule once. Numbers beyond the count yield nothing.
    """
    later = calls[first.at + 1 :]
    ends = list(accumulate(len(_possible_at(call)) for call in later))
    count = ends[-1] if ends else 0
    # A step without a common factor visits each place once. About 0.618 of the count spreads them most evenly.
    step = next((one for one in range(max(1, round(count * 0.618)), count) if gcd(one, count) == 1), 1)
    for number in range(numbers.start, min(numbers.stop, count)):
        place = number * step % count
        at = bisect_right(ends, place)
        kind, way = _possible_at(later[at])[place - ends[at]]  # counted from the end
        yield (first, Fault(later[at].number, kind, way))


def draw(rng: random.Random, calls: Sequence[Call], depth: int) -> Schedule:
    """
    Draw a schedule with ``depth`` faults.

    The later faults come soon after the earlier ones, so that they hit the recovery. Another run is drawn only where it
    is also tried in a schedule with one fault.
    """
    faults: list[Fault] = []
    at = rng.randrange(len(calls))
    for _ in range(depth):
        # The calls after a fault are not known, so any kind may be drawn. A kind that does not fit has no effect.
        meets_others = at < len(calls) and calls[at].meets_others
        kinds = [kind for kind in Kind if meets_others or kind not in OTHERS]
        kind = rng.choice(kinds)
        faults.append(Fault(at, kind, rng.choice(list(_ways(kind)))))
        at += rng.randint(1, 12)
    return tuple(faults)


def part_of(schedules: Iterable[Schedule], number: int, of: int) -> list[Schedule]:
    """
    Return a share of the schedules. The shares are numbered from 1.

    A share gets all schedules whose first fault is at one of some neighbouring calls, because these share most
    processes.
    """
    return [one for one in schedules if one[0].at // _BLOCK % of == number - 1]
