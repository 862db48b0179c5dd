from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompts import load_prompt
from include.distill.config.sections import CriticSettings, Curation, Synthesis
from include.distill.curation.critic import Critic
from include.distill.curation.filters import PairFilters
from include.distill.grounding.check import GroundingCheck
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from include.distill.synthesis.teacher import (
    SyntheticSamples,
    Teacher,
    count_samples,
    create_synthetic_samples,
)
from include.distill.text.question_index import QuestionIndex
from tests.distill.conftest import ROOT, make_row
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES
from tools.aws_simulator.models.delimiters import section

MODEL = load_catalog().model("claude-sonnet-4-6")
PROMPT = load_prompt("synthesis.j2")
ROW = make_row(question="What is S3?")


# tests/distill/curation/test_filters.py tests the filters. With the settings LAX, a pair passes all filters unless it
# repeats a question.
LAX = Curation(min_question_characters=1, min_grounding=0)
NOTHING_ASKED = QuestionIndex(threshold=1)


def pair(question: str, answer: str = "a", topic: str = "t") -> str:
    return json.dumps({"question": question, "answer": answer, "topic": topic}, ensure_ascii=False)


def lines(*questions: str) -> str:
    return "\n".join(pair(question) for question in questions)


def sampled(
    say: Callable[[ModelRequest], str] | str,
    *,
    pairs: int = 3,
    attempts: int = 2,
    asked: list[ModelRequest] | None = None,
    curation: Curation = LAX,
    critic: Critic | None = None,
    **settings: Any,
) -> SyntheticSamples:
    bedrock = FakeBedrock(say if callable(say) else lambda _: say)
    paid = AnswerStore(MemoryStore(), ROOT, "run")
    samples = create_synthetic_samples(
        ROW,
        teacher=Teacher(MODEL, PROMPT, Synthesis(pairs_per_document=pairs, attempts=attempts, **settings)),
        filters=PairFilters(curation, NOTHING_ASKED, lambda _: None),
        ask=lambda request: paid.get_or_ask(request, bedrock),
        critic=critic,
    )
    if asked is not None:
        asked += bedrock.asked
    return samples


def counts(samples: SyntheticSamples) -> tuple[int, int, int, int]:
    return len(samples.accepted), len(samples.rejected), samples.missing, len(samples.surplus)


WITH_DEFAULT_TEACHER = [
    path for path in sorted(USE_CASES_FOLDER.glob("*.yaml")) if "teacher: claude-sonnet-5-5\n" in path.read_text()
]


class TestRequest:
    def test_the_teacher_receives_the_row_and_the_number_of_pairs(self) -> None:
        settings = Synthesis(pairs_per_document=5, max_tokens=100, temperature=0.3)
        request = Teacher(MODEL, PROMPT, settings).request(ROW)
        assert (request.identity, request.invoke_id) == (MODEL.inference_id, MODEL.inference_id)
        assert (request.max_tokens, request.temperature, request.sample) == (100, 0.3, 0)
        assert section(request.user, "document") == ROW["document"]
        assert section(request.user, "number_of_pairs") == "5"

    def test_a_teacher_that_supports_structured_output_receives_a_schema_of_pairs(self) -> None:
        teacher = load_catalog().model("claude-haiku-4-5")
        request = Teacher(teacher, PROMPT, Synthesis()).request(ROW)
        pairs = json.loads(request.schema)["properties"]["pairs"]
        assert pairs["items"]["required"] == ["question", "answer", "topic"]

    @pytest.mark.parametrize("use_case", WITH_DEFAULT_TEACHER, ids=lambda path: path.stem)
    def test_a_request_to_the_default_teacher_has_no_schema_so_its_stored_answers_are_found(
        self, use_case: Path
    ) -> None:
        teacher = load_catalog().model(load_use_case(use_case, environment=VARIABLES).teacher)
        able = teacher.model_copy(update={"json_schema": True})
        assert Teacher(able, PROMPT, Synthesis()).request(ROW).schema == ""


