"""
Create, show, list and stop batch inference jobs.

Get and Stop identify a job by its ARN or the last part of the ARN, not by its name. ``batch_runner.py`` runs the jobs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, find_repeated, list_page, new_arn, read_tags
from tools.aws_simulator.account.faults import fault_record
from tools.aws_simulator.account.records import BatchCounts, BatchJobBody
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.batch_runner import PHASES, BatchRunner
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.runtime.inference import Inference
from tools.aws_simulator.services.roles import Roles

NAME_IN_USE = "The provided job name is currently in use."
# Measured in https://github.com/stdapi-ai/stdapi.ai/issues/292. Whether AWS uses this text in other Regions, or for
# custom models, is UNVERIFIED.
NOT_SUPPORTED = "Batch inference is not supported for the requested model."
DEFAULT_TIMEOUT_HOURS = 24
_COPIED = ("modelId", "roleArn", "inputDataConfig", "outputDataConfig", "modelInvocationType", "timeoutDurationInHours")
_COUNTS = ("totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount")


class BatchJobs:
    """The operations on batch jobs."""

    def __init__(self, state: State, inference: Inference, runner: BatchRunner, roles: Roles) -> None:
        self._state = state
        self._roles = roles
        self._inference = inference
        self._runner = runner

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateModelInvocationJob."""
        if repeated := find_repeated(self._state.batch_jobs, call, ConflictException):
            return {"jobArn": repeated.arn}
        self._check(call)
        name, token = call.arguments["jobName"], call.arguments.get("clientRequestToken")
        if self._state.batch_jobs.find(call.region, name):
            raise ConflictException(NAME_IN_USE)
        # The service model has no TooManyTagsException for this operation.
        tags = read_tags(call.arguments.get("tags"), too_many=ValidationException)
        arn = new_arn(call.region, "model-invocation-job")
        self._roles.check_assumable(call.arguments["roleArn"], arn, call.region)
        with self._state.transaction():
            self._state.batch_jobs.add(Resource("batch", arn, call.region, name, time.time(), _new_body(call), token))
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def _check(self, call: Call) -> None:
        model_id = call.arguments["modelId"]
        if "custom-model/" in model_id:
            raise ValidationException(NOT_SUPPORTED)
        model = self._inference.on_demand(call.region, model_id).model
        if model.batch is None or call.region not in model.batch.regions:
            raise ValidationException(NOT_SUPPORTED)
        for name, key in (("inputDataConfig", "s3InputDataConfig"), ("outputDataConfig", "s3OutputDataConfig")):
            if key not in call.arguments[name]:
                raise ValidationException(f"{name} needs {key}.")

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetModelInvocationJob."""
        return _view(self._find(call))

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListModelInvocationJobs."""
        arguments = dict(call.arguments)
        for name in ("After", "Before"):  # other lists call these arguments creationTimeAfter and creationTimeBefore
            if f"submitTime{name}" in arguments:
                arguments[f"creationTime{name}"] = arguments[f"submitTime{name}"]

        def matches(job: Resource[BatchJobBody]) -> bool:
            return arguments.get("statusEquals") in (None, job.body["status"])

        page, token = list_page(self._state.batch_jobs.all(call.region), arguments, matches)
        return {"invocationJobSummaries": [_view(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """Handle StopModelInvocationJob."""
        job = self._find(call)
        if not self._runner.stop(job.arn):
            status = self._state.batch_jobs.get(job.arn).body["status"]
            # The code and "State was: Completed" are known from stop_batch_inference in apache/airflow,
            # providers/amazon/tests/system/amazon/aws/example_bedrock_batch_inference.py. The other words are not.
            raise ValidationException(f"The job {job.name} has ended and cannot be stopped. State was: {status}")
        return {}

    def _find(self, call: Call) -> Resource[BatchJobBody]:
        identifier = call.arguments["jobIdentifier"]
        path = f"arn:aws:bedrock:{call.region}:{ACCOUNT_ID}:model-invocation-job"
        arn = identifier if identifier.startswith("arn:") else f"{path}/{identifier}"
        job = self._state.batch_jobs.find(call.region, arn)
        if job is None or job.arn != arn:  # the API does not find a job by its name
            raise ResourceNotFoundException(f"The model invocation job {identifier} does not exist.")
        return job


def _view(job: Resource[BatchJobBody]) -> dict[str, Any]:
    body: Mapping[str, Any] = job.body
    view = {
        "jobArn": job.arn,
        "jobName": job.name,
        "status": body["status"],
        "message": body.get("message"),
        "submitTime": job.created,
        "lastModifiedTime": body["modified"],
        "endTime": body.get("ended"),
        "jobExpirationTime": job.created + body["timeoutDurationInHours"] * 3600,
        "clientRequestToken": job.token,
        "vpcConfig": body.get("vpcConfig"),
        **{name: body[name] for name in _COPIED},
        **{name: body["counts"][name] for name in _COUNTS},
    }
    return {name: value for name, value in view.items() if value is not None}


def _new_body(call: Call) -> BatchJobBody:
    arguments = call.arguments
    body = BatchJobBody(
        fingerprint=call.fingerprint,
        modelId=arguments["modelId"],
        roleArn=arguments["roleArn"],
        inputDataConfig=arguments["inputDataConfig"],
        outputDataConfig=arguments["outputDataConfig"],
        modelInvocationType=arguments.get("modelInvocationType", "InvokeModel"),
        timeoutDurationInHours=arguments.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS),
        status=PHASES[0],
        phase_started=time.time(),
        modified=time.time(),
        fault=fault_record(call.fault, "batch_"),
        counts=BatchCounts(
            totalRecordCount=0,
            processedRecordCount=0,
            successRecordCount=0,
            errorRecordCount=0,
            inputTokenCount=0,
            outputTokenCount=0,
        ),
    )
    if "vpcConfig" in arguments:
        body["vpcConfig"] = arguments["vpcConfig"]
    return body
