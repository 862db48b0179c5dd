"""Test the part of the report about the scores from evaluation jobs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import write_jsonl
from include.distill.report.evaluations import evaluations_part
from tests.distill.conftest import make_row, make_use_case
from tests.distill.report.example_scores import SCORES, SETTINGS, score_records, stored_scores
from tests.fakes.memory_store import MemoryStore

USE_CASE = make_use_case(evaluations=SETTINGS)
TUNED, BASE = USE_CASE.pairs[0].candidate, USE_CASE.pairs[0].baseline
ROWS: Any = [{**make_row(number), "row_id": f"row{number}", "group": f"d{number}"} for number in range(4)]
ANSWERS = {arm: {f"row{number}": f"{arm} {number}" for number in range(4)} for arm in (TUNED, BASE)}


def part(store: MemoryStore, *jobs: list[dict[str, Any]], **changes: Any) -> tuple[Any, list[str]]:
    """Return the part for the records of each job, and the notes."""
    notes: list[str] = []
    manifests = [stored_scores(store, records) for records in jobs]
    given = {"evaluation": ROWS, "answers": ANSWERS, **changes}
    return evaluations_part(store, USE_CASE, manifests, **given, note=notes.append), notes


def test_the_part_has_the_metrics_the_means_and_the_differences_of_the_comparisons(store: MemoryStore) -> None:
    better = {**SCORES, "Builtin.Correctness": [1.0, 1.0, 0.5]}
    found, notes = part(store, score_records(BASE), score_records(TUNED, better))
    evaluations = found["evaluations"]
    assert notes == []
    assert (evaluations["questions"], evaluations["evaluation_rows"]) == (3, 4)
    assert [(metric["name"], metric["low"], metric["high"]) for metric in evaluations["metrics"]] == [
        ("Builtin.Correctness", 0, 1),
        ("Builtin.Refusal", 0, 1),
        ("grounded", 1, 5),
    ]
    assert [metric["high_is_bad"] for metric in evaluations["metrics"]] == [False, True, False]
    assert [rating["value"] for rating in evaluations["metrics"][2]["ratings"]] == [5, 1]
    assert [(entry["arm"], entry["mean"], entry["n"], entry["missing"]) for entry in evaluations["scores"]][:2] == [
        (BASE, 0.75, 2, 1),
        (TUNED, pytest.approx(2.5 / 3), 3, 0),
    ]
    first, *_ = evaluations["differences"]
    assert (first["candidate"], first["baseline"], first["difference"], first["n"]) == (TUNED, BASE, 0.25, 2)
    assert len(evaluations["differences"]) == 3


def test_the_worst_scores_are_of_different_answers_and_high_for_a_metric_that_finds_faults(
    store: MemoryStore,
) -> None:
    found, _ = part(store, score_records(TUNED, {**SCORES, "grounded": [5, 1, 2]}, explanation="<b>"))
    worst = found["evaluations"]["worst"]
    assert [(item["row_id"], item["metric"], item["score"]) for item in worst] == [
        ("row1", "Builtin.Refusal", 1.0),
        ("row2", "grounded", 2),
    ]
    assert (worst[0]["question"], worst[0]["answer"]) == (ROWS[1]["question"], f"{TUNED} 1")
    assert (worst[0]["arm"], worst[0]["evaluator"], worst[0]["explanation"]) == (TUNED, "nova-pro", "<b>")


def test_the_worst_scores_are_those_of_all_evaluators(store: MemoryStore) -> None:
    use_case = make_use_case(
        evaluations={"pointwise": {**SETTINGS["pointwise"], "evaluators": ["nova-pro", "nova-micro"]}}
    )
    harsh = {**SCORES, "Builtin.Refusal": [0, 0, 0], "grounded": [3, 5, 2]}
    manifests = [
        stored_scores(store, score_records(TUNED, scores, evaluator=evaluator))
        for evaluator, scores in (("nova-pro", {**SCORES, "Builtin.Refusal": [0, 0.9, 0]}), ("nova-micro", harsh))
    ]
    found = evaluations_part(store, use_case, manifests, evaluation=ROWS, answers=ANSWERS, note=str)
    assert [(one["row_id"], one["evaluator"], one["score"]) for one in found["evaluations"]["worst"]] == [
        ("row1", "nova-pro", 0.9),
        ("row2", "nova-micro", 2),
    ]


def test_perfect_scores_have_no_worst(store: MemoryStore) -> None:
    perfect = {"Builtin.Correctness": [1, 1], "Builtin.Refusal": [0, 0], "grounded": [5, 5]}
    assert part(store, score_records(TUNED, perfect))[0]["evaluations"]["worst"] == []


def test_an_arm_whose_answers_could_not_be_read_has_means_but_no_worst(store: MemoryStore) -> None:
    found, _ = part(store, score_records(TUNED), answers={BASE: ANSWERS[BASE]})
    assert found["evaluations"]["worst"] == []
    assert len(found["evaluations"]["scores"]) == 3


def test_a_job_without_a_result_is_noted_and_the_others_are_shown(store: MemoryStore) -> None:
    found, notes = part(store, score_records(TUNED))
    assert {entry["arm"] for entry in found["evaluations"]["scores"]} == {TUNED}
    assert found["evaluations"]["differences"] == []
    (note,) = notes
    assert note.startswith(
        f"The report does not contain the scores that nova-pro gave to the answers of {BASE}, because"
    )


def test_without_any_result_there_is_no_part(store: MemoryStore) -> None:
    found, notes = part(store)
    assert (found, len(notes)) == ({}, 2)


def test_a_use_case_without_evaluation_jobs_has_no_part_and_no_note(store: MemoryStore) -> None:
    notes: list[str] = []
    use_case = make_use_case()
    assert evaluations_part(store, use_case, [], evaluation=ROWS, answers=ANSWERS, note=notes.append) == {}
    assert notes == []


@pytest.mark.parametrize("change", [{"questions": 2}, {"missing": 0}], ids=str)
def test_scores_that_do_not_match_the_result_of_their_task_are_refused(store: MemoryStore, change: Any) -> None:
    manifest = {**stored_scores(store, score_records(TUNED)), **change}
    with pytest.raises(ReconciliationError, match="has 9 records, 1 of them without a score") as error:
        evaluations_part(store, USE_CASE, [manifest], evaluation=ROWS, answers=ANSWERS, note=str)
    assert "Clear the tasks of the group evaluate" in str(error.value)


def test_a_question_that_is_scored_twice_is_refused(store: MemoryStore) -> None:
    records = score_records(TUNED)
    manifest = stored_scores(store, records)
    write_jsonl(store, manifest["scores_uri"], [*records[:-1], records[-2]])
    with pytest.raises(ValidationError, match="is not questions 3"):
        evaluations_part(store, USE_CASE, [manifest], evaluation=ROWS, answers=ANSWERS, note=str)


def test_a_stored_score_outside_its_scale_is_refused(store: MemoryStore) -> None:
    with pytest.raises(ValidationError, match="is not on the scale from"):
        part(store, score_records(TUNED, {**SCORES, "Builtin.Correctness": [7.0, 8.0, None]}))
