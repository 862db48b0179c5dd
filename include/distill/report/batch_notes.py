"""Describe how a run used batch jobs: steps with too few requests for a job, and the number of answers from jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from include.distill.batch.records import BatchStep
from include.distill.batch.step_requests import inference_mode, models_of_step
from include.distill.config.use_case import UseCase
from include.distill.cost.estimate import meets_batch_minimum
from include.distill.curation.records import CurateManifest
from include.distill.evaluation.records import JudgeManifest
from include.distill.inference.records import UsageRecord
from include.distill.report.run_summary import sum_usage

BATCH_NOTE = "paid answers from batch jobs"
_REST = (
    "the other calls were on demand at the full price, because there were too few requests for a job, a job gave no"
    " answer, or a request was repeated"
)


def too_few_for_batch(use_case: UseCase, calls: Mapping[str, int]) -> Iterator[str]:
    """
    Describe the steps that call models on demand although the use case requests batch jobs.

    :param calls: expected number of calls of each step, from :func:`include.distill.cost.estimate.expected_calls`.
    """
    for step in _batch_steps(use_case):
        for model in models_of_step(use_case, step):
            count = calls["synthesis" if step == "synthesize" else f"judging {model.key}"]
            if model.batch and not meets_batch_minimum(model, count):
                yield (
                    f"{step} calls {model.key} on demand, at the full price: Bedrock requires at least"
                    f" {model.batch.minimum_records} requests for a batch job, but there are only {count}."
                )


def batch_answer_note(
    use_case: UseCase, synthesis: Sequence[CurateManifest], judgments: Sequence[JudgeManifest]
) -> dict[str, str]:
    """
    Describe how many of the paid answers came from batch jobs.

    :return: a dictionary with one sentence under the key ``BATCH_NOTE``; an empty dictionary if no step uses batch jobs
        or no answer was paid for.
    """
    manifests: dict[BatchStep, Sequence[UsageRecord]] = {"synthesize": synthesis, "judge": judgments}
    usage = {step: sum_usage(manifests[step], ("batch_calls", "calls")) for step in _batch_steps(use_case)}
    paid = {step: counts for step, counts in usage.items() if counts["calls"]}
    if not paid:
        return {}
    answered = ", ".join(f"{step} {counts['batch_calls']} of {counts['calls']}" for step, counts in paid.items())
    complete = all(counts["batch_calls"] == counts["calls"] for counts in paid.values())
    return {BATCH_NOTE: answered if complete else f"{answered}; {_REST}"}


def _batch_steps(use_case: UseCase) -> list[BatchStep]:
    return [step for step in get_args(BatchStep) if inference_mode(use_case, step) == "batch"]
