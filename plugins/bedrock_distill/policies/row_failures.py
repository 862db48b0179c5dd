"""Retry a task with failed rows as long as a retry can help; then record the failed rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.distill.core.errors import FAILED_TASK, PossiblyBilledError, ServiceError, ThrottledError, TransientError
from include.distill.dataset.records import Row
from include.distill.synthesis.failure_causes import advice_on_causes, describe_causes, failure_causes
from include.distill.synthesis.records import FailedRow

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def retry_or_record(failures: Sequence[tuple[Row, ServiceError]], context: Context) -> list[FailedRow]:
    """
    Return a record of each failed row, or raise an error so that Airflow retries the task.

    A retry sends only the requests that have no stored answer. A request whose answer was lost is no reason for a
    retry, because AWS may bill it each time it is sent.

    :param failures: the failed rows, each with its error.
    :raises ServiceError: a row failed for a transient reason, and the task has retries left.
    """
    ti = context["ti"]
    records = [_record(row, error) for row, error in failures]
    causes = failure_causes(records)
    transient_errors = [error for _, error in failures if _may_be_repeated(error)]
    if transient_errors and ti.try_number <= ti.max_tries:
        first = transient_errors[0]
        raise type(first)(
            f"Calls without an answer: {len(failures)}. {describe_causes(causes)}",
            to_do=advice_on_causes(causes),
            then_clear=FAILED_TASK,
            effect="requests only the missing answers",
        ) from first
    for row, error in failures:
        log.error("Row %s failed: %s", row["row"], error.happened)
    return records


def is_caused_by_service(error: ServiceError) -> bool:
    """Return whether a call failed because of a quota, the network or AWS, and not because of its row."""
    return isinstance(error, ThrottledError | TransientError)


def _record(row: Row, error: ServiceError) -> FailedRow:
    return {
        "row_id": row["row_id"],
        "reason": type(error).__name__,
        "code": error.code,
        "message": error.happened,
        "advice": error.to_do,
        "text": {"question": row["question"]},
    }


def _may_be_repeated(error: ServiceError) -> bool:
    return is_caused_by_service(error) and not isinstance(error, PossiblyBilledError)
