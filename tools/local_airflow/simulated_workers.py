"""
Answer the tasks of human evaluation jobs in the simulated account, in place of human workers.

The answers are SIMULATED: two small programs compare the two responses of a task with the reference answer. They count
the words that a response shares with the reference answer. Each worker misjudges a response by a random amount that
depends on the worker and the task, so the two workers sometimes disagree, and a repeated run gives the same answers.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from include.distill.managed_evaluation.worker_jobs import CHOICE_METRIC, SCALE_METRIC, TIE, worker_prompt
from tools.local_airflow.account import human_tasks, post_human_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WORD = re.compile(r"\w+")


class Worker(NamedTuple):
    """
    A simulated worker.

    :param error: standard deviation of the random amount by which the worker misjudges a response.
    :param tie: if two responses differ by less than this amount, the worker calls them equally good.
    """

    id: str
    error: float
    tie: float


# The ids say that the workers are simulated, because they appear in the report as names of labelers.
WORKERS = (Worker("simulated-1", error=0.05, tie=0.04), Worker("simulated-2", error=0.12, tie=0.08))


def references(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the reference answers of evaluation rows, by the prompt that workers see."""
    return {worker_prompt(row["question"], row["document"]): row["answer"] for row in rows}


def answer_open_tasks(simulator_url: str, job_arn: str, reference: Mapping[str, str]) -> int:
    """
    Answer all tasks of a job as both workers; do nothing if the job has no open tasks.

    Both workers answer in one request, because the job ends as soon as each task has an answer.

    :param reference: reference answers by prompt.
    :return: the number of answered tasks.
    :raises SimulatorError: the AWS simulator did not answer.
    """
    tasks = human_tasks(simulator_url, job_arn)
    answers = [rate(worker, task, reference[task["inputRecord"]["prompt"]]) for worker in WORKERS for task in tasks]
    if answers:
        post_human_answers(simulator_url, job_arn, answers)
    return len(tasks)


def rate(worker: Worker, task: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """Return the answer of a worker to a task, in the form that the AWS simulator expects."""
    chance = random.Random(f"{worker.id} {task['inputRecord']['prompt']}")
    first, second = (
        shared_words(task["responses"][name], reference) + chance.gauss(0, worker.error) for name in ("0", "1")
    )
    difference = second - first
    if abs(difference) < worker.tie:
        scale = TIE
    else:
        strength = 1 if abs(difference) < 3 * worker.tie else 2
        scale = TIE + strength if difference > 0 else TIE - strength
    return {
        "dataset": task["dataset"],
        "record": task["record"],
        "workerId": worker.id,
        "timeSpentInSeconds": 1.0,
        "evaluationResults": {
            "comparisonChoice": [
                {"metricName": CHOICE_METRIC, "result": {"modelResponseId": "1" if difference > 0 else "0"}}
            ],
            "comparisonLikertScale": [
                {
                    "metricName": SCALE_METRIC,
                    "leftModelResponseId": "0",
                    "rightModelResponseId": "1",
                    "result": scale,
                }
            ],
        },
    }


def shared_words(response: str, reference: str) -> float:
    """Return how similar two texts are, from 0 to 1: the F1 score of their words."""
    ours, theirs = (Counter(_WORD.findall(text.lower())) for text in (response, reference))
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 0.0
