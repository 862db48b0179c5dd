from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.approval_rule import Approval
from include.distill.config.parsing import with_overrides
from tests.distill.conftest import make_use_case


def test_by_default_only_a_high_price_per_hour_is_asked_about() -> None:
    rule = Approval()
    assert (rule.before_spending, rule.before_hourly, rule.above_usd_per_hour) == ("never", "above_usd", 25)
    assert rule.may_ask


@pytest.mark.parametrize(
    ("values", "may_ask"),
    [
        ({"before_hourly": "never"}, False),
        ({"before_hourly": "always"}, True),
        ({"before_hourly": "never", "before_spending": "always"}, True),
        ({"before_hourly": "never", "before_spending": "above_usd", "above_usd": 0.5}, True),
    ],
)
def test_a_rule_knows_whether_it_can_ask(values: dict[str, Any], may_ask: bool) -> None:
    assert Approval.model_validate(values).may_ask is may_ask


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"before_spending": "above_usd"}, "above_usd is not set; expected an amount"),
        ({"before_spending": "above_usd", "above_usd": 0}, "greater than 0"),
        ({"above_usd_per_hour": -1}, "greater than 0"),
        ({"before_spending": True}, "expected a value other than true or false"),
        ({"before_spending": "sometimes"}, "'never', 'always' or 'above_usd'"),
        ({"before_hourly": "never", "approvers": ["ada"]}, "so nobody is asked"),
        ({"answer_within_hours": 0}, "greater than 0"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Approval.model_validate(values)


@pytest.mark.parametrize(
    ("rule", "asked", "expected"),
    [
        ({}, True, "always"),
        ({}, False, "never"),
        ({"before_spending": "always"}, False, "always"),
        ({"before_spending": "above_usd", "above_usd": 10}, True, "always"),
        ({"before_spending": "above_usd", "above_usd": 10}, False, "above_usd"),
    ],
)
def test_the_form_can_add_a_question_but_not_remove_one(rule: dict[str, Any], asked: bool, expected: str) -> None:
    use_case = with_overrides(make_use_case(approval=rule), {"ask_before_spending": asked})
    assert use_case.approval.before_spending == expected
