"""What a task does with rows that failed: try again while trying helps, then record them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import ServiceError, ThrottledError, TransientError
from include.distill.synthesis.records import FailedRow

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def retry_or_record(failures: Sequence[tuple[Mapping[str, Any], ServiceError]], context: Context) -> list[FailedRow]:
    """
    Return one record per failed row, or raise so that Airflow tries the task again.

    :param failures: rows with their errors.

    A retry asks only for what is missing: answers that came are stored.

    :raises ServiceError: a row failed for a passing cause and the task has tries left.
    """
    ti = context["ti"]
    passing = [error for _, error in failures if isinstance(error, ThrottledError | TransientError)]
    if passing and ti.try_number <= ti.max_tries:
        raise passing[0]
    for row, error in failures:
        log.error("Row %s failed: %s", row["row"], error)
    return [
        {
            "row_id": row["row_id"],
            "reason": type(error).__name__,
            "message": str(error),
            "text": {"question": row["question"]},
        }
        for row, error in failures
    ]
