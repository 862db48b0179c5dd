"""Say what people do between two tasks of a schedule, in which no fault happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from tools.simulate.clock import VirtualClock
from tools.simulate.earlier import FORGOTTEN, FORGOTTEN_KEY, FORGOTTEN_RUN, Expected
from tools.simulate.wire import Wire

if TYPE_CHECKING:
    from tools.simulate.known_steps import KnownSteps
    from tools.simulate.parts import Part
    from tools.simulate.record import FirstState


class Installation(Protocol):
    """What people need of the simulated installation."""

    part: Part
    first: FirstState
    clock: VirtualClock
    wire: Wire
    worker: KnownSteps


def create_forgotten(expected: Expected, clock: VirtualClock) -> None:
    """
    Let an old copy of a task of a forgotten run create its throughput after the list was written.

    The old copy has slept for days, so the throughput has expired already.
    """
    clock.sleep(60)
    hook = BedrockDistillHook("aws_default")
    throughputs = list(hook.list_throughputs())
    tags = next(hook.tags(one.arn) for one in throughputs if one.name in expected.goes)
    run = {"run-id": FORGOTTEN_RUN, "run-key": FORGOTTEN_KEY, "expires-at": "2026-01-01T00:00:00Z"}
    model = next(one.model_arn for one in throughputs if "-champion-" in one.name)
    hook.create_throughput(name=FORGOTTEN, token=FORGOTTEN, model_arn=model, units=1, tags={**tags, **run})


# What happens before a task starts for the first time in a schedule, by the part's earlier runs.
MEANWHILE: Mapping[str, tuple[str, Callable[[Expected, VirtualClock], None]]] = {
    "leave_a_run": ("delete_leftovers", create_forgotten),
}


def act_meanwhile(world: Installation, task: str, attempts: Mapping[tuple[str, str], int]) -> None:
    """
    Let people act before a task starts for the first time.

    :param attempts: how often each task was started, by its run and its label. The present attempt is counted.
    """
    before, act = MEANWHILE.get(world.part.earlier or "", (None, None))
    starts = sum(count for (_, started), count in attempts.items() if started == task)
    if act is None or task != before or starts != 1:
        return
    world.worker.repeatable.begin(task.encode())
    with world.wire.unseen():
        act(world.first.expected, world.clock)
