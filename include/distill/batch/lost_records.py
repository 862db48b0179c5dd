"""
Record the answers of a batch job that were billed but cannot be used.

Such an answer has an unknown format, or it is missing from the job's output although Bedrock counted it as successful.
The request is sent again on demand, so the bill must contain the lost answer and the new one.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection

from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.batch.records import BatchInputLine
from include.distill.core.naming import canonical_hash
from include.distill.core.storage import ObjectStore, stream_jsonl, write_json
from include.distill.inference.records import LostCallRecord
from include.distill.text.token_count import token_counts


def input_tokens(store: ObjectStore, plan: BatchJobPlan) -> dict[str, int]:
    """Return a high estimate of each request's number of input tokens, by the request's key."""
    return {
        line["recordId"]: token_counts(json.dumps(line["modelInput"], ensure_ascii=False))[1]
        for line in stream_jsonl(store, plan.input_uri, BatchInputLine)
    }


def record_lost_answers(
    store: ObjectStore,
    plan: BatchJobPlan,
    *,
    unreadable: Collection[str],
    without_line: Collection[str],
    missing: int,
    lost_calls_uri: str,
) -> None:
    """
    Store one record for each answer of a job that was billed but cannot be used.

    The names of the records depend only on the job, so a second call stores the same records.

    :param unreadable: keys of the requests whose answers have an unknown format.
    :param without_line: keys of the requests that the output does not contain.
    :param missing: how many of the requests in ``without_line`` were billed. Bedrock does not say which ones, so the
        longest requests are recorded.
    :param lost_calls_uri: folder for the records, in the folder of the run that pays for the job.
    """
    missing = max(0, min(missing, len(without_line)))
    if not unreadable and not missing:
        return
    tokens = input_tokens(store, plan)
    longest = heapq.nlargest(missing, sorted(without_line), key=lambda key: tokens[key])
    for key in [*sorted(unreadable), *longest]:
        record: LostCallRecord = {
            "key": key,
            "model": plan.model,
            "round": f"batch job {plan.name}",
            "input_tokens": tokens[key],
            "output_tokens": plan.max_tokens,
            "batch": True,
        }
        write_json(store, f"{lost_calls_uri}{canonical_hash([plan.name])[:16]}-{key}-1.json", record)