class TestAcceptedAndRejectedPairs:
    def test_accepted_pairs_have_the_document_and_the_id_of_the_row(self) -> None:
        samples = sampled(lines("One?", "Two?", "Three?"))
        assert counts(samples) == (3, 0, 0, 0)
        assert samples.accepted[1] == {
            "row_id": ROW["row_id"],
            "pair": 1,
            "document": ROW["document"],
            "grounding": 1.0,
            "undecided": ["not_checked"],
            "question": "Two?",
            "answer": "a",
            "topic": "t",
        }

    def test_grounding_is_stored_to_the_thousandth(self) -> None:
        answer = "Otters admire penguins."
        (accepted,) = sampled(pair("Otters?", answer)).accepted
        exact = GroundingCheck(ROW["document"]).check(answer, "Otters?").coverage
        assert exact != round(exact, 3) == accepted["grounding"]

    def test_requested_pairs_that_the_teacher_did_not_write_are_missing(self) -> None:
        assert counts(sampled(lines("One?"))) == (1, 0, 2, 0)

    def test_pairs_beyond_the_request_are_surplus(self) -> None:
        samples = sampled(lines("one?", "two?", "three?", "four?", "five?"))
        assert counts(samples) == (3, 0, 0, 2)
        assert [extra["text"]["question"] for extra in samples.surplus] == ["four?", "five?"]

    def test_unreadable_records_beyond_the_request_are_surplus(self) -> None:
        samples = sampled("\n".join([lines("one?", "two?", "three?"), pair("")]))
        assert counts(samples) == (3, 0, 0, 1)
        assert samples.surplus[0]["reason"] == "empty_value"

    def test_an_unreadable_record_is_rejected_with_its_reason_and_text(self) -> None:
        samples = sampled("\n".join([pair("one?"), pair("", answer="kept")]))
        assert counts(samples) == (1, 1, 1, 0)
        (reject,) = samples.rejected
        assert (reject["row_id"], reject["reason"]) == (ROW["row_id"], "empty_value")
        assert "kept" in reject["text"]

    @pytest.mark.parametrize(
        "questions",
        [
            pytest.param(("What is S3?", "Else?"), id="the question of the row"),
            pytest.param(
                ("  what IS s3 ", "Else?"), id="the question of the row in other case, spacing and punctuation"
            ),
            pytest.param(("Else?", "else"), id="a question of the same output"),
            pytest.param(("Else？", "Else?"), id="full-width mark"),
        ],
    )
    def test_a_repeated_question_is_rejected(self, questions: tuple[str, ...]) -> None:
        samples = sampled(lines(*questions))
        assert counts(samples) == (1, 1, 1, 0)
        assert samples.rejected[0]["reason"] == "repeated_question"
        assert samples.rejected[0]["text"]["answer"] == "a"

    @pytest.mark.parametrize(
        "questions",
        [
            pytest.param(("What is C++?", "What is C#?"), id="signs"),
            pytest.param(("की क्या है?", "का क्या है?"), id="vowel signs"),
            pytest.param(("Is it -1?", "Is it 1?"), id="minus"),
        ],
    )
    def test_questions_that_differ_in_a_sign_are_different_questions(self, questions: tuple[str, ...]) -> None:
        assert counts(sampled(lines(*questions), pairs=2)) == (2, 0, 0, 0)


class TestAskingAgain:
    def test_an_output_without_a_pair_is_requested_again(self) -> None:
        asked: list[ModelRequest] = []
        samples = sampled(lambda request: lines("one?") if request.sample else "I cannot.", asked=asked)
        assert counts(samples) == (1, 0, 2, 0)
        assert [request.sample for request in asked] == [0, 1]
        assert asked[1].user.startswith(f"{asked[0].user}\n\n")
        assert [answer.completion.text for answer in samples.answers] == ["I cannot.", lines("one?")]

    def test_an_output_with_one_readable_pair_is_not_requested_again(self) -> None:
        asked: list[ModelRequest] = []
        sampled("\n".join([pair("one?"), pair("")]), asked=asked)
        assert len(asked) == 1

    def test_the_raw_text_is_rejected_after_the_last_attempt(self) -> None:
        samples = sampled("I cannot.", attempts=3)
        assert counts(samples) == (0, 1, 2, 0)
        assert samples.rejected[0]["text"] == "I cannot."
        assert len(samples.answers) == 3


