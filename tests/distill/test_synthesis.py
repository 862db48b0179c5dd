from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from include.distill.catalog import load_catalog
from include.distill.invocation import ModelRequest
from include.distill.prompts import load_prompt
from include.distill.responses import PaidAnswers
from include.distill.synthesis import SyntheticSamples, count_samples, create_synthetic_samples, synthesis_request
from include.distill.use_case_sections import Synthesis
from include.local_bedrock.simulated.delimiters import section
from tests.distill.conftest import ROOT, make_row
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore

TEACHER = load_catalog().model("claude-sonnet-4-6")
PROMPT = load_prompt("synthesis.j2")
ROW = make_row(question="What is S3?")


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
) -> SyntheticSamples:
    bedrock = FakeBedrock(say if callable(say) else lambda _: say)
    paid = PaidAnswers(MemoryStore(), ROOT, "run")
    samples = create_synthetic_samples(
        ROW,
        teacher=TEACHER,
        prompt=PROMPT,
        settings=Synthesis(pairs_per_document=pairs, attempts=attempts),
        ask=lambda request: paid.ask(request, bedrock),
    )
    if asked is not None:
        asked += bedrock.asked
    return samples


def counts(samples: SyntheticSamples) -> tuple[int, int, int, int]:
    return len(samples.accepted), len(samples.rejected), samples.missing, len(samples.surplus)


class TestRequest:
    def test_the_teacher_is_shown_the_row_and_told_how_many(self) -> None:
        settings = Synthesis(pairs_per_document=5, max_tokens=100, temperature=0.3)
        request = synthesis_request(ROW, teacher=TEACHER, prompt=PROMPT, settings=settings)
        assert (request.identity, request.invoke_id) == (TEACHER.inference_id, TEACHER.inference_id)
        assert (request.max_tokens, request.temperature, request.sample) == (100, 0.3, 0)
        assert section(request.user, "document") == ROW["document"]
        assert section(request.user, "number_of_pairs") == "5"


class TestSorting:
    def test_good_pairs_carry_the_rows_document_and_identity(self) -> None:
        samples = sampled(lines("One?", "Two?", "Three?"))
        assert counts(samples) == (3, 0, 0, 0)
        assert samples.accepted[1] == {
            "row_id": ROW["row_id"],
            "pair": 1,
            "document": ROW["document"],
            "question": "Two?",
            "answer": "a",
            "topic": "t",
        }

    def test_fewer_than_asked_are_missing(self) -> None:
        assert counts(sampled(lines("One?"))) == (1, 0, 2, 0)

    def test_more_than_asked_are_surplus_and_never_counted_as_requested(self) -> None:
        samples = sampled(lines("1?", "2?", "3?", "4?", "5?"))
        assert counts(samples) == (3, 0, 0, 2)
        assert [extra["question"] for extra in samples.surplus] == ["4?", "5?"]

    def test_bad_records_beyond_the_request_are_surplus_too(self) -> None:
        samples = sampled("\n".join([lines("1?", "2?", "3?"), pair("")]))
        assert counts(samples) == (3, 0, 0, 1)
        assert samples.surplus[0]["reason"] == "empty_value"

    def test_a_bad_record_is_rejected_with_reason_and_text(self) -> None:
        samples = sampled("\n".join([pair("1?"), pair("", answer="kept")]))
        assert counts(samples) == (1, 1, 1, 0)
        (reject,) = samples.rejected
        assert (reject["row_id"], reject["reason"]) == (ROW["row_id"], "empty_value")
        assert "kept" in reject["text"]

    @pytest.mark.parametrize(
        "questions",
        [
            pytest.param(("What is S3?", "Else?"), id="the row's own"),
            pytest.param(("  what IS s3 ", "Else?"), id="the row's own but for case, spaces and mark"),
            pytest.param(("Else?", "else"), id="one of the same answer"),
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
    def test_questions_that_differ_in_signs_only_are_two(self, questions: tuple[str, ...]) -> None:
        assert counts(sampled(lines(*questions), pairs=2)) == (2, 0, 0, 0)


class TestAskingAgain:
    def test_an_answer_without_a_pair_is_asked_again(self) -> None:
        asked: list[ModelRequest] = []
        samples = sampled(lambda request: lines("1?") if request.sample else "I cannot.", asked=asked)
        assert counts(samples) == (1, 0, 2, 0)
        assert [request.sample for request in asked] == [0, 1]
        assert [answer.completion.text for answer in samples.answers] == ["I cannot.", lines("1?")]

    def test_a_partly_good_one_is_taken_as_it_is(self) -> None:
        asked: list[ModelRequest] = []
        sampled("\n".join([pair("1?"), pair("")]), asked=asked)
        assert len(asked) == 1

    def test_after_the_last_attempt_the_raw_text_is_among_the_rejects(self) -> None:
        samples = sampled("I cannot.", attempts=3)
        assert counts(samples) == (0, 1, 2, 0)
        assert samples.rejected[0]["text"] == "I cannot."
        assert len(samples.answers) == 3


QUESTIONS = st.sampled_from(["What is S3?", "1?", "2?", "3?", "one", ""])
RECORDS = st.builds(pair, QUESTIONS, st.sampled_from(["a", ""]))
PIECES = st.one_of(RECORDS, st.text(max_size=15), st.sampled_from(["[", "]", "```json", "{", '{"question": "cut', ","]))


@examples(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=10).map("\n".join), st.integers(1, 5))
def test_requested_is_accepted_and_rejected_and_missing_whatever_a_model_writes(text: str, pairs: int) -> None:
    samples = sampled(text, pairs=pairs, attempts=1)
    accepted, rejected, missing, _ = counts(samples)
    assert samples.requested == pairs == accepted + rejected + missing
    assert missing >= 0
    assert [made["pair"] for made in samples.accepted] == list(range(accepted))
    assert len({made["question"] for made in samples.accepted}) == accepted
    assert all(made["reason"] and made["message"] for made in samples.rejected)


def test_counts_of_rows_add_up() -> None:
    samples = [sampled(lines("1?", "2?", "3?", "4?")), sampled("no"), sampled(lines("1?"))]
    assert count_samples(samples) == {
        "documents": 3,
        "requested": 9,
        "accepted": 4,
        "rejected": 1,
        "missing": 4,
        "surplus": 1,
    }
    assert set(count_samples([]).values()) == {0}
