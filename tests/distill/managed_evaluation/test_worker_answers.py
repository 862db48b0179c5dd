from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.labeling.records import LabelExample
from include.distill.managed_evaluation.records import EvaluationResultManifest
from include.distill.managed_evaluation.worker_answers import WorkerAnswers, read_worker_answers
from include.distill.managed_evaluation.worker_jobs import dataset_line
from tests.distill.labeling.example_sample import sample
from tests.fakes.memory_store import MemoryStore

RESULT: EvaluationResultManifest = {
    "job_name": "job",
    "job_arn": "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abc",
    "arm": "",
    "evaluator": "",
    "status": "Completed",
    "output_uri": "s3://output/human/",
}
FILE = "s3://output/human/job/abc/datasets/questions/f1_output.jsonl"
EXAMPLES = sample(3)
NAMES = [example["example"] for example in EXAMPLES]


def given(worker: str, chosen: str, difference: Any = 4, **changes: Any) -> dict[str, Any]:
    results = {
        "comparisonChoice": [{"metricName": "Better", "result": {"modelResponseId": chosen}}],
        "comparisonLikertScale": [
            {
                "metricName": "Difference",
                "leftModelResponseId": "1",
                "rightModelResponseId": "0",
                "result": difference,
            }
        ],
        **changes,
    }
    return {"workerId": worker, "timeSpentInSeconds": 5.0, "answerContent": {"evaluationResults": results}}


def line(example: LabelExample, *answers: Any, **changes: Any) -> dict[str, Any]:
    result = {"humanAnswers": list(answers), "modelResponseIdMap": {"0": "answer-a", "1": "answer-b"}, **changes}
    return {"humanEvaluationResult": [result], "inputRecord": dataset_line(example)}


def read(*lines: Any, examples: list[LabelExample] | None = None) -> WorkerAnswers:
    store = MemoryStore()
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    store.write(FILE, "\n".join(texts).encode())
    return read_worker_answers(store, RESULT, examples or EXAMPLES)


def test_the_choice_decides_who_is_better_and_the_middle_of_the_scale_is_a_tie() -> None:
    first, second, third = EXAMPLES
    answers = read(
        line(third, given("w2", "1", 1), given("w1", "0", 5)),
        line(first, given("w1", "0", 1), given("w2", "1", 3)),
        line(second, given("w1", "1", 5.0)),
    )
    assert answers.choices == {
        "w1": {NAMES[0]: "A", NAMES[1]: "B", NAMES[2]: "A"},
        "w2": {NAMES[0]: "Tie", NAMES[2]: "B"},
    }
    assert (answers.usable, answers.invalid, answers.foreign_lines, answers.missing(6)) == (5, 0, 0, 1)


def test_the_ids_of_the_responses_are_those_that_the_output_maps() -> None:
    swapped = line(EXAMPLES[0], given("w1", "0"), modelResponseIdMap={"0": "answer-b", "1": "answer-a"})
    assert read(swapped).choices == {"w1": {NAMES[0]: "B"}}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (given("w1", "7"), "neither answer-a nor answer-b"),
        (given("w1", "0", 0), "1 to 5"),
        (given("w1", "0", 2.5), "1 to 5"),
        (given("w1", "0", True), "1 to 5"),
        (given("w1", "0", "3"), "1 to 5"),
        (given("w1", "0", float("nan")), "1 to 5"),
        (given("w1", "0", comparisonChoice=[]), "exactly one rating of Better"),
        (given("w1", "0", comparisonChoice="Better"), "comparisonChoice is not a list"),
        (given("w1", "0", comparisonLikertScale=[{"metricName": "Other", "result": 3}]), "rating of Difference"),
        (given("", "0"), "no workerId"),
        (given("w" * 257, "0"), "no workerId"),
        ({**given("w1", "0"), "workerId": 7}, "no workerId"),
        (json.loads(r'{"workerId": "w\ud800"}'), "an answer has no workerId"),
        ({"workerId": "w1"}, "answerContent is not a JSON object"),
        ("A", "an answer is not a JSON object"),
    ],
)
def test_an_answer_that_cannot_be_used_is_counted_and_the_others_are_used(answer: Any, fault: str) -> None:
    answers = read(line(EXAMPLES[0], answer, given("w2", "1")))
    assert answers.choices == {"w2": {NAMES[0]: "B"}}
    assert (answers.usable, answers.invalid, answers.missing(6)) == (1, 1, 4)
    [reason] = answers.faults
    assert fault in reason


