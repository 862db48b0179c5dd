from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.missing_answers import count_missing_answers
from include.distill.core.storage import read_jsonl
from include.distill.inference.requests import Completion
from include.distill.inference.student import Student
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/cd34"


@pytest.fixture
def run(equip: Any) -> Any:
    return equip(DistillOperator(task_id="any", run_uri=RUN_URI))


def store_answers(run: Any, store: MemoryStore, count: int, *, model_arn: str | None = MODEL, **changes: Any) -> None:
    """Store a model's answers to the first ``count`` of the four evaluation questions."""
    student = Student.from_use_case(run.use_case, run.prompts, model_arn=model_arn, **changes)
    for row in read_jsonl(store, FOLDER.source("evaluation"), dict)[:count]:
        request = student.request(row)
        answer = Completion("a", "end_turn", 1, 1)
        run.answers.store_batch_answer(request.key, answer, identity=request.identity, max_tokens=request.max_tokens)


@pytest.mark.parametrize(("stored", "missing"), [(0, 4), (3, 1), (4, 0)])
def test_only_questions_without_a_stored_answer_are_missing(
    run: Any, store: MemoryStore, stored: int, missing: int
) -> None:
    store_answers(run, store, stored)
    assert count_missing_answers(run, model_arn=MODEL, student="nova-micro") == missing


def test_an_answer_belongs_to_the_model_and_not_to_the_throughput_that_gave_it(run: Any, store: MemoryStore) -> None:
    store_answers(run, store, 4, invoke_id="arn:throughput/an-earlier-one")
    assert count_missing_answers(run, model_arn=MODEL, student="nova-micro") == 0


@pytest.mark.parametrize("other", [None, f"{MODEL}5"], ids=["base student", "another custom model"])
def test_answers_of_another_model_do_not_count(run: Any, store: MemoryStore, other: str | None) -> None:
    store_answers(run, store, 4, model_arn=other)
    assert count_missing_answers(run, model_arn=MODEL, student="nova-micro") == 4


def test_counting_sends_no_request_and_writes_nothing(run: Any, store: MemoryStore, bedrock: Any) -> None:
    before = dict(store.objects)
    count_missing_answers(run, model_arn=MODEL, student="nova-micro")
    assert (bedrock.asked, store.objects) == ([], before)
