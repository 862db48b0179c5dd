from __future__ import annotations

from typing import Any

import pytest

from include.distill.dataset.row_length import reject_too_long
from include.distill.dataset.rows import is_rejected, reject
from include.distill.dataset.tables import RowFault
from tests.distill.conftest import make_row

ROW: Any = make_row(7)


def too_long(row: Any, side: str) -> RowFault:
    return RowFault("too_long", f"the {side} row is too long.", "answer")


@pytest.mark.parametrize("check", [None, lambda row, side: None])
def test_a_row_that_fits_is_unchanged(check: Any) -> None:
    assert reject_too_long("train", ROW, check) == ("train", ROW)


def test_a_row_that_is_too_long_is_rejected_with_its_file_row_line_column_and_texts() -> None:
    target, row = reject_too_long("evaluation", ROW, too_long)
    assert target == "rejected"
    assert is_rejected(row)
    assert (row["reason"], row["column"]) == ("too_long", "answer")
    assert row["message"] == "rows.csv row 7 (line 8): the evaluation row is too long."
    assert row["text"] == {role: ROW[role] for role in ("document", "question", "answer")}


def test_a_row_that_was_rejected_before_keeps_its_reason() -> None:
    rejected = reject(ROW, reason="bridges_sides", message="related.")
    assert reject_too_long("rejected", rejected, too_long) == ("rejected", rejected)
