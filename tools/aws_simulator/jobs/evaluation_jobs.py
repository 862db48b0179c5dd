"""
Create, show, list, stop and delete evaluation jobs. ``evaluation_runner.py`` runs the jobs.

The API names a job by its ARN only.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import Call, find_repeated, list_page, new_arn, read_tags
from tools.aws_simulator.account.evaluation_records import EvaluationJobBody
from tools.aws_simulator.account.faults import fault_record
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.batch_jobs import NAME_IN_USE
from tools.aws_simulator.jobs.evaluation_requests import (
    check_request,
    dataset_configs,
    evaluator_identifiers,
    identifier_of,
)
from tools.aws_simulator.jobs.evaluation_runner import UNFINISHED, EvaluationRunner
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.services.roles import Roles

APPLICATION_TYPE = "ModelEvaluation"
LARGEST_PAGE = 5  # the largest length of jobSummaries in the service model, although maxResults may be 1,000


class EvaluationJobs:
    """The operations on evaluation jobs."""

    def __init__(self, state: State, inference: Inference, runner: EvaluationRunner, roles: Roles) -> None:
        self._state = state
        self._inference = inference
        self._runner = runner
        self._roles = roles

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateEvaluationJob. That a used name is a ConflictException, as for batch jobs, is UNVERIFIED."""
        if repeated := find_repeated(self._state.evaluation_jobs, call, ConflictException):
            return {"jobArn": repeated.arn}
        check_request(call, self._inference)
        name, token = call.arguments["jobName"], call.arguments.get("clientRequestToken")
        if self._state.evaluation_jobs.find(call.region, name):
            raise ConflictException(NAME_IN_USE)
        # The service model has no TooManyTagsException for this operation.
        tags = read_tags(call.arguments.get("jobTags"), too_many=ValidationException)
        arn = new_arn(call.region, "evaluation-job")
        self._roles.check_assumable(call.arguments["roleArn"], arn, call.region)
        job = Resource("evaluation", arn, call.region, name, time.time(), _new_body(call), token)
        with self._state.transaction():
            self._state.evaluation_jobs.add(job)
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetEvaluationJob."""
        job = self._find(call.region, call.arguments["jobIdentifier"])
        copied = ("evaluationConfig", "inferenceConfig", "outputDataConfig", "roleArn")
        optional = ("jobDescription", "customerEncryptionKeyId", "failureMessages")
        return {
            **_progress(job),
            **{name: job.body.get(name) for name in (*copied, *optional)},
            "lastModifiedTime": job.body["modified"],
        }

    def list(self, call: Call) -> dict[str, Any]:
        """
        Handle ListEvaluationJobs.

        A page has at most five jobs, as the service model says. Whether Bedrock's pages have more is UNVERIFIED.
        """
        arguments = call.arguments

        def matches(job: Resource[EvaluationJobBody]) -> bool:
            return (
                arguments.get("statusEquals") in (None, job.body["status"])
                and arguments.get("applicationTypeEquals", APPLICATION_TYPE) == APPLICATION_TYPE
            )

        size = min(arguments.get("maxResults", LARGEST_PAGE), LARGEST_PAGE)
        jobs = self._state.evaluation_jobs.all(call.region)
        page, token = list_page(jobs, {**arguments, "maxResults": size}, matches)
        return {"jobSummaries": [_summary(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """
        Handle StopEvaluationJob. It is not an error to stop a job twice.

        That an ended job is a ConflictException, as for customization jobs, is UNVERIFIED.
        """
        job = self._find(call.region, call.arguments["jobIdentifier"])
        if not self._runner.stop(job.arn):
            status = self._state.evaluation_jobs.get(job.arn).body["status"]
            raise ConflictException(f"The job {job.name} is {status} and can no longer be stopped.")
        return {}

    def batch_delete(self, call: Call) -> dict[str, Any]:
        """
        Handle BatchDeleteEvaluationJob.

        A deleted job disappears at once, although the answer says Deleting. Its output in S3 stays. The codes of the
        errors are UNVERIFIED.
        """
        deleted, errors = [], []
        for identifier in dict.fromkeys(call.arguments["jobIdentifiers"]):
            with self._state.transaction():
                job = self._state.evaluation_jobs.find(call.region, identifier)
                if job is None:
                    errors.append(_error(identifier, ResourceNotFoundException(_missing(identifier))))
                elif job.body["status"] in UNFINISHED:
                    text = f"The job {job.name} is {job.body['status']}. Only jobs that have ended can be deleted."
                    errors.append(_error(identifier, ConflictException(text)))
                else:
                    self._state.evaluation_jobs.delete(job.arn, time.time())
                    deleted.append({"jobIdentifier": identifier, "jobStatus": "Deleting"})
        return {"errors": errors, "evaluationJobs": deleted}

    def _find(self, region: str, identifier: str) -> Resource[EvaluationJobBody]:
        job = self._state.evaluation_jobs.find(region, identifier)
        if job is None:
            raise ResourceNotFoundException(_missing(identifier))
        return job


def _missing(identifier: str) -> str:
    return f"The evaluation job {identifier} does not exist."


def _error(identifier: str, error: ConflictException | ResourceNotFoundException) -> dict[str, str]:
    return {"jobIdentifier": identifier, "code": error.code, "message": str(error)}


def _progress(job: Resource[EvaluationJobBody]) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobName": job.name,
        "status": job.body["status"],
        "jobType": job.body["jobType"],
        "applicationType": APPLICATION_TYPE,
        "creationTime": job.created,
    }


def _summary(job: Resource[EvaluationJobBody]) -> dict[str, Any]:
    datasets, models = dataset_configs(job.body["evaluationConfig"]), job.body["inferenceConfig"]["models"]
    bedrock = [identifier_of(model) for model in models if "bedrockModel" in model]
    sources = [identifier_of(model) for model in models if "bedrockModel" not in model]
    return {
        **_progress(job),
        "evaluationTaskTypes": list(dict.fromkeys(dataset["taskType"] for dataset in datasets)),
        "modelIdentifiers": bedrock,
        **_evaluators(job),
        "inferenceConfigSummary": {
            "modelConfigSummary": {
                "bedrockModelIdentifiers": bedrock,
                "precomputedInferenceSourceIdentifiers": sources,
            }
        },
    }


def _evaluators(job: Resource[EvaluationJobBody]) -> dict[str, list[str]]:
    config = job.body["evaluationConfig"]
    by_kind = {} if "human" in config else evaluator_identifiers(config["automated"])
    members = {"built_in": "evaluatorModelIdentifiers", "custom": "customMetricsEvaluatorModelIdentifiers"}
    return {members[kind]: [identifier] for kind, identifier in by_kind.items()}


def _new_body(call: Call) -> EvaluationJobBody:
    arguments = call.arguments
    body = EvaluationJobBody(
        fingerprint=call.fingerprint,
        roleArn=arguments["roleArn"],
        status="InProgress",
        modified=time.time(),
        fault=fault_record(call.fault, "evaluation_"),
        evaluationConfig=arguments["evaluationConfig"],
        inferenceConfig=arguments["inferenceConfig"],
        outputDataConfig=arguments["outputDataConfig"],
        jobType="Human" if "human" in arguments["evaluationConfig"] else "Automated",
        prompts=0,
        evaluations=0,
    )
    if "jobDescription" in arguments:
        body["jobDescription"] = arguments["jobDescription"]
    if "customerEncryptionKeyId" in arguments:
        body["customerEncryptionKeyId"] = arguments["customerEncryptionKeyId"]
    return body
