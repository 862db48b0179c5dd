from __future__ import annotations

from typing import Any, cast

import pytest

from include.distill.config.approval_rule import Approval
from include.distill.cost.records import ServingChoice, SpendingApproval, SpendingEstimate
from include.distill.cost.spending_approval import (
    SpendingPlan,
    answered_by,
    approval_obstacle,
    describe_answer,
    plan_spending,
    why_nobody_is_asked,
)
from tests.distill.conftest import make_use_case

TOKENS = {"what": "synthesis: nova-pro input", "quantity": 1000, "unit": "token", "unit_price_usd": 0.001, "usd": 1.0}


def hour(arm: str, price: float = 24.0, quantity: float = 1) -> dict[str, Any]:
    what = f"throughput {arm}: llama-3-1-8b"
    return {
        "what": what, "quantity": quantity, "unit": "unit-hour", "unit_price_usd": price, "usd": price * quantity,
    }  # fmt: skip


def choice(mode: str, usd_per_hour: float | None) -> ServingChoice:
    other = "on_demand" if mode == "provisioned" else "provisioned"
    options = [
        {"mode": other, "possible": True, "why_not": None, "usd": 1.0, "minutes": 9.0, "usd_per_hour": None},
        {"mode": mode, "possible": True, "why_not": None, "usd": 1.0, "minutes": 90.0, "usd_per_hour": usd_per_hour},
    ]
    return cast(ServingChoice, {"mode": mode, "reason": "r", "options": options})


def estimate(*lines: dict[str, Any], **more: Any) -> SpendingEstimate:
    return cast(SpendingEstimate, {"lines": list(lines), "estimated_usd": sum(line["usd"] for line in lines), **more})


def plan(*lines: dict[str, Any], serving: Any = None, units: int = 1, at_a_time: int = 1, **rule: Any) -> SpendingPlan:
    use_case = make_use_case(approval=rule, serving={"model_units": units, "arms_at_a_time": at_a_time})
    return plan_spending(use_case, estimate(*lines, **({"serving": serving} if serving is not None else {})))


class TestRule:
    @pytest.mark.parametrize(
        ("lines", "rule", "asks"),
        [
            ([TOKENS], {}, False),
            ([TOKENS], {"before_spending": "always"}, True),
            ([TOKENS], {"before_spending": "above_usd", "above_usd": 1}, False),
            ([TOKENS], {"before_spending": "above_usd", "above_usd": 0.99}, True),
            ([TOKENS], {"before_hourly": "always"}, False),
            ([TOKENS, hour("a")], {}, False),
            ([TOKENS, hour("a", 60.5)], {}, True),
            ([TOKENS, hour("a", 25)], {}, False),
            ([TOKENS, hour("a", 25.01)], {}, True),
            ([TOKENS, hour("a")], {"before_hourly": "always"}, True),
            ([TOKENS, hour("a", 500)], {"before_hourly": "never"}, False),
            ([TOKENS, hour("a", 500)], {"above_usd_per_hour": 500}, False),
            ([TOKENS, hour("a", 500)], {"before_hourly": "never", "before_spending": "always"}, True),
        ],
    )
    def test_a_person_is_asked_if_one_of_both_rules_requires_it(self, lines: Any, rule: Any, asks: bool) -> None:
        assert bool(plan(*lines, **rule).reasons) is asks

    def test_both_rules_are_named_if_both_require_it(self) -> None:
        reasons = plan(hour("a", 60.5), before_spending="above_usd", above_usd=5).reasons
        assert reasons == [
            "The estimate of $60.50 is above approval.above_usd, $5.00.",
            "Endpoints cost $60.50 per hour, which is above approval.above_usd_per_hour, $25.00.",
        ]

    @pytest.mark.parametrize(
        ("at_a_time", "units", "usd_per_hour"), [(1, 1, 20.0), (2, 1, 30.0), (9, 1, 35.0), (2, 3, 90.0)]
    )
    def test_the_price_per_hour_is_that_of_the_arms_served_at_once(
        self, at_a_time: int, units: int, usd_per_hour: float
    ) -> None:
        found = plan(hour("a", 10), hour("b", 20), hour("c", 5), at_a_time=at_a_time, units=units)
        assert found.usd_per_hour == usd_per_hour

    def test_the_lines_of_an_estimate_without_a_choice_name_the_endpoints(self) -> None:
        assert plan(TOKENS, hour("tuned", 24, quantity=3), units=2).hourly == [
            {"arm": "tuned", "usd_per_hour": 48.0, "hours": 1.5}
        ]

    def test_a_choice_names_the_endpoints_whatever_the_lines_say(self) -> None:
        serving = {"base2": choice("on_demand", None), "tuned": choice("provisioned", 60.5)}
        found = plan(TOKENS, hour("base2"), serving=serving)
        assert found.hourly == [{"arm": "tuned", "usd_per_hour": 60.5, "hours": 1.5}]
        assert not plan(hour("tuned", 99), serving={"tuned": choice("on_demand", None)}, before_hourly="always").reasons

    def test_why_nobody_is_asked_names_amounts_and_limits(self) -> None:
        rule = Approval(before_spending="above_usd", above_usd=9)
        text = why_nobody_is_asked(rule, plan(TOKENS, hour("a", 7), before_spending="above_usd", above_usd=9))
        assert text == (
            "Nobody has to approve this estimate: $8.00, with $7.00 per hour for endpoints; approval.above_usd is"
            " $9.00, approval.above_usd_per_hour is $25.00."
        )
        assert "nothing that is billed by the hour" in why_nobody_is_asked(
            Approval(before_hourly="never"), plan(TOKENS)
        )


