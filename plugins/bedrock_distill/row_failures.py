"""What a task does with rows that failed: try again while trying helps, then record them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.distill.fan_out import Failure
from include.distill.storage import Record

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def retry_or_record(failures: Sequence[Failure[Record]], context: Context) -> list[Record]:
    """
    Return one record per failed row, or raise so that Airflow tries the task again.

    A retry asks only for what is missing: answers that came are stored.

    :raises ServiceError: a row failed for a passing cause and the task has tries left.
    """
    ti = context["ti"]
    passing = [failure for failure in failures if failure.worth_retrying]
    if passing and ti.try_number <= ti.max_tries:
        raise passing[0].error
    for failure in failures:
        log.error("Row %s failed: %s", failure.item["row"], failure.error)
    return [
        {
            "row_id": failure.item["row_id"],
            "reason": type(failure.error).__name__,
            "message": str(failure.error),
            "text": {"question": failure.item["question"]},
        }
        for failure in failures
    ]
