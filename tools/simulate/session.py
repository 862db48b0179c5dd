"""Search all parts of the DAG, store the failing schedules, and write the scoreboard."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import PARTS
from tools.simulate.schedules import Schedule, part_of
from tools.simulate.search import (
    MUST_BE_REACHED,
    Tally,
    caught_after,
    random_schedules,
    search,
    shrink,
    shuffled_single_faults,
    store_replay,
)
from tools.simulate.world import World, open_world

QUICK_SECONDS = 420.0  # for the schedules of all parts; the start and the scoreboard take a few minutes more
REPLAYS_PER_PART = 3


@dataclass(frozen=True)
class Options:
    """
    What to search.

    :ivar quick: stop after about ten minutes.
    :ivar seed: decides the order and the drawn schedules.
    :ivar share: the share ``i/n`` of the schedules with one fault.
    :ivar drawn: the number of schedules with two or three faults, for each part of the DAG.
    """

    quick: bool
    seed: int
    share: str
    drawn: int


def simulate(options: Options, folder: Path, replays: Path) -> dict[str, Any]:
    """
    Search all parts, and return what ``.local/simulate.json`` contains.

    :param folder: an empty folder for use cases.
    :param replays: the folder in which failing schedules are stored.
    """
    began, tally, scoreboard = time.perf_counter(), Tally(), []
    for part in PARTS:
        with open_world(folder / part.name, part) as world:
            ordered = shuffled_single_faults(world, options.seed)
            with world.worker.remembering():
                _search_part(world, options, ordered, tally)
            _store_failures(world, tally, replays)
            for mechanism in (one for one in MECHANISMS if one.part is part):
                caught = caught_after(world, mechanism, ordered)
                scoreboard.append({"mechanism": mechanism.name, "caught_after": caught})
    return {
        "schedules": tally.schedules,
        "seconds": round(time.perf_counter() - began, 1),
        "seed": options.seed,
        "failures": len(tally.failures),
        "unreached": sorted(MUST_BE_REACHED - tally.reached),
        "scoreboard": scoreboard,
    }


def _search_part(world: World, options: Options, ordered: list[Schedule], tally: Tally) -> None:
    deadline = time.monotonic() + QUICK_SECONDS / len(PARTS) if options.quick else None
    search(world, part_of(ordered, options.share), tally, deadline=deadline)
    search(world, _drawn(world, options), tally, deadline=deadline)


def _drawn(world: World, options: Options) -> Iterator[Schedule]:
    """Yield the drawn schedules. In a quick search, they go on until the time is over."""
    drawn = random_schedules(world, options.seed)
    return drawn if options.quick and not options.drawn else islice(drawn, options.drawn)


def _store_failures(world: World, tally: Tally, replays: Path) -> None:
    failed = [(one, wrong) for (part, one), wrong in tally.failures.items() if part == world.part.name]
    for schedule, wrong in failed[:REPLAYS_PER_PART]:
        path = store_replay(replays, world.part, shrink(world, schedule), wrong)
        sys.stdout.write(f"{wrong[0]} {'. '.join(map(str, schedule))}. The shortest schedule is in {path}.\n")