class TestHash:
    BASE = plan(TOKENS, hour("a", 60.5))

    @pytest.mark.parametrize(
        "other",
        [
            plan(TOKENS, hour("a", 60.51)),
            plan(TOKENS, hour("b", 60.5)),
            plan({**TOKENS, "quantity": 1001}, hour("a", 60.5)),
            plan({**TOKENS, "unit_price_usd": 0.002}, hour("a", 60.5)),
            plan(TOKENS, hour("a", 60.5), serving={"a": choice("on_demand", None)}),
            plan_spending(make_use_case(max_spend_usd=101), estimate(TOKENS, hour("a", 60.5))),
        ],
        ids=["price per hour", "arm", "quantity", "price of a token", "serving", "cap"],
    )
    def test_other_figures_are_another_question(self, other: SpendingPlan) -> None:
        assert other.asked != self.BASE.asked

    def test_the_same_figures_are_the_same_question_whatever_is_stored_or_asked(self) -> None:
        lines = {**TOKENS, "unverified": True}, hour("a", 60.5)
        assert plan(*lines, before_spending="always").asked == self.BASE.asked
        again = plan_spending(make_use_case(), estimate(TOKENS, hour("a", 60.5), stored_usd=30))
        assert (again.asked, again.to_pay_usd) == (self.BASE.asked, 31.5)


PLAN = TestHash.BASE
ADA: SpendingApproval = {
    "asked": PLAN.asked,
    "estimated_usd": PLAN.estimated_usd,
    "to_pay_usd": PLAN.to_pay_usd,
    "usd_per_hour": 60.5,
    "decision": "approved",
    "user_id": "1",
    "user_name": "Ada",
    "answered_at": "2026-11-27T02:00:00+00:00",
}


class TestAnswer:
    @pytest.mark.parametrize("approvers", [[], ["1"], [{"id": "2", "name": "Bob"}, {"id": 1, "name": "Ada"}]])
    def test_the_answer_of_an_approver_counts(self, approvers: Any) -> None:
        assert approval_obstacle(Approval(approvers=approvers), PLAN, ADA) is None

    @pytest.mark.parametrize(
        ("changes", "obstacle"),
        [
            ({"decision": "rejected"}, "Ada (user id 1) rejected the estimate at 2026-11-27T02:00:00+00:00."),
            (
                {"decision": "unanswered", "user_id": None, "user_name": None},
                "Nobody answered by 2026-11-27T02:00:00+00:00.",
            ),
            ({"asked": "x", "estimated_usd": 3.0}, "That was a different estimate, $3.00."),
            ({"to_pay_usd": 50.0}, "Fewer results are stored now, so the run would pay $61.50."),
            ({"user_id": "2", "user_name": "Bob"}, "Bob (user id 2) is not among the approvers"),
            ({"user_id": None, "user_name": None}, "does not name a user"),
        ],
    )
    def test_another_answer_is_no_approval(self, changes: Any, obstacle: str) -> None:
        answer = cast(SpendingApproval, {**ADA, **changes})
        assert obstacle in str(approval_obstacle(Approval(approvers=("1",)), PLAN, answer))  # type: ignore[arg-type]

    def test_no_answer_is_no_approval(self) -> None:
        assert "marked as successful by hand" in str(approval_obstacle(Approval(), PLAN, None))

    def test_an_approval_covers_a_run_that_pays_less(self) -> None:
        assert approval_obstacle(Approval(), PLAN, {**ADA, "to_pay_usd": 999.0}) is None

    def test_an_answer_is_described_with_who_and_when(self) -> None:
        assert describe_answer(ADA) == "Ada (user id 1) approved the estimate at 2026-11-27T02:00:00+00:00."
        assert answered_by({**ADA, "user_name": None}) == "nobody"
