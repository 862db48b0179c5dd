"""
List the states that the schedules of all parts must reach together.

A simulation that never reaches a state says nothing about it. So a state that is missing at the end counts as a
failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.simulate.faults import Kind, Way

if TYPE_CHECKING:
    from tools.simulate.record import Record

NEXT_RUN = "the next run is needed"
INSTANCE_CLEARED = "an instance of a mapped task is cleared alone"
TRIGGER_DISTURBED = "a trigger is disturbed"
MESSAGE_DISTURBED = "a message to Airflow is disturbed"
SWEPT = "the sweeper is needed after the last run"
PURCHASES = frozenset(
    {
        "CreateModelCustomizationJob",
        "CreateProvisionedModelThroughput",
        "CreateCustomModelDeployment",
        "CreateModelInvocationJob",
        "CreateEvaluationJob",
        "CreateAdvancedPromptOptimizationJob",
    }
)

MUST_BE_REACHED = frozenset(
    {
        # of tasks and triggers
        "killed",
        "retried",
        "deferred",
        "on_kill",
        "trigger lost",
        "two copies",
        INSTANCE_CLEARED,
        NEXT_RUN,
        SWEPT,
        # of the faults and of what follows
        TRIGGER_DISTURBED,
        MESSAGE_DISTURBED,
        *map(str, Kind),
        *map(str, Way),
        *(f"{purchase} is disturbed" for purchase in PURCHASES),
    }
)


def states_of(record: Record) -> set[str]:
    """Return the states that a schedule has reached. It reaches a fault only if the fault happens."""
    reached = set(record.reached)
    if len(record.ended) > 1:
        reached.add(NEXT_RUN)
    if record.sweeps:
        reached.add(SWEPT)
    reached |= {str(fault.kind) for fault, _ in record.crossed}
    for fault, call in record.met:
        reached.add(str(fault.kind))
        if call.process == "trigger":
            reached.add(TRIGGER_DISTURBED)
        if not call.is_aws:
            reached.add(MESSAGE_DISTURBED)
        if call.what in PURCHASES:
            reached.add(f"{call.what} is disturbed")
        if fault.way is Way.CLEAR and call.task.endswith("]"):
            reached.add(INSTANCE_CLEARED)
    return reached
