"""Test that a stored decision to promote stands only if the current rule comes to the same decision."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.evaluation.answer_counts import count_endings
from include.distill.evaluation.standing_promotion import promotion_summary, standing_promotion
from tests.distill.conftest import make_use_case
from tests.distill.evaluation.test_promotion import JUDGES, comparison

ENDED = count_endings([{"answer": "A.", "stop_reason": "end_turn"}] * 100)
PROMOTED = {"candidate": "tuned", "champion": "champion", "promoted": True, "reasons": ["won"], "lower_bound": 0.6}
LOST = {**PROMOTED, "candidate": "other", "promoted": False, "reasons": ["lost"]}
USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])


def standing(*, endings: Any = None, **changes: Any) -> Any:
    comparisons = [comparison(judge, **changes) for judge in USE_CASE.judges]
    promotion: Any = {"rule": "r", "false_promotions_a_year": 9.0, "decisions": [PROMOTED, LOST]}
    complete = {"tuned": ENDED, "champion": ENDED}
    counted = complete if endings is None else endings
    return standing_promotion(promotion, comparisons, counted, use_case=USE_CASE)


def test_a_decision_that_the_present_rule_confirms_is_unchanged() -> None:
    assert standing()["decisions"] == [PROMOTED, LOST]
    assert promotion_summary(standing()) == "The rule promotes tuned in place of champion: won."
    assert len(JUDGES) == len(USE_CASE.judges)


@pytest.mark.parametrize(
    "changes",
    [{"finding": "too_few"}, {"n": 55, "ties": 0, "wins": 50, "losses": 5}, {"clusters": 20}, {"endings": {}}],
)
def test_a_decision_that_the_present_rule_refuses_is_replaced_and_the_reasons_are_given(changes: Any) -> None:
    first, second = standing(**changes)["decisions"]
    assert (first["promoted"], second) == (False, LOST)
    assert first["reasons"][-1].startswith("the report was written under an earlier rule")
    assert promotion_summary(standing(**changes)).startswith("No arm is promoted: tuned: ")


def test_a_report_without_a_promotion_promotes_nothing() -> None:
    assert standing_promotion(None, [], {}, use_case=USE_CASE) is None
    assert "no arm was compared with the champion" in promotion_summary(None)
