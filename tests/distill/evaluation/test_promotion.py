"""The rule: every condition alone can refuse, and what cannot be checked refuses."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.sections import Promotion
from include.distill.evaluation.promotion import decide_promotion, false_promotions_a_year

JUDGES = ("haiku", "llama")


def comparison(judge: str, **changes: Any) -> dict[str, Any]:
    good = {
        "judge": judge,
        "candidate": "tuned",
        "baseline": "champion",
        "n": 100,
        "wins": 60,
        "losses": 20,
        "ties": 20,
        "unparsable": 0,
        "decisive_clusters": 60,
        "half_win_rate": 0.7,
        "half_win_ci95": [0.61, 0.78],
    }
    return {**good, **changes}


def decision(*comparisons: dict[str, Any], leaks: int | None = 0, **rule: Any) -> Any:
    return decide_promotion(
        comparisons, candidate="tuned", champion="champion", judges=JUDGES, contaminated=leaks, rule=Promotion(**rule)
    )


def test_a_candidate_that_convinces_every_judge_is_promoted_with_its_grounds() -> None:
    found = decision(comparison("haiku"), comparison("llama", half_win_ci95=[0.55, 0.8]))
    assert found.promoted
    assert found.lower_bound == 0.55
    assert found.reasons[1] == "llama: half-win rate 70.0%, lower bound 55.0%, needed above 52.0%"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"half_win_ci95": [0.52, 0.7]}, "is 52.0%, needed above 52.0%", id="only at the margin"),
        pytest.param({"half_win_ci95": None}, "is unknown", id="no interval"),
        pytest.param({"wins": 30, "losses": 19}, "49 decided questions, needed 50", id="too few decided"),
        pytest.param({"decisive_clusters": 19}, "19 document groups, needed 20", id="too few documents"),
        pytest.param({"unparsable": 2}, "2.0% of the verdicts unparsable, allowed below 2.0%", id="unreadable judge"),
        pytest.param({"n": 0, "unparsable": 0}, "100.0% of the verdicts unparsable", id="nothing asked"),
        pytest.param({"baseline": "base"}, "llama did not compare the candidate with champion", id="another pair"),
    ],
)
def test_one_judge_who_is_not_convinced_is_enough_to_refuse(changes: dict[str, Any], said: str) -> None:
    found = decision(comparison("haiku"), comparison("llama", **changes))
    assert not found.promoted
    assert len(found.reasons) == 1
    assert said in found.reasons[0]
    assert "llama" in found.reasons[0]


@pytest.mark.parametrize(
    ("leaks", "said"), [(3, "3 evaluation questions were found"), (None, "nobody looked")], ids=["leaks", "not checked"]
)
def test_a_leak_or_no_look_for_one_refuses(leaks: int | None, said: str) -> None:
    found = decision(*map(comparison, JUDGES), leaks=leaks)
    assert not found.promoted
    assert said in found.reasons[0]


def test_every_reason_is_named_at_once() -> None:
    found = decision(comparison("haiku", wins=10, losses=2, half_win_ci95=[0.4, 0.9], decisive_clusters=5), leaks=1)
    assert len(found.reasons) == 5


def test_without_judges_nobody_is_promoted() -> None:
    rule = Promotion()
    assert not decide_promotion([], candidate="tuned", champion="base", judges=(), contaminated=0, rule=rule).promoted


def test_a_nightly_rule_allows_nine_false_promotions_a_year_and_says_so_per_candidate() -> None:
    assert false_promotions_a_year(Promotion()) == pytest.approx(9.125)
    assert false_promotions_a_year(Promotion(runs_a_year=52), candidates=3) == pytest.approx(3.9)
    record = decision(*map(comparison, JUDGES)).as_record()
    assert record["false_promotions_a_year"] == pytest.approx(9.125)
    assert isinstance(record["reasons"], list)
