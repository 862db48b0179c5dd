from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tools.compose.agreement import SYNTHESIS_COUNTS, compare, differences

REPORT: dict[str, Any] = {
    "use_case": "sample",
    "verdict": "tuned is better",
    "source": {"rows": 4, "accepted": 4, "rejected": 0, "train": 2, "evaluation": 2},
    "synthesis": {**dict.fromkeys(SYNTHESIS_COUNTS, 3), "calls": 9, "cache_hits": 0},
    "comparisons": [
        {"judge": judge, "candidate": "tuned", "baseline": "base", "n": 2, "wins": 1, "losses": 1, "ties": 0}
        | {"unparsable": 0}
        for judge in ("one", "two")
    ],
    "cost": {"actual_usd": 1.25},
}


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(REPORT) | parts


def test_costs_and_the_order_of_the_judges_do_not_matter() -> None:
    paid_before = REPORT["synthesis"] | {"calls": 0, "cache_hits": 9}
    other = changed(synthesis=paid_before, cost={"actual_usd": 0}, comparisons=REPORT["comparisons"][::-1])
    assert differences(REPORT, other) == []


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"verdict": "no difference"}, id="verdict"),
        pytest.param({"source": REPORT["source"] | {"rejected": 1}}, id="source"),
        pytest.param({"synthesis": REPORT["synthesis"] | {"missing": 4}}, id="synthesis"),
        pytest.param({"comparisons": [REPORT["comparisons"][0] | {"wins": 2}]}, id="comparisons"),
    ],
)
def test_each_other_difference_is_named(parts: dict[str, Any]) -> None:
    (line,) = differences(REPORT, changed(**parts))
    assert line.startswith(f"{next(iter(parts))}: ")


def test_a_report_that_differs_on_the_same_rows_fails(tmp_path: Path) -> None:
    other = tmp_path / "report.json"
    other.write_text(json.dumps(changed(verdict="no difference")))
    agrees, text = compare(REPORT, other)
    assert not agrees
    assert "verdict: 'tuned is better' and 'no difference'" in text


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({}, "agrees with that of `make run`", id="the same"),
        pytest.param({"source": REPORT["source"] | {"rows": 9}}, "made from other rows", id="other rows"),
        pytest.param(None, "`make run` creates it", id="no report"),
    ],
)
def test_a_report_that_agrees_or_cannot_be_compared_passes(
    tmp_path: Path, parts: dict[str, Any] | None, said: str
) -> None:
    other = tmp_path / "report.json"
    if parts is not None:
        other.write_text(json.dumps(changed(**parts)))
    agrees, text = compare(REPORT, other)
    assert agrees
    assert said in text
