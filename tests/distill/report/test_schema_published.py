"""The schema of published figures refuses figures that contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.report.build import build_report
from include.distill.report.published import published_record
from tests.distill.conftest import article_use_case
from tests.distill.report.example_report import inputs


def part(**changes: Any) -> Any:
    record = published_record(article_use_case())
    return {**record, "figures": [{**record["figures"][0], **changes}]}


def test_the_articles_figures_are_stored_unchanged() -> None:
    assert build_report(**inputs(), published=part())["published"] == part()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"preference": 0.95}, "does not contain 0.95"),
        ({"preference": 84.8}, "less than or equal to 1"),
        ({"verified": "yes"}, "valid boolean"),
    ],
)
def test_a_figure_that_cannot_be_true_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ReconciliationError, match=problem):
        build_report(**inputs(), published=part(**changes))
