from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.sections import SourceData
from include.distill.dataset.split_notes import split_notes

FIGURES = {
    "documents": 100, "groups": 100, "evaluation_documents": 20, "evaluation_groups": 20, "largest_group_rows": 1,
    "template_documents": 0, "same_title_documents": 0, "generic_question_rows": 0, "kept_leaks": 0,
    "is_near_share": True,
}  # fmt: skip


def notes(group_column: str | None = None, **figures: Any) -> list[str]:
    counts: Any = {"accepted": 100, "evaluation": 20, "split": {**FIGURES, **figures}}
    return split_notes(SourceData(training_csv="a.csv", group_column=group_column), counts)


def test_a_usual_split_needs_no_note() -> None:
    assert notes() == []
    earlier: Any = {"accepted": 100}
    assert split_notes(SourceData(training_csv="a.csv"), earlier) == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"evaluation_groups": 12}, "set source.group_column"),
        ({"same_title_documents": 6}, "6 begin with the same words"),
        ({"template_documents": 30}, "30 of 100 documents"),
        ({"largest_group_rows": 60}, "60 of the 100 accepted rows"),
        ({"is_near_share": False}, "source.evaluation_share (0.1)"),
        ({"kept_leaks": 4}, "4 training rows"),
        ({"generic_question_rows": 7}, "7 evaluation rows"),
    ],
)
def test_an_unusual_split_is_explained(figures: dict[str, Any], words: str) -> None:
    (note,) = notes(**figures)
    assert words in note


def test_a_group_column_that_is_set_is_not_suggested() -> None:
    assert notes(group_column="page", evaluation_groups=12) == []
