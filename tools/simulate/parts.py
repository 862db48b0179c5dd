"""Say which tasks of the DAG a schedule executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Promoting:
    """
    How a run promotes its winner. The first state contains a report in which the arm ``tuned`` has won.

    :ivar choice: what the person answers to the question of ``approve``; ``None`` if nobody answers in time.
    :ivar has_champion: whether the first state has a champion that another model replaces.
    """

    choice: str | None
    has_champion: bool = False


@dataclass(frozen=True)
class Part:
    """
    A part of the DAG.

    :ivar before: the tasks that are executed once. Their result is the first state of all schedules.
    :ivar tasks: the tasks that each schedule executes. All other tasks succeed at once and do nothing. A task that is
        also in ``before`` is executed again by each run, because its result depends on what the earlier run has left.
    :ivar training_rows: the number of rows of the training CSV. By default, the minimum of a fine-tuning job.
    :ivar use_case: the keys in which the part's use case differs from the one of :mod:`tools.simulate.use_case`.
    :ivar promotion: how the winner of each run is promoted; ``None`` if the part ends before the report.
    """

    name: str
    before: tuple[str, ...]
    tasks: tuple[str, ...]
    training_rows: int = 8
    use_case: Mapping[str, Any] = field(default_factory=dict, hash=False)
    promotion: Promoting | None = None


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
_STANDING = {
    "max_spend_usd": 500,  # the endpoints of two arms
    "promotion": {"serve": "provisioned", "ask_a_person": True, "smoke_prompts": 2},
    "arms": [
        {"name": "base", "kind": "base"},
        {"name": "best", "kind": "champion"},
        {"name": "tuned", "originals": "all", "synthetic": 0},
    ],
}


def _promotion(name: str, choice: str | None, *, has_champion: bool = False) -> Part:
    return Part(
        name,
        before=(*_PREPARED, "tuned.submit", "tuned.trained"),
        tasks=("preflight", "approve", "start_switch", "switch", "switched", "smoke", "promote", "settle", "outcome"),
        use_case=_STANDING,
        promotion=Promoting(choice, has_champion),
    )


PROMOTION = _promotion("promotion", "Approve")
REPLACEMENT = _promotion("replacement", "Approve", has_champion=True)
REJECTION = _promotion("rejection", "Reject", has_champion=True)
SILENCE = _promotion("silence", None)
PARTS = (
    TRAINING,
    SERVING,
    ON_DEMAND,
    DISTILLATION,
    BATCH,
    SYNTHESIS,
    EVALUATION,
    PROMOTION,
    REPLACEMENT,
    REJECTION,
    SILENCE,
)
