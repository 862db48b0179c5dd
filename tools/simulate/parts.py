"""Say which tasks of the DAG a schedule executes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """
    A part of the DAG.

    :ivar before: the tasks that are executed once. Their result is the first state of all schedules.
    :ivar tasks: the tasks that each schedule executes. All other tasks succeed at once and do nothing.
    """

    name: str
    before: tuple[str, ...]
    tasks: tuple[str, ...]


_PREPARED = (
    "preflight",
    "ingest",
    "estimate",
    "approve_spending",
    "evaluation_shards",
    "tuned.merge",
    "tuned.upload",
)
TRAINING = Part("training", before=_PREPARED, tasks=("tuned.submit", "tuned.trained", "outcome"))
SERVING = Part(
    "serving",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.provision", "tuned.in_service", "tuned.release", "outcome"),
)
PARTS = (TRAINING, SERVING)
