"""Test the notes about batch inference."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.report.batch_notes import BATCH_NOTE, batch_answer_note, too_few_for_batch
from tests.distill.conftest import make_use_case

IN_BATCHES = {"synthesis": {"inference": "batch"}, "judging": {"inference": "batch"}}


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case(**IN_BATCHES, judges=["claude-haiku-4-5", "llama-3-3-70b"])


def calls(use_case: UseCase, *, synthesis: int, judging: int) -> dict[str, int]:
    return {"synthesis": synthesis, **{f"judging {judge}": judging for judge in use_case.judges}}


def paid(in_batches: int, of: int) -> list[dict[str, Any]]:
    return [{"batch_calls": in_batches, "calls": of}]


def test_enough_questions_for_a_job_give_no_note(use_case: UseCase) -> None:
    assert list(too_few_for_batch(use_case, calls(use_case, synthesis=100, judging=100))) == []


def test_too_few_questions_for_a_job_give_a_note_with_the_minimum(use_case: UseCase) -> None:
    (note,) = too_few_for_batch(use_case, calls(use_case, synthesis=99, judging=200))
    assert note.startswith(f"synthesize calls {use_case.teacher} on demand, at the full price: ")
    assert note.endswith("at least 100 requests for a batch job, but there are only 99.")


def test_every_judge_has_its_own_note(use_case: UseCase) -> None:
    notes = list(too_few_for_batch(use_case, calls(use_case, synthesis=100, judging=40)))
    assert [sentence.split()[2] for sentence in notes] == list(use_case.judges)


def test_there_is_no_note_when_no_step_uses_batch_jobs() -> None:
    use_case = make_use_case()
    assert list(too_few_for_batch(use_case, calls(use_case, synthesis=1, judging=1))) == []
    assert batch_answer_note(use_case, paid(0, 5), paid(0, 5)) == {}


def test_the_note_states_how_many_answers_came_from_batch_jobs(use_case: UseCase) -> None:
    assert batch_answer_note(use_case, paid(120, 120), paid(196, 196) * 2) == {
        BATCH_NOTE: "synthesize 120 of 120, judge 392 of 392"
    }


def test_there_is_no_note_when_no_call_was_paid_for(use_case: UseCase) -> None:
    assert batch_answer_note(use_case, paid(0, 0), []) == {}


def test_the_note_states_that_some_answers_came_on_demand_at_the_full_price(use_case: UseCase) -> None:
    note = batch_answer_note(use_case, paid(120, 120), paid(0, 40))[BATCH_NOTE]
    assert note.startswith("synthesize 120 of 120, judge 0 of 40; the other calls were on demand at the full price")
