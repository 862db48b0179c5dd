"""Test the schema of the changes since the nights before."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.report.build import build_report
from include.distill.report.schema import check_report
from tests.distill.report.example_report import inputs
from tests.distill.report.test_drift_notes import LOWER


def checked(**changes: Any) -> Any:
    return check_report({**build_report(**inputs()), **changes})


def test_changes_are_kept_and_a_report_without_them_stays_without_them() -> None:
    assert checked(drift=[LOWER])["drift"] == [LOWER]
    assert checked(drift=[])["drift"] == []
    assert "drift" not in checked()


@pytest.mark.parametrize("fault", [{"value": 0.5}, {"measure": "mood"}, {"runs": -1}, {"low": float("nan")}])
def test_a_wrong_change_is_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ReconciliationError, match=r"drift\.0"):
        checked(drift=[{**LOWER, **fault}])
