"""Search a share of the schedules of all parts of the DAG, store the failing ones, and write the scoreboard."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import BATCH, DISTILLATION, EVALUATION, ON_DEMAND, PARTS, SERVING, TRAINING
from tools.simulate.plan import Plan
from tools.simulate.schedules import Schedule, part_of
from tools.simulate.scoreboard import try_without
from tools.simulate.search import (
    Tally,
    double_faults,
    random_schedules,
    search,
    shrink,
    shuffled_single_faults,
    store_replay,
)
from tools.simulate.shares import Found, Noticed
from tools.simulate.world import World, open_world

BUYING = (TRAINING, SERVING, ON_DEMAND, DISTILLATION, BATCH, EVALUATION)  # also searched with two faults
LEAST_SECONDS = 10.0  # a quick search gives each part at least this
REPLAYS_PER_PART = 3


def simulate(plan: Plan, number: int, folder: Path, replays: Path, deadline: float) -> Found:
    """
    Search a share of all parts.

    :param number: the number of the share.
    :param folder: an empty folder for use cases.
    :param replays: the folder in which failing schedules are stored.
    :param deadline: when a quick search must end, as a time of ``time.monotonic``. Each part gets an equal share of the
        time that is left. Its mechanisms come first.
    """
    tally, scoreboard, pairs = Tally(), list[Noticed](), 0
    for left, part in zip(range(len(PARTS), 0, -1), PARTS, strict=True):
        until = time.monotonic() + (deadline - time.monotonic()) / left
        with open_world(folder / part.name, part) as world:
            ordered = shuffled_single_faults(world, plan.seed)
            scoreboard += _scoreboard(world, plan, number)
            own = part_of(ordered, number, plan.of)
            with world.worker.remembering():
                _search_part(world, plan, number, own, tally, max(until, time.monotonic() + LEAST_SECONDS))
                if plan.depth > 1 and part in BUYING:
                    pairs += _search_pairs(world, plan, own, tally)
            _store_failures(world, tally, replays)
    return {
        "schedules": tally.schedules,
        "failures": len(tally.failures),
        "reached": sorted(tally.reached),
        "scoreboard": scoreboard,
        "pairs": pairs,
        "of_pairs": sum(tally.second_faults[part.name] for part in BUYING),
    }


def _scoreboard(world: World, plan: Plan, number: int) -> Iterator[Noticed]:
    """Try the mechanisms of the part that belong to the share. Each of them is tried by only one share."""
    for place, mechanism in enumerate(MECHANISMS):
        if mechanism.part is world.part and place % plan.of == number - 1:
            trial = try_without(world, mechanism, plan.seed)
            tried: Noticed = {
                "number": place,
                "mechanism": mechanism.name,
                "caught_after": trial.caught_after,
                "noticed_by": trial.noticed_by,
            }
            yield tried if trial.error is None else {**tried, "error": trial.error}


def _search_part(
    world: World, plan: Plan, number: int, ordered: Sequence[Schedule], tally: Tally, until: float
) -> None:
    deadline = until if plan.quick else None
    search(world, ordered, tally, deadline=deadline)
    search(world, _drawn(world, plan, number), tally, deadline=deadline)


def _drawn(world: World, plan: Plan, number: int) -> Iterator[Schedule]:
    """Yield the share's drawn schedules. In a quick search, they go on until the time is over."""
    drawn = random_schedules(world, plan.seed)
    return islice(drawn, number - 1, None if plan.quick and not plan.drawn else plan.drawn, plan.of)


def _search_pairs(world: World, plan: Plan, ordered: Sequence[Schedule], tally: Tally) -> int:
    """Search schedules with two faults for the part's share of the time. Return how many were run."""
    before = tally.schedules
    search(world, double_faults(world, ordered), tally, deadline=time.monotonic() + plan.minutes * 60 / len(BUYING))
    return tally.schedules - before


def _store_failures(world: World, tally: Tally, replays: Path) -> None:
    failed = [(one, wrong) for (part, one), wrong in tally.failures.items() if part == world.part.name]
    for schedule, wrong in failed[:REPLAYS_PER_PART]:
        path = store_replay(replays, world.part, shrink(world, schedule), wrong)
        sys.stdout.write(f"{wrong[0]} {'. '.join(map(str, schedule))}. The shortest schedule is in {path}.\n")
