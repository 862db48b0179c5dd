"""
Say which task to clear if an object of the project cannot be used, and what that costs.

The object is recognized by its URI; :mod:`include.distill.config.layout` builds these URIs.
"""

from __future__ import annotations

import re
from typing import TypedDict

from include.distill.core.errors import FAILED_TASK, MissingObjectError, StoredRecordError

_STORED_ANSWERS = (
    "It reuses the stored answers, which costs nothing, and pays only for requests that have changed or whose answers"
    " were deleted."
)
# The shipped buckets keep no versions, so there is an earlier version only in another bucket or in a backup.
_RESTORE = "Restore the object from a backup or, if the bucket keeps versions, from an earlier version."
_CORRECT = "Download the object and correct it."
_BATCH_JOB = f"{_RESTORE} Do not delete the object: the job's answers would be bought again."
_BILL = f"{_RESTORE} Do not delete the object: the bill of the run is computed from it."


class Advice(TypedDict):
    """The parts of an error that say what to do about an object."""

    to_do: str
    then_clear: str


# Each row has a pattern for an object's URI, the advice on the object, and sometimes the task to clear after that. The
# pattern's groups are inserted into the advice as {0}, {1} and so on.
_ROWS: tuple[tuple[str, ...], ...] = (
    (
        r"/runs/.+/(?:use_case\.yaml|prompts\.json|champion\.json)",
        f"{_RESTORE} Or clear preflight with downstream. Preflight freezes the"
        " current use case and prompts. If they have changed since preflight last ran, everything that the change"
        " affects is bought again; estimate lists it with its price.",
    ),
    (
        r"/runs/.+/source/[^/]+",
        "Clear ingest with downstream in the run that owns the folder. It costs nothing. The tasks after it reuse"
        " stored answers and jobs if the rows have not changed.",
    ),
    (
        r"/runs/.+/shards/train-[^/]+",
        f"Clear shards with downstream, which costs nothing. synthesize follows. {_STORED_ANSWERS}",
    ),
    (
        r"/runs/.+/shards/evaluation-[^/]+",
        f"Clear evaluation_shards with downstream, which costs nothing. The answer tasks follow. {_STORED_ANSWERS}",
    ),
    (
        r"/runs/.+/estimate\.json",
        "Clear estimate without downstream, which costs nothing.",
        FAILED_TASK,
    ),
    (r"/runs/.+/spending_approval\.json", "Clear approve_spending with downstream. It asks again, and buys nothing."),
    (
        r"/runs/.+/synthetic/critic-ended-[^/]+",
        "Delete the object, then clear synthesize with downstream. The critic may then be called again, for at most"
        " curation.critic.max_spend_usd.",
    ),
    (
        r"/runs/.+/synthetic/rejected-repeated\.jsonl",
        "Clear curate with downstream. It costs nothing, and the tasks after it reuse stored answers and jobs.",
    ),
    (r"/runs/.+/synthetic/[^/]+", f"Clear synthesize with downstream. {_STORED_ANSWERS}"),
    (
        r"/runs/.+/merged/([^/]+)/[^/]+",
        "Clear {0}.merge with downstream. It costs nothing, and the existing training job is reused if the"
        " training data has not changed.",
    ),
    (
        r"/runs/.+/answers/([^/]+)/[^/]+",
        f"Clear {{0}}.answer with downstream. {_STORED_ANSWERS}",
    ),
    (
        r"/runs/.+/optimized_prompts/([^/]+)\.json",
        "Clear {0}.optimize.collect with downstream. The existing job is reused if its input has not changed."
        f" {_STORED_ANSWERS}",
    ),
    (
        r"/runs/.+/judgments/([^/]+)/([^/]+)/[^/]+",
        "Clear judge.{0} with downstream. For a comparison with the champion, clear judge_champion.{0} with downstream"
        f" instead. {_STORED_ANSWERS}",
    ),
    (r"/runs/.+/serving/[^/]+/[^/]+", _BILL, FAILED_TASK),
    (r"/runs/.+/standing/[^/]+", _BILL, FAILED_TASK),
    (r"/runs/.+/lost_calls/[^/]+", _BILL, FAILED_TASK),
    (r"/runs/.+/progress/[^/]+", "Delete the object. Only the live page of the run reads it.", FAILED_TASK),
    (
        r"/runs/.+/report/report\.json",
        "Clear report in the run that owns the folder. It buys nothing.",
        FAILED_TASK,
    ),
    (
        r"/runs/.+/report/label_sample/.+",
        "Clear draw_sample with downstream. It buys nothing, and stored labels are kept.",
    ),
    (
        r"/runs/.+/report/labels/[^/]+",
        f"{_RESTORE} If you delete the object instead, the labels in it are lost.",
        FAILED_TASK,
    ),
    (
        r"/latest/[^/]+\.json",
        "Delete the object, then clear ingest with downstream. It buys nothing; only the comparison with the last"
        " run is lost.",
    ),
    (
        r"/splits/[^/]+\.jsonl",
        f"{_RESTORE} Then clear ingest with downstream, which costs nothing. If you"
        " delete the object instead, ingest assigns all documents to training or evaluation again, so training,"
        " answers and verdicts are bought again.",
    ),
    (
        r"/endpoints/[^/]+/change\.json",
        f"{_RESTORE} Do not delete the object: it records the number of the last change to the standing endpoint, and"
        " the next change must have a higher number.",
        FAILED_TASK,
    ),
    (
        r"/endpoints/[^/]+/smoke\.json",
        f"{_RESTORE} In a run that promotes a model, you can clear switch with downstream instead, which writes it"
        " again.",
        FAILED_TASK,
    ),
    (r"/endpoints/[^/]+/rollbacks/[^/]+", f"{_RESTORE} Or trigger distill_rollback again.", FAILED_TASK),
    (
        r"/history/[^/]+/[^/]+\.json",
        f"{_CORRECT} Or move it out of the folder history/: the trend and the budget of the use case then lack the runs"
        " of its month.",
        FAILED_TASK,
    ),
    (r"/notifications/unsent/.+", "Delete the object. It is a message that has not been sent.", FAILED_TASK),
    (
        r"/reports/[^/]+/[^/]+\.json",
        "Delete the object, then clear report in the run that it names. It buys nothing.",
    ),
    (r"/batches/(?:open|landed)/[^/]+", _BATCH_JOB, FAILED_TASK),
    (
        r"/batches/[0-9a-f]{64}/claim\.json",
        "Delete the object. It is written again before a purchase.",
        FAILED_TASK,
    ),
    (r"/batches/[0-9a-f]{16,}/.+", _BATCH_JOB, FAILED_TASK),
)
_ADVICE = tuple((re.compile(f"{pattern}$"), advice, "".join(task)) for pattern, advice, *task in _ROWS)
_OF_A_BATCH_JOB = re.compile(r"/batches/(?:open|landed|[0-9a-f]{16,})/")
_UNKNOWN = f"Clear the task that writes the object. If no task writes it again: {_RESTORE}"


