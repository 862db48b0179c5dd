"""Enumerate the schedules of a part: every fault at every call, with every way back; and draw deeper ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tools.simulate.faults import SLEEPS, Call, Fault, Kind, Way

Schedule = tuple[Fault, ...]
_OF_MESSAGES = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER, *SLEEPS)


def faults_at(call: Call) -> Iterator[Fault]:
    """Yield every fault that is possible at a call."""
    for kind in Kind if call.is_aws else _OF_MESSAGES:
        if kind is Kind.DEAD_TRIGGERER and call.process != "trigger":
            continue
        if kind in SLEEPS and call.process != "task":
            continue
        for way in Way:
            if kind is Kind.DEAD_TRIGGERER and way is Way.RETRY:
                continue  # the same as KILLED_BEFORE: another triggerer takes the trigger
            yield Fault(call.number, kind, way)


def single_faults(calls: Sequence[Call]) -> Iterator[Schedule]:
    """Yield all schedules with one fault, given the calls of an undisturbed run."""
    for call in calls:
        for fault in faults_at(call):
            yield (fault,)


def draw(rng: random.Random, calls: Sequence[Call], depth: int) -> Schedule:
    """
    Draw a schedule with ``depth`` faults.

    The later faults come soon after the earlier ones, so that they hit the recovery.
    """
    faults: list[Fault] = []
    at = rng.randrange(len(calls))
    for _ in range(depth):
        # The calls after a fault are not known, so any kind may be drawn. A kind that does not fit has no effect.
        kinds = list(Kind)
        faults.append(Fault(at, rng.choice(kinds), rng.choice(list(Way))))
        at += rng.randint(1, 12)
    return tuple(faults)


def part_of(schedules: Sequence[Schedule], part: str) -> Sequence[Schedule]:
    """Return the share ``i/n`` of the schedules."""
    number, of = (int(text) for text in part.split("/"))
    if not 1 <= number <= of:
        raise ValueError(f"--part is {part}; expected i/n with i from 1 to n.")
    return schedules[number - 1 :: of]
