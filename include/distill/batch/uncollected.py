"""
Count the tokens of a batch job whose answers are not stored yet.

A stored answer states its number of tokens. Before the answers are stored, the numbers come from Bedrock's summary of
the job. If there is no summary, the largest possible numbers are used.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.batch.lost_records import input_tokens
from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.batch.records import BatchTokenCounts
from include.distill.core.errors import NotFoundError, StoredRecordError
from include.distill.core.storage import ObjectStore, read_json


@dataclass(frozen=True)
class BatchTokens:
    """The billed tokens of a batch job. Unless ``exact`` is set, the numbers are the maximum that Bedrock can bill."""

    input_tokens: int
    output_tokens: int
    exact: bool


def uncollected_tokens(store: ObjectStore, plan: BatchJobPlan, job_id: str, *, answered: int | None) -> BatchTokens:
    """
    Return the tokens that a job is billed for.

    They come from the summary in the job's output. If there is no summary yet, the result is the largest number of
    tokens that Bedrock can bill for the job.

    :param job_id: last part of the job's ARN. Bedrock writes into a folder with this name.
    :param answered: number of answered records; ``None`` while the job is running and may still answer all records.
    """
    if answered is not None:
        try:
            counts = read_json(store, f"{plan.output_uri}{job_id}/manifest.json.out", BatchTokenCounts)
            return BatchTokens(counts["inputTokenCount"], counts["outputTokenCount"], exact=True)
        except (NotFoundError, StoredRecordError):  # a job that failed may have no summary
            pass
    records = plan.records if answered is None else answered
    if not records:
        return BatchTokens(0, 0, exact=True)
    longest = sorted(input_tokens(store, plan).values(), reverse=True)[:records]
    return BatchTokens(sum(longest), records * plan.max_tokens, exact=False)
