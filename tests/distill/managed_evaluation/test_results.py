"""Test that every score that was asked for is found or counted as missing, whatever the output contains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.core.errors import ContractError
from include.distill.managed_evaluation.records import EvaluationQuestion, EvaluationResultManifest, ScoreRecord
from include.distill.managed_evaluation.results import find_results, missing_scores, prompt_hash, read_scores
from include.distill.managed_evaluation.scales import Scale
from tests.fakes.memory_store import MemoryStore

RESULT: EvaluationResultManifest = {
    "job_name": "env-tuned-nova-pro-1f2e",
    "job_arn": "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abc123def456",
    "arm": "tuned",
    "evaluator": "nova-pro",
    "status": "Completed",
    "output_uri": "s3://output/distill/evaluations/1f2e/",
}
FOLDER = "s3://output/distill/evaluations/1f2e/env-tuned-nova-pro-1f2e/abc123def456/"
SCALES = {"Builtin.Correctness": Scale(0, 1), "grounded": Scale(1, 5)}
PROMPTS = ["first prompt", "second prompt", "third prompt"]
CORRECT = "Builtin.Correctness"


def questions(prompts: list[str] | None = None) -> list[EvaluationQuestion]:
    return [
        {"row_id": f"row{number}", "prompt_sha256": prompt_hash(prompt)}
        for number, prompt in enumerate(PROMPTS if prompts is None else prompts)
    ]


def entry(metric: str | None, result: Any, explanation: Any = "because") -> dict[str, Any]:
    details = [{"modelIdentifier": "amazon.nova-pro-v1:0", "explanation": explanation}]
    named = {} if metric is None else {"metricName": metric}
    return {**named, "result": result, "evaluatorDetails": details}


def line(prompt: str, *scores: Any) -> dict[str, Any]:
    return {
        "automatedEvaluationResult": {"scores": list(scores)},
        "inputRecord": {"prompt": prompt, "referenceResponse": "r"},
        "modelResponses": [{"response": "answer", "modelIdentifier": "tuned"}],
    }


def both(prompt: str, correct: Any = 0.75, grounded: Any = 3) -> dict[str, Any]:
    return line(prompt, entry(CORRECT, correct), entry("grounded", grounded))


def write(store: MemoryStore, lines: list[Any], *, file: str = "f1", dataset: str = "questions") -> None:
    """Write a file of results. Lines that are bytes are written as they are."""
    uri = f"{FOLDER}models/tuned/taskTypes/General/datasets/{dataset}/{file}_output.jsonl"
    store.write(uri, b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines))


def read(store: MemoryStore, **changes: Any) -> tuple[list[ScoreRecord], list[str]]:
    notes: list[str] = []
    given: dict[str, Any] = {"result": RESULT, "questions": questions(), "scales": SCALES, **changes}
    return read_scores(store, **given, note=notes.append), notes


def scores(records: list[ScoreRecord], metric: str = CORRECT) -> dict[str, float | None]:
    return {record["row_id"]: record["score"] for record in records if record["metric"] == metric}


def test_each_metric_has_one_record_for_each_question_in_the_order_of_the_questions(store: MemoryStore) -> None:
    write(store, [both(prompt, number / 4, number + 1) for number, prompt in reversed(list(enumerate(PROMPTS)))])
    records, notes = read(store)
    assert notes == []
    assert [(record["metric"], record["row_id"], record["score"]) for record in records] == [
        *((CORRECT, f"row{number}", number / 4) for number in range(3)),
        *(("grounded", f"row{number}", number + 1) for number in range(3)),
    ]
    assert records[0] == {
        "row_id": "row0",
        "arm": "tuned",
        "evaluator": "nova-pro",
        "metric": CORRECT,
        "score": 0.0,
        "explanation": "because",
    }


def test_the_scores_may_be_in_one_file_for_each_metric(store: MemoryStore) -> None:
    for name, result in ((CORRECT, 0.5), ("grounded", 4)):
        write(store, [line(prompt, entry(name, result)) for prompt in PROMPTS], file=name)
    records, notes = read(store)
    assert notes == []
    assert (set(scores(records).values()), set(scores(records, "grounded").values())) == ({0.5}, {4})


def test_only_the_files_of_the_job_are_read(store: MemoryStore) -> None:
    write(store, [both(prompt) for prompt in PROMPTS])
    for path in ("custom_metrics/grounded.json", "models/tuned/taskTypes/General/datasets/questions/notes.jsonl"):
        store.write(f"{FOLDER}{path}", b"not a result")
    other = FOLDER.replace("abc123def456", "fed654cba321")
    store.write(f"{other}models/tuned/taskTypes/General/datasets/questions/f_output.jsonl", b"of another job")
    folder, uris = find_results(store, RESULT)
    assert (folder, len(uris)) == (FOLDER, 1)
    assert read(store)[1] == []


@pytest.mark.parametrize(
    "bad",
    [
        b"{truncated\n",
        b'{"inputRecord": {"prompt": "\xff"}}\n',
        b"[" * 100_000 + b"\n",
        b"[1, 2]\n",
        b"null\n",
        {"inputRecord": {"prompt": 7}, "automatedEvaluationResult": {"scores": []}},
        {"inputRecord": "first prompt", "automatedEvaluationResult": {"scores": []}},
        {"inputRecord": {"prompt": "first prompt"}, "automatedEvaluationResult": {"scores": {"metricName": CORRECT}}},
        {"inputRecord": {"prompt": "first prompt"}},
    ],
    ids=["cut", "not UTF-8", "deep", "list", "null", "number as prompt", "text as record", "no list", "no scores"],
)
def test_a_line_that_is_no_result_is_counted_and_its_question_has_no_score(store: MemoryStore, bad: Any) -> None:
    write(store, [bad, b"\n", both("second prompt"), both("third prompt")])
    records, notes = read(store)
    assert scores(records) == {"row0": None, "row1": 0.75, "row2": 0.75}
    assert notes == [
        f"Output of the evaluation job {RESULT['job_name']}: lines that are not results in Bedrock's format: 1.",
        f"Answers of tuned without a score by nova-pro for {CORRECT}: 1 of 3.",
        "Answers of tuned without a score by nova-pro for grounded: 1 of 3.",
    ]


def test_a_prompt_that_was_not_sent_is_counted_and_not_used(store: MemoryStore) -> None:
    write(store, [*(both(prompt) for prompt in PROMPTS), both("injected prompt", 0.0), both("\ud800 prompt")])
    records, notes = read(store)
    assert len(records) == 6
    assert notes == [
        f"Output of the evaluation job {RESULT['job_name']}: lines with a prompt that the job was not given: 2."
    ]


def test_an_unknown_metric_is_counted_and_not_used(store: MemoryStore) -> None:
    extra = [entry("Builtin.Novel", 1), entry(None, 1), "text", None]
    write(store, [line(p, entry(CORRECT, 1), entry("grounded", 5), *extra) for p in PROMPTS])
    records, notes = read(store)
    assert {record["metric"] for record in records} == set(SCALES)
    (note,) = notes
    assert note.endswith(": scores for a metric that the job was not given: 12.")


def test_a_score_without_a_name_belongs_to_the_only_metric(store: MemoryStore) -> None:
    write(store, [line(prompt, entry(None, 2)) for prompt in PROMPTS])
    records, notes = read(store, scales={"grounded": Scale(1, 5)})
    assert (scores(records, "grounded"), notes) == (dict.fromkeys(["row0", "row1", "row2"], 2), [])


@pytest.mark.parametrize(
    "result",
    [None, "3", "nan", True, float("nan"), float("inf"), -0.1, 1.01, 10**400, [1], {"score": 1}],
    ids=str,
)
def test_a_result_that_is_no_number_on_the_scale_is_a_missing_score_and_counted(
    store: MemoryStore, result: Any
) -> None:
    write(store, [both("first prompt", result), both("second prompt"), both("third prompt")])
    records, notes = read(store)
    assert scores(records) == {"row0": None, "row1": 0.75, "row2": 0.75}
    assert [record["explanation"] for record in records][:1] == ["because"]
    assert notes[0].endswith(": scores that are not a number on the metric's scale: 1.")
    assert notes[1] == f"Answers of tuned without a score by nova-pro for {CORRECT}: 1 of 3."
    assert missing_scores(records) == {CORRECT: 1}


def test_a_metric_that_is_missing_in_all_lines_has_only_missing_scores(store: MemoryStore) -> None:
    write(store, [line(prompt, entry(CORRECT, 1)) for prompt in PROMPTS])
    records, notes = read(store)
    assert set(scores(records, "grounded").values()) == {None}
    assert notes == ["Answers of tuned without a score by nova-pro for grounded: 3 of 3."]


def test_of_repeated_scores_the_first_readable_one_is_used_and_the_others_are_counted(store: MemoryStore) -> None:
    write(store, [both("first prompt", None), both("second prompt"), both("third prompt")])
    write(store, [both("first prompt", 0.25), both("second prompt", 1.0)], file="f2")
    records, notes = read(store)
    assert scores(records) == {"row0": 0.25, "row1": 0.75, "row2": 0.75}
    assert notes[1].endswith(": scores that repeat another one, of which the first was used: 4.")
    assert len(notes) == 2


def test_rows_with_the_same_prompt_get_one_score_each(store: MemoryStore) -> None:
    write(store, [both("same", 0.25), both("other", 1), both("same", 0.5)])
    records, notes = read(store, questions=questions(["same", "other", "same"]))
    assert (scores(records), notes) == ({"row0": 0.25, "row1": 1, "row2": 0.5}, [])


def test_a_row_whose_prompt_was_scored_only_once_for_two_rows_has_no_score(store: MemoryStore) -> None:
    write(store, [both("same", 0.25)])
    records, notes = read(store, questions=questions(["same", "same"]))
    assert scores(records) == {"row0": 0.25, "row1": None}
    assert notes[0] == f"Answers of tuned without a score by nova-pro for {CORRECT}: 1 of 2."


@pytest.mark.parametrize("explanation", [None, 7, ["a"]])
def test_an_explanation_that_is_no_text_is_empty(store: MemoryStore, explanation: Any) -> None:
    write(store, [line(prompt, entry(CORRECT, 1, explanation)) for prompt in PROMPTS])
    assert {record["explanation"] for record in read(store)[0]} == {""}


@pytest.mark.parametrize("details", [None, [], {}, ["text"]], ids=str)
def test_a_score_without_details_has_no_explanation(store: MemoryStore, details: Any) -> None:
    write(
        store, [line(prompt, {"metricName": CORRECT, "result": 1, "evaluatorDetails": details}) for prompt in PROMPTS]
    )
    records, _ = read(store)
    assert scores(records) == {"row0": 1, "row1": 1, "row2": 1}


def test_an_explanation_can_be_stored_as_utf_8(store: MemoryStore) -> None:
    write(store, [line(prompt, entry(CORRECT, 1, "lone \ud800 surrogate")) for prompt in PROMPTS])
    assert read(store)[0][0]["explanation"].encode() == b"lone ? surrogate"


def test_an_output_without_files_is_an_error_that_says_where_they_should_be(store: MemoryStore) -> None:
    with pytest.raises(ContractError) as error:
        read(store)
    assert error.value.happened == (
        f"The evaluation job {RESULT['job_name']}, in which nova-pro scored the answers of tuned, is Completed, but has"
        f" no file of results below {FOLDER}."
    )
    assert "clear" in error.value.advice("evaluate.collect").lower()


def test_an_output_without_any_score_is_an_error_that_says_why(store: MemoryStore) -> None:
    write(store, [both("injected", 1), b"{\n", both("first prompt", "high", "high")])
    with pytest.raises(ContractError) as error:
        read(store)
    assert error.value.happened.endswith(
        f"has no readable score in its output below {FOLDER} (lines with a prompt that the job was not given: 1; lines"
        " that are not results in Bedrock's format: 1; scores that are not a number on the metric's scale: 2)."
    )


def test_no_text_of_the_output_is_in_a_note(store: MemoryStore) -> None:
    secret = "SECRET"
    write(store, [both(prompt, secret) for prompt in PROMPTS])
    write(store, [line(secret), line("first prompt", entry(secret, 1)), b"SECRET\n"], file="f2")
    _, notes = read(store)
    assert len(notes) == 5
    assert secret not in " ".join(notes)