def by_round(*rounds: str) -> Callable[[ModelRequest], str]:
    """Return a simulated teacher that gives the answers ``rounds`` one after the other."""
    answers = iter(rounds)
    return lambda _: next(answers)


class TestRounds:
    def test_rejected_pairs_are_requested_again_and_become_surplus_once_they_are_replaced(self) -> None:
        asked: list[ModelRequest] = []
        samples = sampled(by_round(lines("one?", "What is S3?"), lines("two?", "three?")), rounds=2, asked=asked)
        assert counts(samples) == (3, 0, 0, 1)
        assert [made["pair"] for made in samples.accepted] == [0, 1, 2]
        assert (samples.surplus[0]["filter"], samples.surplus[0]["text"]["question"]) == (
            "repeats_original",
            "What is S3?",
        )
        assert [section(request.user, "number_of_pairs") for request in asked] == ["3", "2"]
        assert [request.sample for request in asked] == [0, 1]
        assert [(section(request.user, "asked_before") or "").split() for request in asked] == [[], ["one?"]]

    def test_no_further_round_starts_when_no_pair_is_wanted(self) -> None:
        asked: list[ModelRequest] = []
        sampled(lines("one?", "two?", "three?"), rounds=5, asked=asked)
        assert len(asked) == 1

    def test_there_is_one_round_by_default(self) -> None:
        asked: list[ModelRequest] = []
        samples = sampled(lines("one?"), asked=asked)
        assert (counts(samples), len(asked)) == ((1, 0, 2, 0), 1)

    def test_rounds_end_at_the_configured_number_and_each_round_has_its_own_sample_number(self) -> None:
        asked: list[ModelRequest] = []
        samples = sampled(lines("What is S3?"), rounds=3, attempts=1, asked=asked)
        assert counts(samples) == (0, 3, 0, 0)
        assert [request.sample for request in asked] == [0, 1, 2]
        assert len({request.user for request in asked}) == 3, "at temperature 0, equal requests get equal answers"

    def test_a_round_that_lists_other_questions_to_avoid_needs_no_further_line(self) -> None:
        asked: list[ModelRequest] = []
        sampled(by_round(lines("one?"), lines("two?")), rounds=2, asked=asked)
        assert asked[1].user.rstrip().endswith(PROMPT.template.rstrip()[-40:])

    def test_a_pair_beyond_the_request_replaces_a_rejected_pair(self) -> None:
        samples = sampled(lines("What is S3?", "one?", "two?", "three?"))
        assert counts(samples) == (3, 0, 0, 1)
        assert samples.surplus[0]["reason"] == "repeated_question"


def critic_of(verdicts: dict[str, str], shown: list[str] | None = None) -> Critic:
    """Return a critic with the given verdicts by question. Its verdict on any other question is GROUNDED."""

    def say(request: ModelRequest) -> str:
        question = section(request.user, "question") or ""
        if shown is not None:
            shown.append(question)
        return json.dumps({"reason": "r", "verdict": verdicts.get(question, "GROUNDED")})

    settings = CriticSettings(model=MODEL.key, max_spend_usd=1, attempts=1)
    paid, bedrock = AnswerStore(MemoryStore(), ROOT, "run"), FakeBedrock(say)
    return Critic(MODEL, load_prompt("critic.j2"), settings, lambda request: paid.get_or_ask(request, bedrock))


