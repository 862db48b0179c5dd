"""Retry a task with failed rows as long as a retry can help; then record the failed rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.distill.core.errors import PossiblyBilledError, ServiceError, ThrottledError, TransientError
from include.distill.dataset.records import Row
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
    transient_errors = [error for _, error in failures if _may_be_repeated(error)]
    if transient_errors and ti.try_number <= ti.max_tries:
        raise transient_errors[0]
    for row, error in failures:
        log.error("Row %s failed: %s", row["row"], error.happened)
    return [
        {
            "row_id": row["row_id"],
            "reason": type(error).__name__,
            "message": error.happened,
            "text": {"question": row["question"]},
        }
        for row, error in failures
    ]


def _may_be_repeated(error: ServiceError) -> bool:
    return isinstance(error, ThrottledError | TransientError) and not isinstance(error, PossiblyBilledError)
