from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.prompt_loader import load_prompts
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import write_jsonl
from include.distill.inference.student import Student
from include.distill.managed_evaluation.dataset import read_dataset, texts_of
from include.distill.managed_evaluation.plan import encode_dataset
from include.distill.managed_evaluation.results import prompt_hash
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

ROWS = [make_row(number) for number in range(1, 5)]
USE_CASE = make_use_case(fan_out={"evaluation_tasks": 2}, prompts={"instruction": "Be brief."})


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    write_jsonl(store, FOLDER.source("evaluation"), ROWS)
    for shard in range(2):
        rows = ROWS[2 * shard : 2 * shard + 2]
        answers = [
            {"row_id": row["row_id"], "arm": "tuned", "question": "q", "answer": f"a{row['row']}"} for row in rows
        ]
        write_jsonl(store, FOLDER.answers("tuned", shard), answers)
    return store


def read(store: MemoryStore, arm: str = "tuned", questions: int = 1000) -> Any:
    prompts = load_prompts(USE_CASE.prompts, store)[1]
    return read_dataset(store, FOLDER, USE_CASE, prompts, arm=arm, questions=questions)


def test_each_line_has_what_the_student_was_sent_and_the_arms_answer(store: MemoryStore) -> None:
    lines, questions = read(store)
    request = Student.from_use_case(USE_CASE, load_prompts(USE_CASE.prompts, store)[1]).request(ROWS[0])
    assert lines[0] == {
        "prompt": f"Be brief.\n\n{request.user}",
        "referenceResponse": ROWS[0]["answer"],
        "modelResponses": [{"response": "a1", "modelIdentifier": "tuned"}],
    }
    assert [line["modelResponses"][0]["response"] for line in lines] == ["a1", "a2", "a3", "a4"]
    assert questions == [
        {"row_id": row["row_id"], "prompt_sha256": prompt_hash(line["prompt"])}
        for row, line in zip(ROWS, lines, strict=True)
    ]


def test_the_first_questions_are_taken_if_there_are_more_than_a_job_may_have(store: MemoryStore) -> None:
    lines, questions = read(store, questions=3)
    assert (len(lines), [one["row_id"] for one in questions]) == (3, [row["row_id"] for row in ROWS[:3]])


def test_a_missing_answer_is_an_error_that_names_the_row(store: MemoryStore) -> None:
    write_jsonl(store, FOLDER.answers("tuned", 1), [])
    with pytest.raises(ReconciliationError, match=f"answer from tuned: 2.*{ROWS[2]['row_id']}"):
        read(store)
    assert len(read(store, questions=2)[0]) == 2


def test_the_file_has_one_line_per_question_whatever_the_texts_contain(store: MemoryStore) -> None:
    lines, _ = read(store)
    lines[0]["modelResponses"][0]["response"] = "two\nlines\u2028 and \ud800"
    decoded = [json.loads(line) for line in encode_dataset(lines).splitlines()]
    assert decoded == lines


def test_the_evaluator_reads_prompt_reference_and_answer(store: MemoryStore) -> None:
    lines, _ = read(store)
    assert texts_of(lines)[0] == f"{lines[0]['prompt']}\n{ROWS[0]['answer']}\na1"
