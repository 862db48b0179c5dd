"""Test how the answers of the arms are stored and paired for the judges."""

from __future__ import annotations

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import repeat_arm_name
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import write_jsonl
from include.distill.evaluation.answers import answer_record, read_answers, read_comparisons
from tests.distill.conftest import make_answer, make_row, make_use_case
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://training/distill/runs/one")
USE_CASE = make_use_case(fan_out={"evaluation_tasks": 2})
ROW = make_row(question="Who?")
ROWS = [make_row(number) for number in range(1, 4)]


def write_answers(store: MemoryStore, arm: str, *, shards: tuple[slice, ...] = (slice(0, 2), slice(2, 3))) -> None:
    """Store two answers of ``arm`` for every row."""
    write_jsonl(store, FOLDER.source("evaluation"), ROWS)
    for number, shard in enumerate(shards):
        records = [
            answer_record(row, arm, [make_answer(f"{arm} {row['row']}"), make_answer(f"{arm} {row['row']} again")])
            for row in ROWS[shard]
        ]
        write_jsonl(store, FOLDER.answers(arm, number), records)


def test_the_second_answer_for_the_noise_control_is_stored_with_the_first_answer() -> None:
    assert answer_record(ROW, "base", [make_answer("x"), make_answer("y")])["second_answer"] == "y"


def test_the_record_of_an_answer_has_the_question_the_answer_and_the_stop_reason() -> None:
    assert answer_record(ROW, "tuned", [make_answer("x")]) == {
        "row_id": ROW["row_id"],
        "arm": "tuned",
        "question": "Who?",
        "answer": "x",
        "stop_reason": "end_turn",
    }


def test_answers_in_extra_shards_from_an_earlier_attempt_are_not_read(store: MemoryStore) -> None:
    write_answers(store, "base", shards=(slice(0, 2), slice(2, 3), slice(0, 3)))
    answers = list(read_answers(store, FOLDER, USE_CASE, "base", rows=len(ROWS)))
    assert [answer["row_id"] for answer in answers] == [row["row_id"] for row in ROWS]


def test_every_row_gives_a_comparison_in_each_order(store: MemoryStore) -> None:
    for arm in ("tuned", "base"):
        write_answers(store, arm)
    comparisons = read_comparisons(store, FOLDER, USE_CASE, candidate="tuned", baseline="base")
    assert [c.row["row_id"] for c in comparisons] == [row["row_id"] for row in ROWS for _ in range(2)]
    assert {(c.candidate_answer, c.baseline_answer) for c in comparisons} == {
        (f"tuned {number}", f"base {number}") for number in (1, 2, 3)
    }
    assert {c.order for c in comparisons[:2]} == {"candidate_first", "baseline_first"}


def test_the_noise_control_compares_an_arm_with_its_second_answers(store: MemoryStore) -> None:
    write_answers(store, "base")
    comparison, *_ = read_comparisons(store, FOLDER, USE_CASE, candidate="base", baseline=repeat_arm_name("base"))
    assert (comparison.candidate_answer, comparison.baseline_answer) == ("base 1", "base 1 again")


def test_a_row_without_an_answer_from_both_arms_raises_an_error_that_names_the_row(store: MemoryStore) -> None:
    write_answers(store, "tuned")
    write_answers(store, "base", shards=(slice(0, 2), slice(0, 0)))
    with pytest.raises(
        ReconciliationError, match=f"Evaluation rows without an answer from .*: 1. The first is row {ROWS[2]['row_id']}"
    ):
        read_comparisons(store, FOLDER, USE_CASE, candidate="tuned", baseline="base")
