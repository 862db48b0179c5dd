"""
Create, show, list, stop and delete prompt optimization jobs. ``optimization_runner.py`` runs the jobs.

The API names a job by its ARN or by the last part of its ARN, not by its name. A job has no role; it works with the
permissions of the caller that created it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, find_repeated, list_page, new_arn, read_tags
from tools.aws_simulator.account.faults import fault_record
from tools.aws_simulator.account.optimization_records import OptimizationJobBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.batch_jobs import NAME_IN_USE
from tools.aws_simulator.jobs.optimization_input import Template
from tools.aws_simulator.jobs.optimization_requests import check_request
from tools.aws_simulator.jobs.optimization_runner import UNFINISHED, OptimizationRunner
from tools.aws_simulator.protocol.errors import (
    ApiError,
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from tools.aws_simulator.runtime.inference import Inference

_KIND = "advanced-prompt-optimization-job"
_SHOWN = ("jobDescription", "inputConfig", "outputConfig", "encryptionKeyArn", "modelConfigurations", "failureMessage")


class OptimizationJobs:
    """The operations on prompt optimization jobs.

    :param caller_role: returns the ARN of the role, or of the root user, to which an access key belongs.
    """

    def __init__(
        self,
        state: State,
        settings: SettingsStore,
        inference: Inference,
        runner: OptimizationRunner,
        caller_role: Callable[[str], str],
    ) -> None:
        self._state = state
        self._settings = settings
        self._inference = inference
        self._runner = runner
        self._caller_role = caller_role

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateAdvancedPromptOptimizationJob. That a used name is a ConflictException is UNVERIFIED."""
        if repeated := find_repeated(self._state.optimization_jobs, call, ConflictException):
            return {"jobArn": repeated.arn}
        arn, caller, name = new_arn(call.region, _KIND), self._caller_role(call.access_key), call.arguments["jobName"]
        templates = check_request(call, self._inference, self._runner.files(arn, caller, call.arguments))
        if self._state.optimization_jobs.find(call.region, name):
            raise ConflictException(NAME_IN_USE)
        tags = read_tags(call.arguments.get("tags"))
        body = _new_body(call, caller, templates)
        job = Resource("optimization", arn, call.region, name, time.time(), body, call.client_token)
        with self._state.transaction():
            self._check_quota(call.region)
            self._state.optimization_jobs.add(job)
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def _check_quota(self, region: str) -> None:
        """Refuse a job if too many are running. The text of the error is UNVERIFIED."""
        limit = self._settings.current.optimization_jobs
        running = sum(job.body["status"] in UNFINISHED for job in self._state.optimization_jobs.all(region))
        if running >= limit:
            raise ServiceQuotaExceededException(
                f"The account has {running} prompt optimization jobs in progress in {region}. The quota is {limit}."
            )

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetAdvancedPromptOptimizationJob."""
        job = self._find(call.region, call.arguments["jobIdentifier"])
        body: Mapping[str, Any] = job.body
        return {**_summary(job), **{name: body[name] for name in _SHOWN if name in body}}

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListAdvancedPromptOptimizationJobs."""
        jobs = self._state.optimization_jobs.all(call.region)
        page, token = list_page(jobs, call.arguments, lambda job: True)
        return {"jobSummaries": [_summary(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """
        Handle StopAdvancedPromptOptimizationJob. It is not an error to stop a job twice.

        That an ended job is a ConflictException, as for customization jobs, is UNVERIFIED.
        """
        job = self._find(call.region, call.arguments["jobIdentifier"])
        if not self._runner.stop(job.arn):
            status = self._state.optimization_jobs.get(job.arn).body["status"]
            raise ConflictException(f"The job {job.name} is {status} and can no longer be stopped.")
        return {}

    def batch_delete(self, call: Call) -> dict[str, Any]:
        """
        Handle BatchDeleteAdvancedPromptOptimizationJob.

        A deleted job disappears at once, although the answer says Deleting. Its output in S3 stays. The codes of the
        errors are UNVERIFIED.
        """
        deleted, errors = [], []
        for identifier in dict.fromkeys(call.arguments["jobIdentifiers"]):
            try:
                with self._state.transaction():
                    self._delete(self._find(call.region, identifier))
                deleted.append({"jobIdentifier": identifier, "jobStatus": "Deleting"})
            except ApiError as error:
                errors.append({"jobIdentifier": identifier, "code": error.code, "message": str(error)})
        return {"errors": errors, "advancedPromptOptimizationJobs": deleted}

    def _delete(self, job: Resource[OptimizationJobBody]) -> None:
        if job.body["status"] in UNFINISHED:
            raise ConflictException(
                f"The job {job.name} is {job.body['status']}. Only jobs that have ended can be deleted."
            )
        self._state.optimization_jobs.delete(job.arn, time.time())

    def _find(self, region: str, identifier: str) -> Resource[OptimizationJobBody]:
        path = f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:{_KIND}"
        arn = identifier if identifier.startswith("arn:") else f"{path}/{identifier}"
        job = self._state.optimization_jobs.find(region, arn)
        if job is None:
            raise ResourceNotFoundException(f"The prompt optimization job {identifier} does not exist.")
        return job


def _summary(job: Resource[OptimizationJobBody]) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobName": job.name,
        "jobStatus": job.body["status"],
        "creationTime": job.created,
        "lastModifiedTime": job.body["modified"],
    }


def _new_body(call: Call, caller: str, templates: list[Template]) -> OptimizationJobBody:
    arguments = call.arguments
    body = OptimizationJobBody(
        fingerprint=call.fingerprint,
        caller=caller,
        status="InProgress",
        modified=time.time(),
        fault=fault_record(call.fault, "optimization_"),
        inputConfig=arguments["inputConfig"],
        outputConfig=arguments["outputConfig"],
        modelConfigurations=arguments["modelConfigurations"],
        templates=len(templates),
        samples=sum(len(template.evaluationSamples) for template in templates),
        billed_use=[],
    )
    if "jobDescription" in arguments:
        body["jobDescription"] = arguments["jobDescription"]
    if "encryptionKeyArn" in arguments:
        body["encryptionKeyArn"] = arguments["encryptionKeyArn"]
    return body
