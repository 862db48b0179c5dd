"""What a reader is told of steps that ask in batches."""

from __future__ import annotations

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.storage import Record
from include.distill.report.batch_notes import BATCH_NOTE, batch_answer_note, too_few_for_batch
from tests.distill.conftest import make_use_case

IN_BATCHES = {"synthesis": {"inference": "batch"}, "judging": {"inference": "batch"}}


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case(**IN_BATCHES, judges=["claude-haiku-4-5", "llama-3-3-70b"])


def calls(use_case: UseCase, *, synthesis: int, judging: int) -> dict[str, int]:
    return {"synthesis": synthesis, **{f"judging {judge}": judging for judge in use_case.judges}}


def paid(in_batches: int, of: int) -> list[Record]:
    return [{"batch_calls": in_batches, "calls": of}]


def test_questions_that_make_a_job_are_not_worth_a_word(use_case: UseCase) -> None:
    assert list(too_few_for_batch(use_case, calls(use_case, synthesis=100, judging=100))) == []


def test_fewer_are_told_of_before_the_run_with_what_they_lack(use_case: UseCase) -> None:
    (told,) = too_few_for_batch(use_case, calls(use_case, synthesis=99, judging=200))
    assert told.startswith(f"synthesize asks {use_case.teacher} on demand, at the full price: 99 questions are fewer")
    assert "the 100 that Bedrock takes" in told


def test_every_judge_is_asked_for_itself(use_case: UseCase) -> None:
    told = list(too_few_for_batch(use_case, calls(use_case, synthesis=100, judging=40)))
    assert [sentence.split()[2] for sentence in told] == list(use_case.judges)


def test_nothing_is_told_where_nobody_wanted_batches() -> None:
    use_case = make_use_case()
    assert list(too_few_for_batch(use_case, calls(use_case, synthesis=1, judging=1))) == []
    assert batch_answer_note(use_case, paid(0, 5), paid(0, 5)) == {}


def test_afterwards_it_is_told_how_many_answers_were_had_at_half_the_price(use_case: UseCase) -> None:
    assert batch_answer_note(use_case, paid(120, 120), paid(196, 196) * 2) == {
        BATCH_NOTE: "synthesize 120 of 120, judge 392 of 392"
    }


def test_a_night_that_paid_for_nothing_has_nothing_to_tell(use_case: UseCase) -> None:
    assert batch_answer_note(use_case, paid(0, 0), []) == {}


def test_and_why_some_were_not(use_case: UseCase) -> None:
    told = batch_answer_note(use_case, paid(120, 120), paid(0, 40))[BATCH_NOTE]
    assert told.startswith("synthesize 120 of 120, judge 0 of 40; what is left was asked on demand at the full price")
