"""
Keep the tasks of human evaluation jobs and the answers of the workers, and write the lines of the output.

On AWS, people work on the tasks in the portal of a SageMaker work team. In the simulator, a client reads the tasks and
posts the answers through admin routes. A task is one prompt with all responses.
"""

from __future__ import annotations

import datetime
import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from tools.aws_simulator.account.evaluation_records import (
    EvaluationJobBody,
    HumanAnswer,
    HumanTask,
)
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.human_answers import PostedAnswers, WorkerAnswer, find_fault

NOT_STORED = "No answer was stored."


class HumanTasks:
    """The tasks of all human evaluation jobs.

    :param changed: is called after answers were stored.
    """

    def __init__(self, state: State, changed: Callable[[], None]) -> None:
        self._state = state
        self._changed = changed

    def store(self, arn: str, tasks: Sequence[HumanTask]) -> None:
        """Store the tasks of a job. They can be answered from then on."""
        self._state.store(_name(arn), list(tasks))

    def load(self, arn: str) -> list[HumanTask] | None:
        """Return the tasks of a job; None if the job has not made them yet."""
        tasks: list[HumanTask] | None = self._state.load(_name(arn), None)
        return tasks

    def is_answered(self, arn: str) -> bool:
        """Return whether each task of a job has at least one answer."""
        return _are_answered(self.load(arn) or [])

    def open_tasks(self, job: str | None) -> list[dict[str, Any]]:
        """Return the tasks of the jobs that wait for answers.

        :param job: the ARN or the name of the only job to consider; None for all jobs.
        """
        return [
            _shown(waiting, task)
            for waiting in self._state.evaluation_jobs.all()
            if job in (None, waiting.arn, waiting.name) and waiting.body["status"] == "InProgress"
            for task in self.load(waiting.arn) or []
        ]

    def add(self, posted: PostedAnswers) -> dict[str, Any]:
        """Store answers, and return the number of tasks of the job that have none yet.

        :raises ValueError: the job does not wait for answers, or an answer is invalid. No answer is stored.
        """
        with self._state.transaction():
            arn, tasks = self._waiting(posted.job)
            for number, answer in enumerate(posted.answers):
                task = _find(tasks, answer, number)
                if fault := find_fault(answer, task):
                    raise ValueError(f"answers.{number}: {fault}. {NOT_STORED}")
                task["answers"].append(_record(answer))
            self.store(arn, tasks)
        self._changed()
        return {"job": arn, "tasks": len(tasks), "open": sum(not task["answers"] for task in tasks)}

    def _waiting(self, job: str) -> tuple[str, list[HumanTask]]:
        """Return the ARN and the tasks of the job that an ARN or a name names.

        A job whose tasks all have answers is still in progress for a moment. It takes no more answers, because they
        might come too late for its output.

        :raises ValueError: no job waits for answers, or jobs in several Regions have the name.
        """
        named = [found for found in self._state.evaluation_jobs.all() if job in (found.arn, found.name)]
        loaded = [(found.arn, self.load(found.arn)) for found in named if found.body["status"] == "InProgress"]
        waiting = [(arn, tasks) for arn, tasks in loaded if tasks is not None and not _are_answered(tasks)]
        if len(waiting) > 1:
            arns = ", ".join(arn for arn, _ in waiting)
            raise ValueError(
                f"Several human evaluation jobs have the name {job!r}; name one by its ARN: {arns}. {NOT_STORED}"
            )
        if not waiting:
            raise ValueError(f"No human evaluation job {job!r} waits for answers. {NOT_STORED}")
        return waiting[0]


def output_line(job: Resource[EvaluationJobBody], task: HumanTask, task_uri: str) -> dict[str, Any]:
    """Return the line of the output for one task. The metadata of the workers have the form of AWS's examples."""
    workflow = job.body["evaluationConfig"]["human"]["humanWorkflowConfig"]
    result = {
        "flowDefinitionArn": workflow["flowDefinitionArn"],
        "humanAnswers": [_written(job.region, answer) for answer in task["answers"]],
        "humanLoopName": hashlib.sha256(task_uri.encode()).hexdigest()[:40],
        "inputContent": {
            "additionalDataS3Uri": task_uri,
            "evaluationMetrics": [
                {
                    "description": metric.get("description", ""),
                    "metricName": metric["name"],
                    "ratingMethod": metric["ratingMethod"],
                }
                for metric in task["metrics"]
            ],
            "instructions": workflow.get("instructions", ""),
        },
        "modelResponseIdMap": {
            str(number): response["modelIdentifier"] for number, response in enumerate(task["responses"])
        },
    }
    return {
        "humanEvaluationResult": [result],
        "inputRecord": task["line"],
        "modelResponses": task["responses"],
    }


def _are_answered(tasks: Sequence[HumanTask]) -> bool:
    return all(task["answers"] for task in tasks)


def _name(arn: str) -> str:
    return f"human tasks of {arn}"


def _find(tasks: Sequence[HumanTask], answer: WorkerAnswer, number: int) -> HumanTask:
    """Return the task that an answer names. An answer to a job with one dataset need not name the dataset.

    :raises ValueError: there is no such task.
    """
    names = sorted({task["dataset"] for task in tasks})
    dataset = names[0] if answer.dataset is None and len(names) == 1 else answer.dataset
    found = next((task for task in tasks if (task["dataset"], task["record"]) == (dataset, answer.record)), None)
    if found is None:
        raise ValueError(
            f"answers.{number}: the job has no task {answer.record} of the dataset {dataset!r}. Its datasets are"
            f" {', '.join(names)}. {NOT_STORED}"
        )
    return found


def _record(answer: WorkerAnswer) -> HumanAnswer:
    return HumanAnswer(
        workerId=answer.workerId,
        timeSpentInSeconds=answer.timeSpentInSeconds,
        submitted=time.time(),
        evaluationResults=answer.results,
    )


def _shown(job: Resource[EvaluationJobBody], task: HumanTask) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobName": job.name,
        "dataset": task["dataset"],
        "record": task["record"],
        "inputRecord": task["line"],
        "responses": {str(number): one["response"] for number, one in enumerate(task["responses"])},
        "metrics": task["metrics"],
        "instructions": job.body["evaluationConfig"]["human"]["humanWorkflowConfig"].get("instructions", ""),
        "answers": len(task["answers"]),
    }


def _written(region: str, answer: HumanAnswer) -> dict[str, Any]:
    return {
        "acceptanceTime": _moment(answer["submitted"] - answer["timeSpentInSeconds"]),
        "answerContent": {"evaluationResults": answer["evaluationResults"]},
        "submissionTime": _moment(answer["submitted"]),
        "timeSpentInSeconds": answer["timeSpentInSeconds"],
        "workerId": answer["workerId"],
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": f"https://cognito-idp.{region}.amazonaws.com/{region}_simulated",
                "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, answer["workerId"])),
            }
        },
    }


def _moment(seconds: float) -> str:
    text = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
