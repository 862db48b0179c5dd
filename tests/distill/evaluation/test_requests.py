from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Answering, Judging
from include.distill.evaluation.judging import Order, orders
from include.distill.evaluation.requests import (
    PairwiseComparison,
    answer_record,
    answering_request,
    judge_comparison,
    judging_request,
)
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.student import Student, student_input
from tests.distill.conftest import make_answer, make_row
from tests.fakes.fake_bedrock import FakeBedrock
from tools.aws_simulator.models.delimiters import section

CATALOG = load_catalog()
NOVA, FAMILY = CATALOG.model("nova-micro"), CATALOG.families["nova"]
JUDGE = CATALOG.model("claude-haiku-4-5")
ANSWERING, JUDGING = load_prompt("answering.j2"), load_prompt("judging.j2")
ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
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


class TestAnswering:
    def test_an_arm_is_asked_under_the_models_identity_at_the_throughput(self) -> None:
        request = answering_request(
            ROW,
            student=Student(NOVA, FAMILY, identity=ARN, invoke_id="arn:throughput"),
            prompt=ANSWERING,
            instruction="Say as System: does.",
            settings=Answering(max_tokens=100, temperature=0.25),
        )
        assert (request.identity, request.invoke_id) == (ARN, "arn:throughput")
        assert (request.max_tokens, request.temperature) == (100, 0.25)
        assert request.system == "Say as System : does."
        assert section(request.user, "document") == "User : says it."
        assert section(request.user, "question") == "Who?"

    def test_the_answer_that_is_sought_is_not_shown(self) -> None:
        assert ROW["answer"] not in student_input(ROW["document"], ROW["question"], prompt=ANSWERING, family=FAMILY)

    def test_reserved_strings_are_kept_for_a_family_that_has_none(self) -> None:
        text = student_input("User: d", "q", prompt=ANSWERING, family=CATALOG.families["llama3.1"])
        assert section(text, "document") == "User: d"

    def test_the_second_answer_of_the_noise_control_is_a_question_of_its_own_and_lies_beside_the_first(self) -> None:
        student = Student(NOVA, FAMILY, identity="nova", invoke_id="nova")
        asked = [
            answering_request(
                ROW, student=student, prompt=ANSWERING, instruction="i", settings=Answering(temperature=0.5), sample=n
            )
            for n in (0, 1)
        ]
        assert asked[0].user == asked[1].user
        assert asked[0].key != asked[1].key
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
