from __future__ import annotations

from typing import Any, ClassVar

import pytest

from include.distill.config.promotion_rule import Approver, Promotion
from include.distill.evaluation.approval import PriceQuestion, approval_problem, decision_hash, responder
from include.distill.evaluation.endpoint_records import StandingPrice
from include.distill.evaluation.records import DecisionRecord

DECISION: DecisionRecord = {
    "candidate": "tuned",
    "champion": "best",
    "promoted": True,
    "reasons": ["haiku: lower bound 60 %"],
    "lower_bound": 0.6,
    "false_promotions_a_year": 9.1,
}
ADA = {"id": "1", "name": "ada"}
APPROVED = {"chosen_options": ["Approve"], "responded_by_user": ADA, "asked": decision_hash(DECISION)}


@pytest.mark.parametrize(
    "approval",
    [
        pytest.param(APPROVED, id="approved"),
        pytest.param({**APPROVED, "params_input": {}, "responded_at": "2026-11-22T00:00:00+00:00"}, id="all fields"),
        pytest.param({key: APPROVED[key] for key in ("chosen_options", "responded_by_user")}, id="older version"),
        pytest.param({**APPROVED, "asked": None}, id="question of an older version"),
        pytest.param({**APPROVED, "responded_by_user": {"id": "u-7", "name": "李雷"}}, id="name in another script"),
        pytest.param({**APPROVED, "responded_by_user": {"id": "7", "name": "Ada L."}}, id="name with a space"),
    ],
)
def test_an_approval_by_a_user_with_a_name_is_accepted(approval: Any) -> None:
    assert approval_problem(approval, DECISION, ()) is None


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        pytest.param(None, "marked as successful by hand", id="no answer"),
        pytest.param([], "no answer", id="a list"),
        pytest.param("Approve", "no answer", id="a text"),
        pytest.param(True, "no answer", id="true"),
        pytest.param({}, "choice is None", id="empty"),
        pytest.param({**APPROVED, "chosen_options": ["Reject"]}, "choice is", id="rejected"),
        pytest.param({**APPROVED, "chosen_options": []}, "choice is", id="nothing chosen"),
        pytest.param({**APPROVED, "chosen_options": None}, "choice is", id="no choice"),
        pytest.param({**APPROVED, "chosen_options": ["Approve", "Reject"]}, "choice is", id="both"),
        pytest.param({**APPROVED, "chosen_options": "Approve"}, "choice is", id="a text instead of a list"),
        pytest.param({**APPROVED, "chosen_options": "Do not Approve"}, "choice is", id="a text that contains it"),
        pytest.param({**APPROVED, "chosen_options": {"Approve": False}}, "choice is", id="a mapping"),
        pytest.param({**APPROVED, "chosen_options": ["approve"]}, "choice is", id="not the option"),
        pytest.param({**APPROVED, "responded_by_user": None}, "does not name the user", id="nobody in time"),
        pytest.param({"chosen_options": ["Approve"]}, "does not name the user", id="no user"),
        pytest.param({**APPROVED, "responded_by_user": {}}, "does not name the user", id="empty user"),
        pytest.param({**APPROVED, "responded_by_user": {"id": "1"}}, "does not name the user", id="no name"),
        pytest.param({**APPROVED, "responded_by_user": {"id": "1", "name": None}}, "does not name", id="null"),
        pytest.param({**APPROVED, "responded_by_user": {"id": "1", "name": " \t"}}, "does not name", id="blank"),
        pytest.param({**APPROVED, "responded_by_user": "ada"}, "does not name the user", id="user is a text"),
        pytest.param({**APPROVED, "asked": "0" * 64}, "ada approved an earlier result", id="another question"),
    ],
)
def test_any_other_answer_is_not_an_approval(approval: Any, words: str) -> None:
    problem = approval_problem(approval, DECISION, ())
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    "change", [{"candidate": "more"}, {"champion": "base"}, {"lower_bound": 0.61}, {"reasons": ["haiku: another"]}]
)
def test_an_approval_counts_only_for_the_figures_that_the_person_saw(change: Any) -> None:
    changed: Any = {**DECISION, **change}
    assert "earlier result" in str(approval_problem(APPROVED, changed, ()))