class TestCritic:
    def test_ungrounded_and_unparsable_pairs_are_rejected_and_requested_again(self) -> None:
        critic = critic_of({"one?": "UNGROUNDED", "two?": "HARDLY"})
        asked: list[ModelRequest] = []
        rounds = by_round(lines("one?", "two?", "three?"), lines("four?", "five?"))
        samples = sampled(rounds, rounds=2, critic=critic, asked=asked)
        assert counts(samples) == (3, 0, 0, 2)
        assert [made["question"] for made in samples.accepted] == ["three?", "four?", "five?"]
        assert {made["critic"] for made in samples.accepted} == {"grounded"}
        assert [(pair["filter"], pair["reason"]) for pair in samples.surplus] == [
            ("critic", "ungrounded"),
            ("critic", "unparsable"),
        ]
        assert [section(request.user, "number_of_pairs") for request in asked] == ["3", "2"]
        assert [verdict.label for verdict in samples.verdicts] == ["ungrounded", "unparsable", *["grounded"] * 3]

    def test_the_critic_judges_only_wanted_pairs_that_pass_the_filters(self) -> None:
        shown: list[str] = []
        samples = sampled(lines("What is S3?", "one?", "one", "two?", "three?"), pairs=2, critic=critic_of({}, shown))
        assert shown == ["one?", "two?"]
        assert counts(samples) == (2, 0, 0, 3)

    def test_the_critic_judges_only_pairs_that_words_cannot_decide(self) -> None:
        """The first answer is supported by words, the second lacks an invented number, the third is undecided."""
        shown: list[str] = []
        row = make_row(question="What is S3?")
        row["document"] = "A card costs 15 dollars. Readers may bring laptops into the room."
        written = "\n".join(
            (
                pair("Cost?", "The card costs 15 dollars."),
                pair("Loan?", "The loan lasts 7777 days."),
                pair("Laptops?", "Readers may not bring laptops into the room."),
            )
        )
        samples = create_synthetic_samples(
            row,
            teacher=Teacher(MODEL, PROMPT, Synthesis(pairs_per_document=3)),
            filters=PairFilters(Curation(), QuestionIndex(threshold=1), lambda _: None),
            ask=lambda request: AnswerStore(MemoryStore(), ROOT, "run").get_or_ask(
                request, FakeBedrock(lambda _: written)
            ),
            critic=critic_of({}, shown),
        )
        assert shown == ["Laptops?"]
        assert [made.get("critic") for made in samples.accepted] == [None, "grounded"]
        assert not any("undecided" in made for made in samples.accepted)
        assert [reject["reason"] for reject in samples.rejected] == ["number_not_in_document"]

    def test_pairs_that_the_critic_rejects_keep_their_text_and_are_counted(self) -> None:
        samples = sampled(lines("one?", "two?"), critic=critic_of({"one?": "UNGROUNDED"}))
        assert counts(samples) == (1, 1, 1, 0)
        (reject,) = samples.rejected
        assert reject["text"] == {"question": "one?", "answer": "a", "topic": "t"}
        assert count_samples([samples])["dropped"] == {"critic": 1}

    def test_pairs_have_no_verdict_without_a_critic(self) -> None:
        samples = sampled(lines("one?"))
        assert samples.verdicts == []
        assert "critic" not in samples.accepted[0]


QUESTIONS = st.sampled_from(["What is S3?", "one?", "two?", "three?", "one", ""])
RECORDS = st.builds(pair, QUESTIONS, st.sampled_from(["a", ""]))
PIECES = st.one_of(RECORDS, st.text(max_size=15), st.sampled_from(["[", "]", "```json", "{", '{"question": "cut', ","]))


@examples(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=10).map("\n".join), st.integers(1, 5))
def test_requested_equals_accepted_plus_rejected_plus_missing_for_any_output_of_a_model(text: str, pairs: int) -> None:
    samples = sampled(text, pairs=pairs, attempts=1)
    accepted, rejected, missing, _ = counts(samples)
    assert samples.requested == pairs == accepted + rejected + missing
    assert missing >= 0
    assert [made["pair"] for made in samples.accepted] == list(range(accepted))
    assert len({made["question"] for made in samples.accepted}) == accepted
    assert all(made["reason"] and made["message"] for made in samples.rejected)


def test_the_counts_of_several_rows_are_added() -> None:
    samples = [sampled(lines("one?", "two?", "three?", "four?")), sampled("no"), sampled(lines("one?"))]
    assert count_samples(samples) == {
        "documents": 3,
        "requested": 9,
        "accepted": 4,
        "rejected": 1,
        "missing": 4,
        "surplus": 1,
        "undecided": 4,
        "dropped": {"malformed": 1},
    }
    nothing = count_samples([])
    assert nothing.pop("dropped") == {}
    assert set(nothing.values()) == {0}
