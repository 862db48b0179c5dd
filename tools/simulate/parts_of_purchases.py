"""Define the parts whose runs must not buy, or buy under conditions that the first parts do not have."""

from __future__ import annotations

from dataclasses import replace

from tools.simulate.parts import ON_DEMAND, Approval, Part
from tools.simulate.small_batches import LEAST_RECORDS

_ASKS = {"before_spending": "always", "before_hourly": "never"}
_OPTIMIZED = {"name": "better", "kind": "base", "prompt": "optimized"}
_FOUND = ("tuned.merge", "tuned.upload", "tuned.submit", "tuned.trained")
# An earlier run has bought the model, so that a run that buys nothing gets as far as the endpoint.
REJECTED_PURCHASES = Part(
    "rejected_purchases",
    before=("preflight", "ingest", "estimate"),
    tasks=(
        "approve_spending",
        "evaluation_shards",
        "base.answer",
        "better.optimize.submit",
        "better.optimize.wait",
        "shards",
        "synthesize_batch.submit",
        "synthesize_batch.wait",
        *_FOUND,
        "tuned.provision",
        "tuned.in_service",
        "tuned.release",
        "outcome",
    ),
    training_rows=LEAST_RECORDS,
    use_case={
        "max_spend_usd": 500,
        "approval": _ASKS,
        "teacher": "nova-lite",
        "arms": [
            {"name": "base", "kind": "base"},
            {"name": "tuned", "originals": "all", "synthetic": 0},
            {"name": "grown", "originals": "all", "synthetic": 1},
            _OPTIMIZED,
        ],
        "synthesis": {"inference": "batch", "pairs_per_document": 1},
    },
    must_fail=True,
    approval=Approval("Reject"),
    earlier="train",
)
REJECTED_DEPLOYMENT = replace(
    REJECTED_PURCHASES,
    name="rejected_deployment",
    tasks=("approve_spending", *_FOUND, "tuned.deploy", "tuned.active", "tuned.undeploy", "outcome"),
    training_rows=8,
    use_case={"approval": _ASKS, "serving": ON_DEMAND.use_case["serving"]},
)
OPTIMIZATION = Part(
    "optimization",
    before=("preflight", "ingest", "estimate", "approve_spending", "evaluation_shards"),
    tasks=("better.optimize.submit", "better.optimize.wait", "better.optimize.collect", "outcome"),
    use_case={
        "arms": [{"name": "base", "kind": "base"}, _OPTIMIZED],
        "prompt_optimization": {"samples": 2, "poll_interval_seconds": 1500},
    },
)
# The use case lets `estimate` choose how to serve. It chooses throughput, because no arm may take longer on demand than
# this fraction of an hour. So the tasks for deployments buy throughput.
CHOSEN_THROUGHPUT = replace(
    ON_DEMAND,
    name="chosen_throughput",
    use_case={"serving": {"mode": "auto", "max_hours": 0.000001, "poll_interval_seconds": 400}},
)
# The data has a validation file, and the schedules disturb its upload.
VALIDATION = Part(
    "validation",
    before=("preflight", "ingest", "estimate", "approve_spending", "evaluation_shards", "tuned.merge"),
    tasks=("tuned.upload", "tuned.submit", "tuned.trained", "outcome"),
    training_rows=16,
    use_case={"training": {"validation_share": 0.2, "poll_interval_seconds": 1500}},
)
