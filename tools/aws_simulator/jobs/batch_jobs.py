"""
CreateModelInvocationJob and its Get, List and Stop: batch jobs as Bedrock takes them and tells of them.

Get and Stop take an ARN or its last part, never a name. What a job does over time is in ``batch_runner.py``.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, checked_tags, created_before, listed, new_arn
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.batch_runner import PHASES, BatchRunner
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.runtime.inference import Inference

NAME_IN_USE = "The provided job name is currently in use."
DEFAULT_TIMEOUT_HOURS = 24
_KEPT = ("modelId", "roleArn", "inputDataConfig", "outputDataConfig", "modelInvocationType", "timeoutDurationInHours")
_COUNTS = ("totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount")


class BatchJobs:
    """The operations on batch jobs."""

    def __init__(self, state: State, inference: Inference, runner: BatchRunner) -> None:
        self._state = state
        self._inference = inference
        self._runner = runner

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateModelInvocationJob."""
        known = created_before(self._state, "batch", call, ConflictException)
        if known:
            return {"jobArn": known.arn}
        self._check(call)
        name, token = call.arguments["jobName"], call.arguments.get("clientRequestToken")
        if self._state.find("batch", call.region, name):
            raise ConflictException(NAME_IN_USE)
        arn, tags = new_arn(call.region, "model-invocation-job"), checked_tags(call.arguments.get("tags"))
        with self._state.transaction():
            self._state.add(Resource("batch", arn, call.region, name, time.time(), _new_body(call), token))
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def _check(self, call: Call) -> None:
        model_id = call.arguments["modelId"]
        if "provisioned-model/" in model_id or "custom-model/" in model_id:
            raise ValidationException("Batch inference is not supported for provisioned and custom models.")
        model = self._inference.on_demand(call.region, model_id).model
        if model.batch is None or call.region not in model.batch.regions:
            raise ValidationException(f"Batch inference is not supported for the model {model_id} in {call.region}.")
        if "vpcConfig" in call.arguments:
            raise ValidationException("The AWS simulator does batch jobs without vpcConfig only.")
        for name, given in (("inputDataConfig", "s3InputDataConfig"), ("outputDataConfig", "s3OutputDataConfig")):
            if given not in call.arguments[name]:
                raise ValidationException(f"{name} needs {given}.")

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetModelInvocationJob."""
        return self._view(self._find(call))

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListModelInvocationJobs."""
        wanted = dict(call.arguments)
        for name in ("After", "Before"):
            if f"submitTime{name}" in wanted:
                wanted[f"creationTime{name}"] = wanted[f"submitTime{name}"]

        def matches(job: Resource) -> bool:
            return wanted.get("statusEquals") in (None, job.body["status"])

        page, token = listed(self._state.all("batch", call.region), wanted, matches)
        return {"invocationJobSummaries": [self._view(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """Handle StopModelInvocationJob."""
        job = self._find(call)
        if not self._runner.stop(job.arn):
            status = self._state.get(job.arn).body["status"]
            raise ConflictException(f"The job {job.name} is {status} and can no longer be stopped.")
        return {}

    def _find(self, call: Call) -> Resource:
        given = call.arguments["jobIdentifier"]
        arn = (
            given
            if given.startswith("arn:")
            else f"arn:aws:bedrock:{call.region}:{ACCOUNT_ID}:model-invocation-job/{given}"
        )
        job = self._state.find("batch", call.region, arn)
        if job is None or job.arn != arn:
            raise ResourceNotFoundException(f"The model invocation job {given} does not exist.")
        return job

    def _view(self, job: Resource) -> dict[str, Any]:
        view = {
            "jobArn": job.arn,
            "jobName": job.name,
            "status": job.body["status"],
            "message": job.body.get("message"),
            "submitTime": job.created,
            "lastModifiedTime": job.body["modified"],
            "endTime": job.body.get("ended"),
            "jobExpirationTime": job.created + job.body["timeoutDurationInHours"] * 3600,
            "clientRequestToken": job.token,
            **{name: job.body[name] for name in _KEPT},
            **{name: job.body["counts"][name] for name in _COUNTS},
        }
        return {name: value for name, value in view.items() if value is not None}


def _new_body(call: Call) -> dict[str, Any]:
    wanted = call.arguments
    fault = call.fault if call.fault and call.fault.kind.startswith("batch_") else None
    return {
        "fingerprint": call.fingerprint,
        **{name: wanted.get(name) for name in _KEPT},
        "modelInvocationType": wanted.get("modelInvocationType", "InvokeModel"),
        "timeoutDurationInHours": wanted.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS),
        "status": PHASES[0],
        "phase_started": time.time(),
        "modified": time.time(),
        "fault": fault.model_dump() if fault else None,
        "counts": dict.fromkeys((*_COUNTS, "inputTokenCount", "outputTokenCount"), 0),
    }
