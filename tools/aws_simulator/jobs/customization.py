"""
Create, show, list and stop customization jobs, with the checks that Bedrock makes before a job runs.

A job name can never be used again, because no operation deletes jobs. ``job_runner.py`` runs the jobs.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import (
    Call,
    find_repeated,
    foundation_model_arn,
    list_page,
    new_arn,
    read_tags,
)
from tools.aws_simulator.account.faults import fault_record
from tools.aws_simulator.account.keys import key_arn
from tools.aws_simulator.account.records import CustomizationJobBody, CustomModelBody
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.catalog import Catalog, Customization
from tools.aws_simulator.jobs.distillation import (
    DISTILLATION,
    check_distillation,
    check_supported,
    customization_type,
)
from tools.aws_simulator.jobs.hyperparameters import checked_hyperparameters
from tools.aws_simulator.jobs.job_runner import PHASES, UNFINISHED, JobRunner
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.resources.foundation_models import FoundationModels, ModelEntry, invalid_model
from tools.aws_simulator.services.roles import Roles

NAME_IN_USE = "The provided job name is currently in use."
MODEL_NAME_IN_USE = "The provided custom model name is currently in use."
NOT_A_FILE = (
    "Invalid training input data configuration. Check the input data S3 Uris(Uri should be a file, not a directory)"
)


class CustomizationJobs:
    """The operations on customization jobs."""

    def __init__(
        self, state: State, catalog: Catalog, models: FoundationModels, runner: JobRunner, roles: Roles
    ) -> None:
        self._state = state
        self._roles = roles
        self._catalog = catalog
        self._models = models
        self._runner = runner

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateModelCustomizationJob."""
        if repeated := find_repeated(self._state.jobs, call, ConflictException):
            return {"jobArn": repeated.arn}
        kind = customization_type(call.arguments)
        custom = self._custom_base(call)
        base, customization = self._base(call, custom)
        check_supported(kind, base, customization)
        if kind == DISTILLATION:
            if custom is not None:  # UNVERIFIED: the guide names only foundation models as students
                raise ValidationException("The student of a DISTILLATION job must be a foundation model.")
            check_distillation(self._models, call.region, base, call.arguments)
        _check_data_uris(call.arguments, kind)
        self._refuse_used_names(call)
        body, tags = self._new_body(call, base, customization), read_tags(call.arguments.get("jobTags"))
        if custom is not None:
            body["base_model"] = custom.arn
        arn = new_arn(call.region, f"model-customization-job/{base.model_id}")
        self._roles.check_assumable(call.arguments["roleArn"], arn, call.region)
        token = call.arguments.get("clientRequestToken")
        job = Resource("job", arn, call.region, call.arguments["jobName"], time.time(), body, token)
        with self._state.transaction():
            self._state.jobs.add(job)
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def _custom_base(self, call: Call) -> Resource[CustomModelBody] | None:
        """
        Return the custom model that the job trains further; None if the job trains a foundation model.

        The request names the custom model by its ARN or its name.

        https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-submit.html
        """
        return self._state.custom_models.find(call.region, call.arguments["baseModelIdentifier"])

    def _base(self, call: Call, custom: Resource[CustomModelBody] | None) -> tuple[ModelEntry, Customization]:
        identifier = custom.body["baseModelArn"] if custom else call.arguments["baseModelIdentifier"]
        base = self._models.find(call.region, identifier)
        if base is None or base.customization is None or self._models.status(base) != "ACTIVE":
            raise invalid_model(identifier)
        return base, base.customization

    def _refuse_used_names(self, call: Call) -> None:
        if self._state.jobs.find(call.region, call.arguments["jobName"]):
            raise ValidationException(NAME_IN_USE)
        name = call.arguments["customModelName"]
        jobs = self._state.jobs.all(call.region)
        reserved = {job.body["customModelName"] for job in jobs if job.body["status"] in UNFINISHED}
        if name in reserved or self._state.custom_models.find(call.region, name):
            raise ValidationException(MODEL_NAME_IN_USE)

    def _new_body(self, call: Call, base: ModelEntry, customization: Customization) -> CustomizationJobBody:
        arguments, rules = call.arguments, self._catalog.training_format(customization)
        body: CustomizationJobBody = {
            "fingerprint": call.fingerprint,
            "model": base.model.key,
            "baseModelId": base.model_id,
            "baseModelArn": foundation_model_arn(call.region, base.model_id),
            "customModelName": arguments["customModelName"],
            "modelTags": read_tags(arguments.get("customModelTags")),
            "roleArn": arguments["roleArn"],
            "customizationType": customization_type(arguments),
            "hyperParameters": checked_hyperparameters(arguments.get("hyperParameters", {}), rules),
            "trainingDataConfig": arguments["trainingDataConfig"],
            "validationDataConfig": arguments.get("validationDataConfig", {"validators": []}),
            "outputDataConfig": arguments["outputDataConfig"],
            "status": "InProgress",
            "statusDetails": {phase: {"status": "NotStarted"} for phase in PHASES},
            "modified": time.time(),
            "fault": fault_record(call.fault, "job_"),
            "billed_tokens": 0,
        }
        if "customizationConfig" in arguments:
            body["customizationConfig"] = arguments["customizationConfig"]
        if "customModelKmsKeyId" in arguments:
            body["kms_key"] = key_arn(call.region, arguments["customModelKmsKeyId"])
        if "vpcConfig" in arguments:
            body["vpcConfig"] = arguments["vpcConfig"]
        return body

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetModelCustomizationJob."""
        job = self._find(call)
        copied = (
            "baseModelArn",
            "roleArn",
            "customizationType",
            "customizationConfig",
            "hyperParameters",
            "trainingDataConfig",
            "validationDataConfig",
            "outputDataConfig",
            "outputModelArn",
            "failureMessage",
            "vpcConfig",
        )
        return {
            **{name: job.body.get(name) for name in copied},
            **_progress(job),
            "outputModelName": job.body["customModelName"],
            "outputModelKmsKeyArn": job.body.get("kms_key"),
            "clientRequestToken": job.token,
            "trainingMetrics": {"trainingLoss": job.body["trainingLoss"]} if "trainingLoss" in job.body else None,
            "validationMetrics": [{"validationLoss": loss} for loss in job.body.get("validationLosses", [])],
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListModelCustomizationJobs."""
        status = call.arguments.get("statusEquals")
        page, token = list_page(
            self._state.jobs.all(call.region),
            call.arguments,
            lambda job: status is None or job.body["status"] == status,
        )
        return {"modelCustomizationJobSummaries": [_summary(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """Handle StopModelCustomizationJob. It is not an error to stop a job twice."""
        job = self._find(call)
        if not self._runner.stop(job.arn):
            status = self._state.jobs.get(job.arn).body["status"]
            raise ConflictException(f"The job {job.name} is {status} and can no longer be stopped.")
        return {}

    def _find(self, call: Call) -> Resource[CustomizationJobBody]:
        identifier = call.arguments["jobIdentifier"]
        job = self._state.jobs.find(call.region, identifier)
        if job is None:
            raise ResourceNotFoundException(f"The customization job {identifier} does not exist.")
        return job


def _check_data_uris(arguments: dict[str, Any], kind: str) -> None:
    if "invocationLogsConfig" in arguments["trainingDataConfig"]:
        raise ValidationException(f"invocationLogsConfig is not supported for {kind} jobs.")
    validators = arguments.get("validationDataConfig", {}).get("validators", [])
    uris = [arguments["trainingDataConfig"].get("s3Uri"), *(validator["s3Uri"] for validator in validators)]
    if any(uri is None or uri.count("/") < 3 or uri.endswith("/") for uri in uris):
        raise ValidationException(NOT_A_FILE)


def _progress(job: Resource[CustomizationJobBody]) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobName": job.name,
        "status": job.body["status"],
        "statusDetails": job.body["statusDetails"],
        "creationTime": job.created,
        "lastModifiedTime": job.body["modified"],
        "endTime": job.body.get("ended"),
    }


def _summary(job: Resource[CustomizationJobBody]) -> dict[str, Any]:
    summary = {
        **_progress(job),
        "baseModelArn": job.body["baseModelArn"],
        "customModelArn": job.body.get("outputModelArn"),
        "customModelName": job.body["customModelName"],
        "customizationType": job.body["customizationType"],
    }
    return {name: value for name, value in summary.items() if value is not None}
