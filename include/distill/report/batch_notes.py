"""What a reader is told of ``inference: batch``: before the run which questions are too few, afterwards what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from include.distill.batch.records import BatchStep
from include.distill.batch.step_requests import inference_mode, models_of_step
from include.distill.config.use_case import UseCase
from include.distill.core.storage import Record
from include.distill.cost.estimate import meets_batch_minimum
from include.distill.report.run_summary import sum_counts

BATCH_NOTE = "paid answers from batch jobs"
_LEFT = "what is left was asked on demand at the full price: too few questions for a job, left by one, or asked again"


def too_few_for_batch(use_case: UseCase, calls: Mapping[str, int]) -> Iterator[str]:
    """
    Say which steps will ask on demand although batch jobs are wanted.

    :param calls: as :func:`include.distill.cost.estimate.expected_calls` returns them.
    """
    for step in _wanted(use_case):
        for model in models_of_step(use_case, step):
            count = calls["synthesis" if step == "synthesize" else f"judging {model.key}"]
            if model.batch and not meets_batch_minimum(model, count):
                yield (
                    f"{step} asks {model.key} on demand, at the full price: {count} questions are fewer than the"
                    f" {model.batch.minimum_records} that Bedrock takes in a batch job."
                )


def batch_answer_note(use_case: UseCase, synthesis: Sequence[Record], judgments: Sequence[Record]) -> dict[str, str]:
    """Return how many of a run's paid answers came from batch jobs; nothing when none were wanted or paid."""
    manifests = {"synthesize": synthesis, "judge": judgments}
    counts = {step: sum_counts(manifests[step], ("batch_calls", "calls")) for step in _wanted(use_case)}
    counts = {step: count for step, count in counts.items() if count["calls"]}
    if not counts:
        return {}
    answered_by_step = ", ".join(f"{step} {count['batch_calls']} of {count['calls']}" for step, count in counts.items())
    complete = all(count["batch_calls"] == count["calls"] for count in counts.values())
    return {BATCH_NOTE: answered_by_step if complete else f"{answered_by_step}; {_LEFT}"}


def _wanted(use_case: UseCase) -> list[BatchStep]:
    return [step for step in get_args(BatchStep) if inference_mode(use_case, step) == "batch"]
