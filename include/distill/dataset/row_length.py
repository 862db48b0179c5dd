"""
Reject rows that are too long for the student, before anything is bought.

The caller of ``ingest`` supplies the check as a function, because the training package defines the format of a training
record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from include.distill.dataset.records import RejectedRow, Row, Side
from include.distill.dataset.rows import is_rejected, reject
from include.distill.dataset.tables import RowFault

# The object under ``source/`` that a row is written to.
Target = Side | Literal["rejected"]
# Returns why a row on a side is too long, or None.
LengthCheck = Callable[[Row, Side], RowFault | None]


def reject_too_long(
    target: Target, row: Row | RejectedRow, check: LengthCheck | None
) -> tuple[Target, Row | RejectedRow]:
    """
    Reject an accepted row that is too long.

    :return: ``rejected`` and the rejected row if the row was rejected; otherwise, ``target`` and ``row`` unchanged.
    """
    if check is None or target == "rejected" or is_rejected(row):
        return target, row
    fault = check(row, target)
    if fault is None:
        return target, row
    return "rejected", reject(row, reason=fault.reason, message=fault.message, column=fault.column)