def advice_on(uri: str) -> Advice:
    """Return what to do about the object at ``uri`` if it is missing or cannot be used."""
    for pattern, advice, then_clear in _ADVICE:
        if match := pattern.search(uri):
            return {"to_do": advice.format(*match.groups()), "then_clear": then_clear}
    return {"to_do": _UNKNOWN, "then_clear": ""}


def _batch_job(uri: str) -> str:
    return " The batch job that the object describes may be billed." if _OF_A_BATCH_JOB.search(uri) else ""


def broken_record(uri: str, fault: str, *, line: int | None = None) -> StoredRecordError:
    """
    Return the error about a stored object that cannot be used.

    :param fault: what is wrong with the object or the line, as the end of a sentence.
    :param line: number of the line that is wrong.
    """
    place = uri if line is None else f"{uri} line {line}"
    return StoredRecordError(
        f"{place} {fault}. The object may have been truncated, or an earlier version or another program may have"
        " written it.",
        fault=fault,
        left=f"The object was not changed, and everything that is paid for stays stored.{_batch_job(uri)}",
        **advice_on(uri),
    )


def missing_object(uri: str) -> MissingObjectError:
    """Return the error about a missing object that an earlier task should have stored."""
    return MissingObjectError(
        f"{uri} does not exist. It was deleted, or the task that writes it has not ended.",
        left=f"Everything that is paid for stays stored.{_batch_job(uri)}",
        **advice_on(uri),
    )
