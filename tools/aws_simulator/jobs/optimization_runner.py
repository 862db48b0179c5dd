"""
Run prompt optimization jobs: check the models, optimize each template for each model, and write the results.

A job writes its results and is billed when it ends. If it is stopped, it writes nothing, and is billed for the calls
that it had time for. If all its optimizations fail, it writes nothing, and is billed for the calls that it made. All of
this is UNVERIFIED.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.optimization_records import ModelUse, OptimizationJobBody, TargetModel
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline
from tools.aws_simulator.jobs.caller_access import CallerAccess
from tools.aws_simulator.jobs.job_files import S3Access
from tools.aws_simulator.jobs.optimization import Optimization, UseCounter
from tools.aws_simulator.jobs.optimization_files import OptimizationFiles
from tools.aws_simulator.jobs.optimization_input import InputError, Template, read_templates
from tools.aws_simulator.jobs.optimization_requests import NOT_ACCESSIBLE
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.services.roles import Roles

UNFINISHED = ("InProgress", "Stopping")
_SHARE_OF_READING = 0.25  # an invalid input file is found after this share of the job's duration
_STOPPING_SHARE = 0.1


@dataclass(frozen=True)
class _Outcome:
    """The results of a job, one for each template; the reasons of all failures; and the number of successes."""

    results: list[dict[str, Any]]
    failures: list[str]
    successes: int


class OptimizationRunner(BackgroundJobs[OptimizationJobBody]):
    """The prompt optimization jobs, which run in the background."""

    def __init__(self, state: State, settings: SettingsStore, inference: Inference, s3: S3Access, roles: Roles) -> None:
        super().__init__(state.optimization_jobs, settings, unfinished=UNFINISHED)
        self._state = state
        self._inference = inference
        self._s3 = s3
        self._roles = roles

    def files(self, arn: str, caller: str, locations: Mapping[str, Any]) -> OptimizationFiles:
        """Return the files of a job.

        :param caller: the ARN of the role, or of the root user, whose permissions the job has.
        :param locations: ``inputConfig`` and ``outputConfig`` of the job.
        """
        access = CallerAccess(self._s3, self._roles, caller, arn)
        return OptimizationFiles(access, arn, locations["inputConfig"]["s3Uri"], locations["outputConfig"]["s3Uri"])

    def _work(self, arn: str) -> None:
        self._check(arn)  # a job that was stopping before a restart keeps the time of its stop
        job = self._jobs.get(arn)
        self._read_after_a_while(job)
        self._apply_fault(job)
        self._wait(arn, self._deadline(job.created))
        use = UseCounter()
        outcome = self._optimize(job, use, lambda: self._check(arn))
        if not outcome.successes:
            self._end(arn, "Failed", use.share(1.0), failureMessage=outcome.failures[0][:2048])
            return
        files = self._files(job)
        with self._changed:
            self._check(arn)  # a job that was stopped in the meantime writes nothing
            _as_fault(lambda: files.write(outcome.results))
            if outcome.failures:
                total = len(outcome.failures) + outcome.successes
                message = f"{len(outcome.failures)} of {total} optimizations failed: {outcome.failures[0]}"
                self._end(arn, "PartiallyCompleted", use.share(1.0), failureMessage=message[:2048])
            else:
                self._end(arn, "Completed", use.share(1.0))

    def _read_after_a_while(self, job: Resource[OptimizationJobBody]) -> None:
        """Check the files and the models again. A job that cannot go on is in progress for a while before it fails.

        :raises DataFaultError: a file or a bucket cannot be used any more, or the caller may not invoke any model.
        """
        try:
            self._read(job)
            _as_fault(self._files(job).check_output)
            self._check_models(job)
        except DataFaultError:
            self._wait(job.arn, self._deadline(job.created, _SHARE_OF_READING))
            raise

    def _check_models(self, job: Resource[OptimizationJobBody]) -> None:
        reasons = [self._refusal(job, model) for model in job.body["modelConfigurations"]]
        if reasons[0] and all(reasons):
            raise DataFaultError(reasons[0])

    def _read(self, job: Resource[OptimizationJobBody]) -> list[Template]:
        body = _as_fault(self._files(job).read)
        try:
            return read_templates(body)
        except InputError as error:  # the file was replaced after the job was created
            raise DataFaultError(str(error)) from error

    def _refusal(self, job: Resource[OptimizationJobBody], model: TargetModel) -> str | None:
        """Return why a model cannot be asked with the permissions of the caller; None if it can."""
        try:
            base_id = self._inference.on_demand(job.region, model["modelId"]).model.id
        except ApiError as error:
            return str(error)
        access = CallerAccess(self._s3, self._roles, job.body["caller"], job.arn)
        return None if access.may_stream(model["modelId"], base_id) else NOT_ACCESSIBLE

    def _apply_fault(self, job: Resource[OptimizationJobBody]) -> None:
        kind = _fault(job)
        if kind == "optimization_stalled":
            self._wait(job.arn, self._stall_end(job))
        if kind == "optimization_failed":
            self._wait(job.arn, self._deadline(job.created))
            raise DataFaultError(INTERNAL_ERROR)

    def _optimize(self, job: Resource[OptimizationJobBody], use: UseCounter, check: Callable[[], None]) -> _Outcome:
        """Optimize each template for each model.

        :param check: is called before each call of a model, and may raise an error to end the work.
        """
        templates, models = self._read(job), job.body["modelConfigurations"]
        results, failures, successes = [], [], 0
        for template in templates:
            entries = []
            for model in models:
                optimization = Optimization(job.region, model, template, self._inference, use, check)
                is_last = template is templates[-1] and model is models[-1]
                entry = self._attempt(job, optimization, is_last=is_last)
                failures += [entry["failureReason"]] if entry["status"] == "FAILED" else []
                successes += entry["status"] == "SUCCESS"
                entries.append(entry)
            results.append({**_shown(template), "promptOptimizationResults": entries})
        return _Outcome(results, failures, successes)

    def _attempt(
        self, job: Resource[OptimizationJobBody], optimization: Optimization, *, is_last: bool
    ) -> dict[str, Any]:
        """Return the entry of one model. The form of an entry with the status FAILED is UNVERIFIED."""
        reason = self._refusal(job, optimization.model)
        if _fault(job) == "optimization_partial" and is_last:
            reason = INTERNAL_ERROR
        if reason is None:
            try:
                return optimization.run()
            except ApiError as error:
                reason = f"The model did not answer a prompt: {error}"
        return {"status": "FAILED", "failureReason": reason, "modelId": optimization.model["modelId"]}

    def _end(self, arn: str, status: str, use: Sequence[ModelUse] = (), **changes: Any) -> None:
        """End the job and bill it. If the job was asked to stop, its status is Stopped."""
        with self._changed, self._state.transaction():
            if self._closing:
                return
            stopped = self._jobs.get(arn).body["status"] == "Stopping"
            status = "Stopped" if stopped else status
            self._save(arn, status=status, ended=time.time(), billed_use=list(use), **changes)

    def _failed(self, arn: str, message: str) -> None:
        self._end(arn, "Failed", failureMessage=message[:2048])

    def _stopped(self, arn: str) -> None:
        """Keep the status Stopping for a while, then bill what the job had time for."""
        job, use = self._jobs.get(arn), UseCounter()
        if not self._wait_stopping(self._deadline(job.body["modified"], _STOPPING_SHARE)):
            return
        share = self._share_when_stopped(job)
        if share > 0:
            try:
                self._optimize(job, use, self._check_open)
            except DataFaultError:  # the input file is gone, so nothing can be billed
                share = 0.0
        self._end(arn, "Stopped", use.share(share))

    def _share_when_stopped(self, job: Resource[OptimizationJobBody]) -> float:
        """Return the share of the work that was done. A job that was stalled, or that would fail, has done nothing."""
        seconds = job.body["modified"] - job.created
        stall = self._stall_end(job).length() if self._is_stalled(job) else 0.0
        if stall is None or stall > seconds or _fault(job) == "optimization_failed":
            return 0.0
        return float(min(1.0, seconds / max(1e-9, self._settings.current.optimization_seconds)))

    def _deadline(self, start: float, share: float = 1.0) -> Deadline:
        return Deadline(lambda: self._settings.current.optimization_seconds * share, start)

    def _files(self, job: Resource[OptimizationJobBody]) -> OptimizationFiles:
        return self.files(job.arn, job.body["caller"], job.body)


def _fault(job: Resource[OptimizationJobBody]) -> str | None:
    return str(job.body["fault"]["kind"]) if job.body["fault"] else None


def _as_fault(work: Callable[[], Any]) -> Any:
    """Do something with S3. An error of a request becomes the reason for which the job fails.

    :raises DataFaultError: a request would be refused.
    """
    try:
        return work()
    except ApiError as error:
        raise DataFaultError(str(error)) from error


def _shown(template: Template) -> dict[str, Any]:
    """Return what a line of the results says about a template."""
    shown: dict[str, Any] = {"promptTemplateId": template.templateId, "promptTemplate": template.promptTemplate}
    if template.steeringCriteria:
        shown["steeringCriteria"] = template.steeringCriteria
    if template.customEvaluationMetricLabel is not None:
        shown["customEvaluationMetricLabel"] = template.customEvaluationMetricLabel
    return shown
