"""
Run evaluation jobs: read the datasets, get the responses, let models or people rate them, and write the output.

An automated job writes its output and is billed when it ends. If it is stopped, it writes nothing, and is billed for
the responses and ratings that it had time for (UNVERIFIED). A human job first gets the responses and is billed for
them. Then it waits until each prompt has an answer of a worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.evaluation_records import EvaluationJobBody, HumanTask
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline
from tools.aws_simulator.jobs.evaluation_files import Dataset, EvaluationFiles
from tools.aws_simulator.jobs.evaluation_ratings import Evaluators, Responder
from tools.aws_simulator.jobs.evaluation_requests import custom_metrics, evaluator_identifiers, identifier_of
from tools.aws_simulator.jobs.human_tasks import HumanTasks, output_line
from tools.aws_simulator.jobs.job_files import S3Access
from tools.aws_simulator.jobs.role_access import RoleAccess
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Charge, Inference
from tools.aws_simulator.services.roles import Roles

UNFINISHED = ("InProgress", "Stopping")
_SHARE_OF_READING = 0.25  # an invalid dataset is found after this share of the job's duration
_STOPPING_SHARE = 0.1


@dataclass(frozen=True)
class _Results:
    """What the evaluators of a job found: a file of lines for each dataset, and what to bill."""

    files: dict[str, list[dict[str, Any]]]
    charges: list[Charge]
    evaluations: int


class EvaluationRunner(BackgroundJobs[EvaluationJobBody]):
    """The evaluation jobs, which run in the background."""

    def __init__(
        self, state: State, settings: SettingsStore, inference: Inference, ledger: Ledger, s3: S3Access, roles: Roles
    ) -> None:
        super().__init__(state.evaluation_jobs, settings, unfinished=UNFINISHED)
        self._state = state
        self._inference = inference
        self._ledger = ledger
        self._s3 = s3
        self._roles = roles
        self.human_tasks = HumanTasks(state, self._wake)

    def _work(self, arn: str) -> None:
        self._check(arn)  # a job that was stopping before a restart keeps the time of its stop
        job = self._jobs.get(arn)
        is_prepared = self.human_tasks.load(arn) is not None
        if not is_prepared:
            self._read_after_a_while(job)
            self._apply_fault(job)
            self._wait(arn, self._deadline(job.created))
        if job.body["jobType"] == "Automated":
            self._judge(job)
            return
        if not is_prepared:
            self._make_tasks(job)
        self._wait(arn, Deadline(lambda: 0.0 if self.human_tasks.is_answered(arn) else None, job.created))
        self._write_answers(job)

    def _read_after_a_while(self, job: Resource[EvaluationJobBody]) -> None:
        """Check the datasets. A job with an invalid dataset is in progress for a while before it fails.

        :raises DataFaultError: a dataset, a bucket or a model cannot be used.
        """
        try:
            datasets = self._read(job)
        except DataFaultError:
            self._wait(job.arn, self._deadline(job.created, _SHARE_OF_READING))
            raise
        with self._changed:
            self._check(job.arn)
            self._save(job.arn, prompts=sum(len(dataset.lines) for dataset in datasets))

    def _read(self, job: Resource[EvaluationJobBody]) -> list[Dataset]:
        files = self._files(job)
        files.check_output()
        datasets = files.read()
        for identifier in _model_identifiers(job):
            self._check_model(job, identifier)
        return datasets

    def _check_model(self, job: Resource[EvaluationJobBody], identifier: str) -> None:
        """Check that the role of the job may invoke a model. The message is UNVERIFIED.

        https://docs.aws.amazon.com/bedrock/latest/userguide/judge-service-roles.html also asks for
        CreateModelInvocationJob and StopModelInvocationJob. Whether jobs need them is UNVERIFIED, so they are not
        checked.
        """
        try:
            model = self._inference.converse_target(job.region, identifier).model
        except ApiError as error:
            raise DataFaultError(f"The model {identifier} cannot be used: {error}") from error
        if not self._access(job).may_use_model(identifier, model.id):
            raise DataFaultError(
                f"The role {job.body['roleArn']} is not authorized to perform: bedrock:InvokeModel on {identifier}"
            )

    def _apply_fault(self, job: Resource[EvaluationJobBody]) -> None:
        kind = job.body["fault"]["kind"] if job.body["fault"] else None
        if kind == "evaluation_stalled":
            self._wait(job.arn, self._stall_end(job))
        if kind == "evaluation_failed":
            self._wait(job.arn, self._deadline(job.created))
            raise DataFaultError(INTERNAL_ERROR)

    def _judge(self, job: Resource[EvaluationJobBody]) -> None:
        results = self._rate(job, self._read(job), lambda: self._check(job.arn))
        files = self._files(job)
        with self._changed:
            self._check(job.arn)  # a job that was stopped in the meantime writes nothing
            for path, lines in results.files.items():
                files.write_lines(path, lines)
            files.write_metrics(custom_metrics(job.body["evaluationConfig"]["automated"]))
            self._end(job.arn, "Completed", results.charges, evaluations=results.evaluations)

    def _rate(
        self,
        job: Resource[EvaluationJobBody],
        datasets: Sequence[Dataset],
        check: Callable[[], None],
        share: float = 1.0,
    ) -> _Results:
        """Rate the responses to the given share of each dataset, beginning with its first line.

        :param check: is called before each line, and may raise an error to end the work.
        """
        config, (model,) = job.body["evaluationConfig"]["automated"], job.body["inferenceConfig"]["models"]
        responder = Responder(job.region, model, self._inference)
        evaluators = Evaluators(job.region, config, self._inference)
        written: dict[str, list[dict[str, Any]]] = {}
        for dataset in datasets:
            lines = []
            for line in dataset.lines[: int(len(dataset.lines) * share)]:
                check()
                response = responder.respond(line)
                scores = evaluators.scores(dataset, line, response["response"])
                lines.append(
                    {
                        "automatedEvaluationResult": {"scores": scores},
                        "inputRecord": line,
                        "modelResponses": [response],
                    }
                )
            written[_result_path(identifier_of(model), dataset)] = lines
        return _Results(written, [*responder.charges, *evaluators.charges], len(evaluators.charges))

    def _make_tasks(self, job: Resource[EvaluationJobBody]) -> None:
        """Get all responses, store the tasks of the workers, and bill the responses in one transaction."""
        config, files = job.body["evaluationConfig"]["human"], self._files(job)
        responders = [Responder(job.region, model, self._inference) for model in job.body["inferenceConfig"]["models"]]
        tasks = [
            HumanTask(
                dataset=dataset.name,
                record=number,
                line=line,
                responses=[responder.respond(line) for responder in responders],
                metrics=[one for one in config["customMetrics"] if one["name"] in dataset.config["metricNames"]],
                answers=[],
            )
            for dataset in self._read(job)
            for number, line in enumerate(dataset.lines)
        ]
        for task in tasks:
            files.write_task(task["dataset"], task["record"], task["line"], task["responses"])
        with self._changed, self._state.transaction():
            self._check(job.arn)
            for responder in responders:
                self._bill(responder.charges)
            self.human_tasks.store(job.arn, tasks)

    def _write_answers(self, job: Resource[EvaluationJobBody]) -> None:
        files, by_dataset = self._files(job), dict[str, list[dict[str, Any]]]()
        for task in self.human_tasks.load(job.arn) or []:
            line = output_line(job, task, files.task_uri(task["dataset"], task["record"]))
            by_dataset.setdefault(task["dataset"], []).append(line)
        with self._changed:
            self._check(job.arn)
            for dataset, lines in by_dataset.items():
                files.write_lines(f"datasets/{dataset}", lines)
            self._end(job.arn, "Completed")

    def _end(self, arn: str, status: str, charges: Sequence[Charge] = (), **changes: Any) -> None:
        """End the job and bill it in one transaction. If the job was asked to stop, its status is Stopped."""
        with self._changed, self._state.transaction():
            if self._closing:
                return
            self._bill(charges)
            stopped = self._jobs.get(arn).body["status"] == "Stopping"
            self._save(arn, status="Stopped" if stopped else status, ended=time.time(), **changes)

    def _bill(self, charges: Sequence[Charge]) -> None:
        for charge in charges:
            self._ledger.bill(*charge)

    def _failed(self, arn: str, message: str) -> None:
        self._end(arn, "Failed", failureMessages=[message[:2048]])

    def _stopped(self, arn: str) -> None:
        """Keep the status Stopping for a while, then bill what the job had time for."""
        job = self._jobs.get(arn)
        if not self._wait_stopping(self._deadline(job.body["modified"], _STOPPING_SHARE)):
            return
        try:
            results = self._rate(job, self._read(job), self._check_open, self._share_when_stopped(job))
            self._end(arn, "Stopped", results.charges, evaluations=results.evaluations)
        except DataFaultError:  # nothing could be rated, so nothing is billed
            self._end(arn, "Stopped")

    def _share_when_stopped(self, job: Resource[EvaluationJobBody]) -> float:
        """Return the share of an automated job's work that was done. A job that was stalled has done nothing."""
        seconds = job.body["modified"] - job.created
        stall = self._stall_end(job).length() if self._is_stalled(job) else 0.0
        if job.body["jobType"] == "Human" or stall is None or stall > seconds:
            raise DataFaultError("Nothing was rated.")
        length = max(1e-9, self._settings.current.evaluation_seconds)
        return float(min(1.0, seconds / length))

    def _deadline(self, start: float, share: float = 1.0) -> Deadline:
        return Deadline(lambda: self._settings.current.evaluation_seconds * share, start)

    def _access(self, job: Resource[EvaluationJobBody]) -> RoleAccess:
        return RoleAccess(self._s3, self._roles, job.body["roleArn"], job.arn)

    def _files(self, job: Resource[EvaluationJobBody]) -> EvaluationFiles:
        return EvaluationFiles(job, self._access(job))


def _result_path(identifier: str, dataset: Dataset) -> str:
    """Return the folder of a dataset's results. For a model that is named by an ARN, the folder is UNVERIFIED."""
    task = dataset.config["taskType"]
    return f"models/{identifier.rpartition('/')[2]}/taskTypes/{task}/datasets/{dataset.name}"


def _model_identifiers(job: Resource[EvaluationJobBody]) -> list[str]:
    """Return the identifiers of all models that the job invokes: those that answer, and the evaluators."""
    config = job.body["evaluationConfig"]
    answering = [
        model["bedrockModel"]["modelIdentifier"]
        for model in job.body["inferenceConfig"]["models"]
        if "bedrockModel" in model
    ]
    if "human" in config:
        return answering
    return [*answering, *evaluator_identifiers(config["automated"]).values()]
