from __future__ import annotations

from typing import get_args

import pytest

from include.distill.core.errors import InputError
from include.distill.dataset.records import RejectedRow, RowRejectionReason, UngroupedRow
from include.distill.dataset.rejection_limit import FEWEST_UNUSABLE_ROWS, UNUSABLE_REASONS, RejectionLimit

ROW: UngroupedRow = {
    "row_id": "0" * 16, "row": 1, "line": 2, "source": "f.csv", "document": "d", "question": "q", "answer": "a",
}  # fmt: skip


def rejected(reason: RowRejectionReason, row: int = 1) -> RejectedRow:
    message = f"f.csv row {row} (line {row + 1}): it is broken."
    return {
        "row": row,
        "line": row + 1,
        "source": "f.csv",
        "column": None,
        "reason": reason,
        "message": message,
        "text": "a,b\n",
    }


def counted(accepted: int, unusable: int, reason: RowRejectionReason = "too_many_fields") -> RejectionLimit:
    limit = RejectionLimit("s3://in/f.csv", 0.2)
    for _ in range(accepted):
        limit.count(ROW)
    for number in range(unusable):
        limit.count(rejected(reason, number + 1))
    return limit


@pytest.mark.parametrize("reason", sorted(UNUSABLE_REASONS))
def test_too_many_unusable_rows_stop_the_run_with_the_share_and_the_first_rows(reason: RowRejectionReason) -> None:
    with pytest.raises(InputError) as raised:
        counted(20, 180, reason).check()
    message = str(raised.value)
    assert "180 of the 200 rows of s3://in/f.csv cannot be used (90%; source.max_rejected_share allows 20%)" in message
    assert f"Reasons: {reason} 180:" in message
    assert raised.value.left == "Nothing was written."
    assert raised.value.billed == "Nothing was bought."
    assert f"- f.csv row 1 (line 2): it is broken. ({reason})" in message
    assert message.count("\n") == 6


@pytest.mark.parametrize(("accepted", "unusable"), [(80, 20), (990, 10), (1, FEWEST_UNUSABLE_ROWS - 1), (0, 0)])
def test_a_small_share_and_a_few_rows_do_not_stop_the_run(accepted: int, unusable: int) -> None:
    counted(accepted, unusable).check()


@pytest.mark.parametrize("reason", sorted(set(get_args(RowRejectionReason)) - UNUSABLE_REASONS))
def test_rows_that_are_rejected_for_what_other_rows_contain_do_not_count(reason: RowRejectionReason) -> None:
    counted(1, 99, reason).check()


def test_blank_rows_are_left_out() -> None:
    limit = counted(8, 2)
    blank = rejected("empty_field")
    blank["text"] = {"document": "", "question": " ", "answer": "\xa0"}
    for _ in range(50):
        limit.count(blank)
    limit.check()
    limit.count(rejected("empty_field"))
    with pytest.raises(InputError, match="3 of the 11 rows"):
        limit.check()


def test_duplicates_and_leaks_are_no_fault_of_the_file() -> None:
    assert not UNUSABLE_REASONS & {"duplicate", "in_evaluation_set", "document_in_evaluation_set", "bridges_sides"}
