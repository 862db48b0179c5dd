"""Remove a safety mechanism, and find out after how many schedules the checker notices this."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tools.simulate.mechanisms import Mechanism
from tools.simulate.schedules import Schedule, single_faults, spread
from tools.simulate.search import judge
from tools.simulate.world import World

MOST_SCHEDULES = 2000


class Trial(NamedTuple):
    """
    What became of the removal of a mechanism.

    :ivar caught_after: the number of schedules after which it was noticed; ``None`` if it was not noticed.
    :ivar noticed_by: the sentence of the checker that noticed it; ``None`` if it was not noticed.
    :ivar error: why the trial proves nothing; ``None`` if it proves something.
    """

    caught_after: int | None
    noticed_by: str | None
    error: str | None = None


def try_without(world: World, mechanism: Mechanism, seed: int, most: int = MOST_SCHEDULES) -> Trial:
    """
    Run schedules without a mechanism until the checker notices that it is missing.

    The first schedule has no fault. If the checker complains already then, the replaced code breaks the pipeline, and
    no schedule says anything about crashes. This is an error of the scoreboard, except for mechanisms that every run
    needs. A schedule in which the simulation itself fails is no evidence, and neither is one that also ends badly with
    the mechanism.

    :param seed: decides the order of the schedules.
    :param most: how many schedules are run at most.
    """
    with mechanism.removed(), world.worker.remembering():
        undisturbed = judge(world, ())
    if undisturbed.failed_itself:
        return Trial(None, None, undisturbed.wrong[0])
    if undisturbed.wrong:
        if mechanism.is_needed_by_every_run:
            return Trial(1, undisturbed.wrong[0])
        return Trial(None, None, f"The run without faults is wrong too: {undisturbed.wrong[0]}")
    calls = undisturbed.record.calls  # without the mechanism, the calls may have other numbers
    schedules = enumerate(spread(single_faults(calls), calls, seed)[: most - 1], start=2)
    while noticed := _next_noticed(world, mechanism, schedules):
        number, schedule, sentence = noticed
        if not judge(world, schedule).wrong:
            return Trial(number, sentence)
    return Trial(None, None)


def _next_noticed(
    world: World, mechanism: Mechanism, schedules: Iterator[tuple[int, Schedule]]
) -> tuple[int, Schedule, str] | None:
    """Return the next schedule about which the checker complains if the mechanism is missing."""
    with mechanism.removed(), world.worker.remembering():
        for number, schedule in schedules:
            judged = judge(world, schedule)
            if judged.wrong and not judged.failed_itself:
                return number, schedule, judged.wrong[0]
    return None
