"""Test the request to a judge, and the verdict that is read from the answer."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import Judging
from include.distill.evaluation.judge import VERDICT_SCHEMA, Judge, PairwiseComparison
from include.distill.evaluation.records import Order
from include.distill.evaluation.verdicts import orders
from include.distill.inference.answer_store import AnswerStore
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.fake_bedrock import FakeBedrock
from tools.aws_simulator.models.delimiters import section

ROW = make_row(document="User: says it.", question="Who?", answer="The user.")


def make_judge(**settings: Any) -> Judge:
    return Judge(load_catalog().model("claude-haiku-4-5"), load_prompt("judging.j2"), Judging(**settings))


def comparison(
    order: Order = "candidate_first", candidate: str = "long", baseline: str = "short"
) -> PairwiseComparison:
    return PairwiseComparison(ROW, "tuned", "base", candidate, baseline, order)


def judged(paid: AnswerStore, bedrock: FakeBedrock, compared: PairwiseComparison, **settings: Any) -> Any:
    return make_judge(**settings).judge(compared, lambda request: paid.get_or_ask(request, bedrock))


@pytest.mark.parametrize(
    ("order", "shown"),
    [("candidate_first", ("long", "short")), ("baseline_first", ("short", "long"))],
)
def test_answers_are_shown_in_the_order_of_the_comparison(order: Order, shown: tuple[str, str]) -> None:
    user = make_judge().request(comparison(order)).user
    assert (section(user, "answer_a"), section(user, "answer_b")) == shown


def test_the_request_to_a_judge_does_not_reveal_which_arm_wrote_an_answer() -> None:
    user = make_judge().request(comparison()).user
    assert "tuned" not in user
    assert "base" not in user


@pytest.mark.parametrize(("show", "seen"), [(True, "The user."), (False, None)])
def test_the_reference_answer_is_shown_only_when_the_use_case_enables_it(show: bool, seen: str | None) -> None:
    user = make_judge(show_reference=show).request(comparison()).user
    assert section(user, "reference") == seen


@pytest.mark.parametrize("order", ["candidate_first", "baseline_first"])
def test_the_verdict_names_the_chosen_arm_in_both_orders(paid: AnswerStore, order: Order) -> None:
    def prefer_long(request: Any) -> str:
        letter = "A" if section(request.user, "answer_a") == "long" else "B"
        return f'{{"reason": "r", "verdict": "{letter}"}}'

    verdict, answers = judged(paid, FakeBedrock(prefer_long), comparison(order))
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


def test_an_unreadable_verdict_is_requested_again_and_then_recorded_as_unparsable(paid: AnswerStore) -> None:
    bedrock = FakeBedrock(lambda request: f"Hm {request.sample}")
    verdict, answers = judged(paid, bedrock, comparison(), attempts=3)
    assert (verdict["verdict"], verdict["raw"]) == ("unparsable", "Hm 2")
    assert len(answers) == len(bedrock.asked) == len({request.user for request in bedrock.asked}) == 3


def test_equal_answers_are_a_tie_without_a_call_to_the_judge(paid: AnswerStore) -> None:
    bedrock = FakeBedrock(lambda _: '{"reason": "r", "verdict": "A"}')
    for order in orders():
        verdict, asked = judged(paid, bedrock, comparison(order, "same", "same"))
        assert (verdict["verdict"], verdict["same"], asked) == ("tie", True, [])
    assert bedrock.asked == []


def test_the_request_has_the_settings_of_the_use_case_and_the_schema_of_a_verdict() -> None:
    judge = make_judge(max_tokens=77, temperature=0.25)
    request = judge.request(comparison())
    assert (request.max_tokens, request.temperature, request.json_schema) == (77, 0.25, VERDICT_SCHEMA)
    assert request.identity == request.invoke_id == judge.model.inference_id


def test_the_judge_of_a_use_case_has_the_prompt_and_the_settings_of_the_use_case() -> None:
    use_case = make_use_case(judging={"attempts": 5})
    judge = Judge.from_use_case(use_case, {"judging.j2": load_prompt("judging.j2")}, "claude-haiku-4-5")
    assert (judge.model.key, judge.prompt.name, judge.settings.attempts) == ("claude-haiku-4-5", "judging.j2", 5)
