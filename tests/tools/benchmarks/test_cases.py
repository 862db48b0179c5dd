"""The table of cases."""

from __future__ import annotations

from tools.benchmarks.cases import CASES


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
