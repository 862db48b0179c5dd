"""Say which tasks of the DAG a schedule executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """
    A part of the DAG.

    :ivar before: the tasks that are executed once. Their result is the first state of all schedules.
    :ivar tasks: the tasks that each schedule executes. All other tasks succeed at once and do nothing.
    :ivar training_rows: the number of rows of the training CSV. By default, the minimum of a fine-tuning job.
    :ivar use_case: the keys in which the part's use case differs from the one of :mod:`tools.simulate.use_case`.
    """

    name: str
    before: tuple[str, ...]
    tasks: tuple[str, ...]
    training_rows: int = 8
    use_case: Mapping[str, Any] = field(default_factory=dict, hash=False)


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
ON_DEMAND = Part(
    "on-demand",
    before=(*_PREPARED, "tuned.submit", "tuned.trained"),
    tasks=("tuned.deploy", "tuned.active", "tuned.undeploy", "outcome"),
    use_case={"serving": {"mode": "on_demand", "poll_interval_seconds": 400}},
)
DISTILLATION = Part(
    "distillation",
    before=_PREPARED,
    tasks=("tuned.submit", "tuned.trained", "outcome"),
    training_rows=100,  # the minimum of a distillation job
    use_case={
        "arms": [
            {"name": "base", "kind": "base"},
            {"name": "tuned", "kind": "distilled", "teacher": "nova-pro", "originals": "all"},
        ]
    },
)
_SYNTHETIC = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 1}]
BATCH = Part(
    "batch_jobs",
    before=("preflight", "ingest", "estimate", "approve_spending", "shards"),
    tasks=("synthesize_batch.submit", "synthesize_batch.wait", "synthesize_batch.collect", "outcome"),
    use_case={
        "teacher": "nova-lite",
        "arms": _SYNTHETIC,
        "synthesis": {"inference": "batch", "pairs_per_document": 1},
        "batch": {"poll_interval_seconds": 1500},
    },
    training_rows=100,  # the fewest records of a batch job
)
SYNTHESIS = Part(
    "synthesis",
    before=("preflight", "ingest", "estimate", "approve_spending", "shards"),
    tasks=("synthesize", "curate", "outcome"),
    use_case={
        "arms": _SYNTHETIC,
        "synthesis": {"pairs_per_document": 1},
        "fan_out": {"max_tasks": 2, "evaluation_tasks": 1, "concurrency": 2},
    },
)
_SCORE = "evaluate.base_by_claude-haiku-4-5"
EVALUATION = Part(
    "evaluation",
    before=("preflight", "ingest", "estimate", "approve_spending", "evaluation_shards", "base.answer"),
    tasks=(f"{_SCORE}.submit", f"{_SCORE}.wait", f"{_SCORE}.collect", "outcome"),
    use_case={
        "evaluations": {
            "pointwise": {
                "evaluators": ["claude-haiku-4-5"],
                "metrics": ["Builtin.Correctness"],
                "poll_interval_seconds": 1500,
            }
        }
    },
)
PARTS = (TRAINING, SERVING, ON_DEMAND, DISTILLATION, BATCH, SYNTHESIS, EVALUATION)