class TestPrice:
    """The price per hour of the standing endpoint is part of the question."""

    PRICE: ClassVar[StandingPrice] = {"usd_per_hour": 60.5, "units": 1}

    def problem(self, asked: Any, *, is_open: bool) -> str | None:
        return approval_problem({**APPROVED, "asked": asked}, DECISION, (), price=PriceQuestion(self.PRICE, is_open))

    @pytest.mark.parametrize("is_open", [True, False])
    def test_an_approval_of_the_decision_with_the_price_counts(self, is_open: bool) -> None:
        assert self.problem(decision_hash(DECISION, self.PRICE), is_open=is_open) is None

    def test_without_an_open_price_an_approval_of_the_decision_counts(self) -> None:
        assert self.problem(decision_hash(DECISION), is_open=False) is None
        assert self.problem(None, is_open=False) is None

    @pytest.mark.parametrize(
        "asked",
        [
            pytest.param(decision_hash(DECISION), id="only the decision"),
            pytest.param(decision_hash(DECISION, {"usd_per_hour": 60.4, "units": 1}), id="a lower price"),
            pytest.param(decision_hash(DECISION, {"usd_per_hour": 60.5, "units": 2}), id="other units"),
            pytest.param(None, id="an older version"),
        ],
    )
    def test_an_open_price_needs_an_approval_of_this_price(self, asked: Any) -> None:
        assert "without the present price of the standing endpoint ($60.50 per hour)" in str(
            self.problem(asked, is_open=True)
        )

    def test_a_missing_answer_is_no_approval_of_the_price(self) -> None:
        problem = approval_problem(None, DECISION, (), price=PriceQuestion(self.PRICE, is_open=True))
        assert "marked as successful by hand" in str(problem)

    def test_another_result_is_not_approved(self) -> None:
        changed: Any = {**DECISION, "lower_bound": 0.61}
        assert "earlier result" in str(self.problem(decision_hash(changed, self.PRICE), is_open=False))


class TestApprovers:
    APPROVERS = (Approver(id="1", name="Ada"), Approver(id="2", name="Bob"))

    def test_an_approver_may_approve(self) -> None:
        assert approval_problem(APPROVED, DECISION, self.APPROVERS) is None

    @pytest.mark.parametrize("user", [{"id": "3", "name": "ada"}, {"name": "ada"}, {"id": None, "name": "1"}])
    def test_another_user_may_not_even_with_the_name_of_an_approver(self, user: Any) -> None:
        problem = approval_problem({**APPROVED, "responded_by_user": user}, DECISION, self.APPROVERS)
        assert "is not among the approvers" in str(problem)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("ada", ("ada", "ada")),
            (17, ("17", "17")),
            ("17", ("17", "17")),
            ({"id": "ada"}, ("ada", "ada")),
            ({"id": 17, "name": "Ada"}, ("17", "Ada")),
            ("李雷", ("李雷", "李雷")),
            ("ada@example.com", ("ada@example.com", "ada@example.com")),
        ],
    )
    def test_an_approver_is_a_user_id_or_an_id_with_a_name(self, given: Any, expected: tuple[str, str]) -> None:
        (approver,) = Promotion.model_validate({"ask_a_person": True, "approvers": [given]}).approvers
        assert (approver.id, approver.name) == expected

    @pytest.mark.parametrize("given", ["", "  ", True, None, 1.5, [], {}, {"name": "Ada"}, {"id": ""}, {"user": "ada"}])
    def test_anything_else_is_refused(self, given: Any) -> None:
        with pytest.raises(ValueError, match="approvers"):
            Promotion.model_validate({"ask_a_person": True, "approvers": [given]})

    @pytest.mark.parametrize("given", ["ada", {"id": "ada"}, 17, True])
    def test_the_approvers_are_a_list(self, given: Any) -> None:
        with pytest.raises(ValueError, match="approvers"):
            Promotion.model_validate({"ask_a_person": True, "approvers": given})

    def test_approvers_without_a_question_are_refused(self) -> None:
        with pytest.raises(ValueError, match="expected ask_a_person: true"):
            Promotion.model_validate({"approvers": ["ada"]})

    def test_a_stored_use_case_is_read_back(self) -> None:
        promotion = Promotion.model_validate({"ask_a_person": True, "approvers": ["ada", {"id": 2, "name": "Bob"}]})
        assert Promotion.model_validate(promotion.model_dump(mode="json")) == promotion


def test_the_name_of_the_person_is_recorded_without_surrounding_space() -> None:
    assert responder({"responded_by_user": {"id": "1", "name": " ada "}}) == "ada"
