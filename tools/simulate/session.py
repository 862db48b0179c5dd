"""Search a share of the schedules of all parts of the DAG, store the failing ones, and write the scoreboard."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tools.simulate.all_parts import PARTS
from tools.simulate.first_failure import FirstFailure
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import BATCH, DISTILLATION, EVALUATION, ON_DEMAND, SERVING, TRAINING, Part
from tools.simulate.parts_of_purchases import CHOSEN_THROUGHPUT, OPTIMIZATION
from tools.simulate.plan import Plan
from tools.simulate.schedules import Schedule, part_of
from tools.simulate.scoreboard import try_without
from tools.simulate.search import (
    Limit,
    Tally,
    double_faults,
    random_schedules,
    search,
    shrink,
    shuffled_single_faults,
    store_replay,
    stored_schedules,
)
from tools.simulate.shares import Found, Noticed
from tools.simulate.world import World, open_world

# Also searched with two faults.
BUYING = (TRAINING, SERVING, ON_DEMAND, CHOSEN_THROUGHPUT, DISTILLATION, BATCH, EVALUATION, OPTIMIZATION)
LEAST_SCHEDULES = 100  # a quick search runs at least this many of each part
DRAWN_SHARE = 1 / 8  # of the time that a quick search has for a part
REPLAYS_PER_PART = 3


class Session:
    """
    The search of one share.

    :param number: the number of the share.
    :param folder: an empty folder for use cases.
    :param replays: the folder in which failing schedules are stored.
    :param deadline: when a quick search ends, as a time of ``time.monotonic``.
    """

    def __init__(
        self, plan: Plan, number: int, folder: Path, replays: Path, deadline: float, failure: FirstFailure
    ) -> None:
        self._plan, self._number = plan, number
        self._folder, self._replays = folder, replays
        self._deadline, self._failure = deadline, failure
        self._tally, self._scoreboard, self._pairs = Tally(), list[Noticed](), 0

    def run(self) -> Found:
        """Search the share of all parts. Return what was found."""
        parts = parts_of(self._plan, self._number)
        for place, part in enumerate(parts):
            if self._failure.is_found():
                break
            left = sum(map(_weight, parts[place:]))
            now = time.monotonic()
            self._search_part(part, now + (self._deadline - now) * _weight(part) / left)
        return {
            "schedules": self._tally.schedules,
            "failures": len(self._tally.failures),
            "reached": sorted(self._tally.reached),
            "scoreboard": self._scoreboard,
            "pairs": self._pairs,
            "of_pairs": sum(self._tally.second_faults[part.name] for part in BUYING),
        }

    def _search_part(self, part: Part, until: float) -> None:
        plan = self._plan
        with open_world(self._folder / part.name, part) as world:
            if plan.quick:
                self._try_mechanisms(world)
            single = shuffled_single_faults(world, plan.seed)
            own = single if plan.quick else part_of(single, self._number, plan.of)
            known = stored_schedules(self._replays, part)
            known = known if plan.quick else known[self._number - 1 :: plan.of]
            # If all schedules are run, neighbours follow each other, because they share most processes.
            ordered = own if plan.quick else sorted(own, key=lambda one: one[0].at)
            with world.worker.remembering():
                self._search(world, known, until, len(known))
                self._search(world, ordered, until - DRAWN_SHARE * (until - time.monotonic()), LEAST_SCHEDULES)
                self._search(world, self._drawn(world), until)
                if plan.depth > 1 and part in BUYING:
                    self._search_pairs(world, own)
            self._store_failures(world)
            if not plan.quick:
                self._try_mechanisms(world)

    def _search(
        self, world: World, schedules: Sequence[Schedule] | Iterator[Schedule], until: float, least: int = 0
    ) -> None:
        limit = Limit(until, least, self._must_stop) if self._plan.quick else Limit(must_stop=self._must_stop)
        search(world, schedules, self._tally, limit)

    def _must_stop(self) -> bool:
        return self._failure.is_found() or (self._plan.fail_fast and bool(self._tally.failures))

    def _try_mechanisms(self, world: World) -> None:
        """Try the mechanisms of the part that belong to the share. Each of them is tried by only one share."""
        for place, mechanism in enumerate(MECHANISMS):
            is_own = self._plan.quick or place % self._plan.of == self._number - 1
            if mechanism.part is not world.part or not is_own or self._must_stop():
                continue
            trial = try_without(world, mechanism, self._plan.seed)
            tried: Noticed = {
                "number": place,
                "mechanism": mechanism.name,
                "caught_after": trial.caught_after,
                "noticed_by": trial.noticed_by,
            }
            self._scoreboard.append(tried if trial.error is None else {**tried, "error": trial.error})

    def _drawn(self, world: World) -> Iterator[Schedule]:
        """Yield the share's drawn schedules. In a quick search, they go on until the time is over."""
        drawn, plan = random_schedules(world, self._plan.seed), self._plan
        if plan.quick:
            return islice(drawn, plan.drawn or None)
        return islice(drawn, self._number - 1, plan.drawn, plan.of)

    def _search_pairs(self, world: World, ordered: Sequence[Schedule]) -> None:
        """Search schedules with two faults for the part's share of the time."""
        before, seconds = self._tally.schedules, self._plan.minutes * 60 / len(BUYING)
        limit = Limit(time.monotonic() + seconds, must_stop=self._must_stop)
        search(world, double_faults(world, ordered), self._tally, limit)
        self._pairs += self._tally.schedules - before

    def _store_failures(self, world: World) -> None:
        failed = [(one, wrong) for (part, one), wrong in self._tally.failures.items() if part == world.part.name]
        if failed:
            self._failure.report()
        for schedule, wrong in failed[:REPLAYS_PER_PART]:
            path = store_replay(self._replays, world.part, shrink(world, schedule), wrong)
            sys.stdout.write(f"{wrong[0]} {'. '.join(map(str, schedule))}. The shortest schedule is in {path}.\n")


def parts_of(plan: Plan, number: int) -> list[Part]:
    """
    Return the parts that a share searches.

    In a quick search, a share searches whole parts, because each part takes seconds to prepare. The parts are divided
    so that the shares have about the same work.
    """
    if not plan.quick:
        return list(PARTS)
    shares: list[list[Part]] = [[] for _ in range(plan.of)]
    for part in sorted(PARTS, key=_weight, reverse=True):
        min(shares, key=lambda share: sum(map(_weight, share))).append(part)
    return shares[number - 1]


def _weight(part: Part) -> int:
    """Return how much of the time of a quick search a part gets."""
    return 1 + sum(one.part is part for one in MECHANISMS)
