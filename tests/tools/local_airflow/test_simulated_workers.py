"""Simulated workers compare responses with the reference answer, each with an error of its own."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.managed_evaluation.worker_jobs import worker_plan, worker_prompt
from tests.distill.labeling.example_sample import sample
from tests.distill.managed_evaluation.test_worker_jobs import SETTINGS
from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.local_airflow.simulated_workers import (
    WORKERS,
    Worker,
    answer_open_tasks,
    rate,
    references,
    shared_words,
)

EXACT = Worker("exact", error=0.0, tie=0.05)
REFERENCE = "Use the flag --force to replace the file."


def task(first: str, second: str, prompt: str = "p") -> dict[str, Any]:
    return {
        "dataset": "questions",
        "record": 0,
        "inputRecord": {"prompt": prompt},
        "responses": {"0": first, "1": second},
    }


def ratings(worker: Worker, one: dict[str, Any]) -> tuple[str, int]:
    results = rate(worker, one, REFERENCE)["evaluationResults"]
    return (
        results["comparisonChoice"][0]["result"]["modelResponseId"],
        results["comparisonLikertScale"][0]["result"],
    )


def test_the_response_that_is_closer_to_the_reference_is_better() -> None:
    assert ratings(EXACT, task(REFERENCE, "No idea.")) == ("0", 1)
    assert ratings(EXACT, task("No idea.", REFERENCE)) == ("1", 5)
    assert ratings(EXACT, task(REFERENCE, "Use the flag --force to replace a file.")) == ("0", 2)


def test_responses_that_are_equally_close_are_a_tie() -> None:
    assert ratings(EXACT, task(REFERENCE.upper(), REFERENCE))[1] == 3


def test_shared_words_are_counted_from_none_to_all() -> None:
    assert shared_words("a b", "a b") == 1.0
    assert shared_words("a", "b") == 0.0
    assert shared_words("", "") == 0.0
    assert shared_words("a a b", "a c") == pytest.approx(0.4)


def test_the_same_worker_gives_the_same_answer_again_and_the_two_workers_sometimes_disagree() -> None:
    tasks = [task("Use --force.", "Use the flag to replace it.", f"prompt {number}") for number in range(200)]
    answers = [[ratings(worker, one) for one in tasks] for worker in WORKERS]
    assert answers == [[ratings(worker, one) for one in tasks] for worker in WORKERS]
    same = sum(first == second for first, second in zip(*answers, strict=True))
    assert 0 < same < len(tasks)


def test_the_ids_of_the_workers_say_that_they_are_simulated() -> None:
    assert [worker.id.partition("-")[0] for worker in WORKERS] == ["simulated", "simulated"]


def test_both_workers_answer_all_open_tasks_of_the_job_and_then_nothing_is_open(simulator: RunningSimulator) -> None:
    examples = sample(3)
    plan = worker_plan(SETTINGS, examples)
    builders.human_request(simulator)  # creates the bucket
    simulator.boto("s3").put_object(Bucket=builders.BUCKET, Key="d.jsonl", Body=plan.dataset)
    config: Any = plan.config
    dataset = config["human"]["datasetMetricConfigs"][0]["dataset"]
    dataset["datasetLocation"] = {"s3Uri": f"s3://{builders.BUCKET}/d.jsonl"}
    sources = [{"precomputedInferenceSource": {"inferenceSourceIdentifier": one}} for one in plan.sources]
    arn = builders.create_evaluation(simulator, evaluationConfig=config, inferenceConfig={"models": sources})
    builders.open_tasks(simulator, arn)
    rows = [{"question": one["question"], "document": one["document"], "answer": REFERENCE} for one in examples]
    by_prompt = references(rows)
    assert by_prompt[worker_prompt(examples[0]["question"], examples[0]["document"])] == REFERENCE
    assert answer_open_tasks(simulator.url, arn, by_prompt) == 3
    assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
    assert answer_open_tasks(simulator.url, arn, by_prompt) == 0