def test_the_first_answer_of_a_worker_to_an_example_counts() -> None:
    answers = read(line(EXAMPLES[0], given("w1", "0"), given("w1", "1")))
    assert (answers.choices, answers.invalid) == ({"w1": {NAMES[0]: "A"}}, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "[" * 100_000,
        "[]",
        '"text"',
        {"humanEvaluationResult": []},
        {**line(EXAMPLES[0]), "humanEvaluationResult": {}},
        {**line(EXAMPLES[0]), "inputRecord": {"prompt": "another", "modelResponses": []}},
        {**line(EXAMPLES[0]), "inputRecord": {**dataset_line(EXAMPLES[0]), "modelResponses": [1]}},
        {**line(EXAMPLES[0]), "inputRecord": {"prompt": "p", "modelResponses": [{"modelIdentifier": []}]}},
        {**line(EXAMPLES[0]), "inputRecord": {"prompt": [], "modelResponses": [{"modelIdentifier": {"a": 1}}]}},
    ],
)
def test_a_line_that_is_not_about_an_example_is_counted_and_the_others_are_used(wrong: Any) -> None:
    answers = read(wrong, line(EXAMPLES[1], given("w1", "0")), "", "\x00")
    assert answers.choices == {"w1": {NAMES[1]: "A"}}
    assert (answers.foreign_lines, answers.invalid) == (2, 0)


def test_a_line_that_repeats_an_example_is_not_read() -> None:
    answers = read(line(EXAMPLES[0], given("w1", "0")), line(EXAMPLES[0], given("w2", "1")))
    assert (answers.choices, answers.foreign_lines) == ({"w1": {NAMES[0]: "A"}}, 1)


def test_examples_with_the_same_texts_each_get_a_line() -> None:
    twins = [EXAMPLES[0], {**EXAMPLES[0], "example": "002-aaaaaa-bbbbbbbb", "row_id": "other"}]
    answers = read(*(line(twin, given("w1", "0")) for twin in twins), examples=twins)  # type: ignore[arg-type]
    assert answers.choices == {"w1": {twins[0]["example"]: "A", twins[1]["example"]: "A"}}


def test_a_result_without_a_map_of_its_responses_is_counted() -> None:
    answers = read(line(EXAMPLES[0], given("w1", "0"), modelResponseIdMap=None))
    assert (answers.choices, answers.invalid) == ({}, 1)


def test_only_output_files_of_this_job_are_read() -> None:
    store = MemoryStore()
    body = json.dumps(line(EXAMPLES[0], given("w1", "0"))).encode()
    for uri in (
        "s3://output/human/job/other/datasets/questions/f1_output.jsonl",
        "s3://output/human/job/abc/datasets/other/f1_output.jsonl",
        "s3://output/human/job/abc/datasets/questions/records/0/human-loop-additional-data.json",
        "s3://output/human/job/abcd/datasets/questions/f1_output.jsonl",
    ):
        store.write(uri, body)
    assert read_worker_answers(store, RESULT, EXAMPLES).usable == 0
    for number, example in enumerate(EXAMPLES):
        text = json.dumps(line(example, given("w1", "0")))
        store.write(FILE.replace("f1", f"f{number}"), text.encode())
    assert read_worker_answers(store, RESULT, EXAMPLES).usable == 3
