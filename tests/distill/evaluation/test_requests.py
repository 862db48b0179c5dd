from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Judging
from include.distill.evaluation.judging import Order, orders
from include.distill.evaluation.requests import (
    PairwiseComparison,
    answer_record,
    judge_comparison,
    judging_request,
)
from include.distill.inference.answer_store import AnswerStore
from tests.distill.conftest import make_answer, make_row
from tests.fakes.fake_bedrock import FakeBedrock
from tools.aws_simulator.models.delimiters import section

CATALOG = load_catalog()
JUDGE = CATALOG.model("claude-haiku-4-5")
JUDGING = load_prompt("judging.j2")
ROW = make_row(document="User: says it.", question="Who?", answer="The user.")


def duel(order: Order = "candidate_first", candidate: str = "long", baseline: str = "short") -> PairwiseComparison:
    return PairwiseComparison(ROW, "tuned", "base", candidate, baseline, order)


def judged(paid: AnswerStore, bedrock: FakeBedrock, duel_: PairwiseComparison, **settings: Any) -> Any:
    return judge_comparison(
        duel_,
        judge=JUDGE,
        prompt=JUDGING,
        settings=Judging(**settings),
        ask=lambda request: paid.get_or_ask(request, bedrock),
    )


class TestAnswers:
    def test_the_second_answer_of_the_noise_control_is_stored_with_the_first(self) -> None:
        assert answer_record(ROW, "base", [make_answer("x"), make_answer("y")])["second_answer"] == "y"

    def test_an_answer_becomes_a_row(self) -> None:
        assert answer_record(ROW, "tuned", [make_answer("x")]) == {
            "row_id": ROW["row_id"],
            "arm": "tuned",
            "question": "Who?",
            "answer": "x",
            "stop_reason": "end_turn",
        }


class TestJudging:
    @pytest.mark.parametrize(
        ("order", "shown"),
        [("candidate_first", ("long", "short")), ("baseline_first", ("short", "long"))],
    )
    def test_answers_are_shown_in_the_order_of_the_duel(self, order: Order, shown: tuple[str, str]) -> None:
        user = judging_request(duel(order), judge=JUDGE, prompt=JUDGING, settings=Judging()).user
        assert (section(user, "answer_a"), section(user, "answer_b")) == shown

    def test_the_judge_does_not_learn_which_arm_wrote_what(self) -> None:
        user = judging_request(duel(), judge=JUDGE, prompt=JUDGING, settings=Judging()).user
        assert "tuned" not in user
        assert "base" not in user

    @pytest.mark.parametrize(("show", "seen"), [(True, "The user."), (False, None)])
    def test_the_reference_is_shown_when_the_use_case_says_so(self, show: bool, seen: str | None) -> None:
        user = judging_request(duel(), judge=JUDGE, prompt=JUDGING, settings=Judging(show_reference=show)).user
        assert section(user, "reference") == seen

    @pytest.mark.parametrize("order", ["candidate_first", "baseline_first"])
    def test_a_verdict_names_the_arm_whatever_the_order(self, paid: AnswerStore, order: Order) -> None:
        def prefer_long(request: Any) -> str:
            letter = "A" if section(request.user, "answer_a") == "long" else "B"
            return f'{{"reason": "r", "verdict": "{letter}"}}'

        verdict, answers = judged(paid, FakeBedrock(prefer_long), duel(order))
        assert verdict == {
            "row_id": ROW["row_id"],
            "judge": "claude-haiku-4-5",
            "candidate": "tuned",
            "baseline": "base",
            "order": order,
            "candidate_characters": 4,
            "baseline_characters": 5,
            "verdict": "candidate",
            "same": False,
            "raw": answers[0].completion.text,
        }

    def test_an_unreadable_verdict_is_asked_again_then_recorded_as_such(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda request: f"Hm {request.sample}")
        verdict, answers = judged(paid, bedrock, duel(), attempts=3)
        assert (verdict["verdict"], verdict["raw"]) == ("unparsable", "Hm 2")
        assert len(answers) == len(bedrock.asked) == 3

    def test_equal_answers_are_a_tie_that_nobody_is_asked_about(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: '{"reason": "r", "verdict": "A"}')
        for order in orders():
            verdict, asked = judged(paid, bedrock, duel(order, "same", "same"))
            assert (verdict["verdict"], verdict["same"], asked) == ("tie", True, [])
        assert bedrock.asked == []
