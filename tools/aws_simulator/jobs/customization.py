"""
CreateModelCustomizationJob and its Get, List and Stop: what Bedrock checks before a job runs, and how it tells of it.

A job's name can never be used again, for no operation deletes jobs. What the job does over time is in
``job_runner.py``.
"""

from __future__ import annotations

import time
from decimal import Decimal, InvalidOperation
from typing import Any

from include.distill.config.catalog import Catalog, Family, Hyperparameter
from tools.aws_simulator.account.calls import Call, checked_tags, created_before, foundation_model_arn, listed, new_arn
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.job_runner import PHASES, UNFINISHED, JobRunner
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException, ValidationException
from tools.aws_simulator.resources.foundation_models import INVALID_MODEL, FoundationModels, Listed

NAME_IN_USE = "The provided job name is currently in use."
MODEL_NAME_IN_USE = "The provided custom model name is currently in use."
NOT_A_FILE = (
    "Invalid training input data configuration. Check the input data S3 Uris(Uri should be a file, not a directory)"
)
_NOT_SIMULATED = ("customizationConfig", "customModelKmsKeyId", "vpcConfig")


class CustomizationJobs:
    """The operations on customization jobs."""

    def __init__(self, state: State, catalog: Catalog, models: FoundationModels, runner: JobRunner) -> None:
        self._state = state
        self._catalog = catalog
        self._models = models
        self._runner = runner

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateModelCustomizationJob."""
        known = created_before(self._state, "job", call, ConflictException)
        if known:
            return {"jobArn": known.arn}
        base = self._base(call)
        _refuse_what_is_not_simulated(call.arguments)
        _check_data_uris(call.arguments)
        self._refuse_used_names(call)
        body, tags = self._new_body(call, base), checked_tags(call.arguments.get("jobTags"))
        arn = new_arn(call.region, f"model-customization-job/{base.model_id}")
        token = call.arguments.get("clientRequestToken")
        job = Resource("job", arn, call.region, call.arguments["jobName"], time.time(), body, token)
        with self._state.transaction():
            self._state.add(job)
            self._state.tag(arn, tags)
        self._runner.start(arn)
        return {"jobArn": arn}

    def _base(self, call: Call) -> Listed:
        base = self._models.find(call.region, call.arguments["baseModelIdentifier"])
        if base is None or base.customization is None or base.model.lifecycle != "active":
            raise ValidationException(INVALID_MODEL)
        return base

    def _refuse_used_names(self, call: Call) -> None:
        if self._state.find("job", call.region, call.arguments["jobName"]):
            raise ValidationException(NAME_IN_USE)
        name = call.arguments["customModelName"]
        promised = {
            job.body["customModelName"]
            for job in self._state.all("job", call.region)
            if job.body["status"] in UNFINISHED
        }
        if name in promised or self._state.find("custom_model", call.region, name):
            raise ValidationException(MODEL_NAME_IN_USE)

    def _new_body(self, call: Call, base: Listed) -> dict[str, Any]:
        wanted, family = call.arguments, self._catalog.family_of(base.model)
        fault = call.fault if call.fault and call.fault.kind.startswith("job_") else None
        return {
            "fingerprint": call.fingerprint,
            "model": base.model.key,
            "baseModelId": base.model_id,
            "baseModelArn": foundation_model_arn(call.region, base.model_id),
            "customModelName": wanted["customModelName"],
            "modelTags": checked_tags(wanted.get("customModelTags")),
            "roleArn": wanted["roleArn"],
            "customizationType": wanted.get("customizationType", "FINE_TUNING"),
            "hyperParameters": _hyperparameters(wanted.get("hyperParameters", {}), family),
            "trainingDataConfig": wanted["trainingDataConfig"],
            "validationDataConfig": wanted.get("validationDataConfig", {"validators": []}),
            "outputDataConfig": wanted["outputDataConfig"],
            "status": "InProgress",
            "statusDetails": {phase: {"status": "NotStarted"} for phase in PHASES},
            "modified": time.time(),
            "fault": fault.model_dump() if fault else None,
            "billed_tokens": 0,
        }

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetModelCustomizationJob."""
        job = self._find(call)
        kept = (
            "baseModelArn",
            "roleArn",
            "customizationType",
            "hyperParameters",
            "trainingDataConfig",
            "validationDataConfig",
            "outputDataConfig",
            "outputModelArn",
            "failureMessage",
        )
        return {
            **{name: job.body.get(name) for name in kept},
            **_progress(job),
            "outputModelName": job.body["customModelName"],
            "clientRequestToken": job.token,
            "trainingMetrics": _metric("trainingLoss", job.body.get("trainingLoss")),
            "validationMetrics": [{"validationLoss": loss} for loss in job.body.get("validationLosses", [])],
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListModelCustomizationJobs."""
        status = call.arguments.get("statusEquals")
        page, token = listed(
            self._state.all("job", call.region),
            call.arguments,
            lambda job: status is None or job.body["status"] == status,
        )
        return {"modelCustomizationJobSummaries": [_summary(job) for job in page], "nextToken": token}

    def stop(self, call: Call) -> dict[str, Any]:
        """Handle StopModelCustomizationJob; stopping a job that stops already is no error."""
        job = self._find(call)
        if not self._runner.stop(job.arn):
            status = self._state.get(job.arn).body["status"]
            raise ConflictException(f"The job {job.name} is {status} and can no longer be stopped.")
        return {}

    def _find(self, call: Call) -> Resource:
        identifier = call.arguments["jobIdentifier"]
        job = self._state.find("job", call.region, identifier)
        if job is None:
            raise ResourceNotFoundException(f"The customization job {identifier} does not exist.")
        return job


def _refuse_what_is_not_simulated(wanted: dict[str, Any]) -> None:
    given = [name for name in _NOT_SIMULATED if name in wanted]
    if given or wanted.get("customizationType", "FINE_TUNING") != "FINE_TUNING":
        what = ", ".join([wanted.get("customizationType", "FINE_TUNING"), *given])
        raise ValidationException(f"The AWS simulator only does FINE_TUNING without options; asked for {what}.")


def _check_data_uris(wanted: dict[str, Any]) -> None:
    validators = wanted.get("validationDataConfig", {}).get("validators", [])
    uris = [wanted["trainingDataConfig"].get("s3Uri"), *(validator["s3Uri"] for validator in validators)]
    if any(uri is None or uri.count("/") < 3 or uri.endswith("/") for uri in uris):
        raise ValidationException(NOT_A_FILE)
    if len(validators) > 1:
        raise ValidationException(f"The AWS simulator reads one validation file; the request names {len(validators)}.")


def _hyperparameters(given: dict[str, str], family: Family) -> dict[str, str]:
    """Return all hyperparameters of a job, as strings: those given, checked, and defaults for the others."""
    unknown = sorted(set(given) - set(family.hyperparameters))
    if unknown:
        known = ", ".join(sorted(family.hyperparameters))
        raise ValidationException(f"Unknown hyperparameters {unknown}; the model's family {family.key} has {known}.")
    for name, text in given.items():
        _check_hyperparameter(name, text, family.hyperparameters[name])
    defaults = {name: f"{Decimal(repr(known.default)).normalize():f}" for name, known in family.hyperparameters.items()}
    return {**defaults, **given}


def _check_hyperparameter(name: str, text: str, known: Hyperparameter) -> None:
    try:
        value = Decimal(text)
        whole = value == value.to_integral_value()
        inside = Decimal(repr(known.minimum)) <= value <= Decimal(repr(known.maximum))
    except InvalidOperation:  # also what NaN raises
        raise ValidationException(f"Hyperparameter {name} is {text!r}, expected a {known.type} as a string.") from None
    if known.type == "integer" and not whole:
        raise ValidationException(f"Hyperparameter {name} is {text!r}, expected a whole number.")
    if not inside:
        raise ValidationException(
            f"Hyperparameter {name} is {text}, expected between {known.minimum:g} and {known.maximum:g}."
        )


def _metric(name: str, value: float | None) -> dict[str, float] | None:
    return None if value is None else {name: value}


def _progress(job: Resource) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "jobName": job.name,
        "status": job.body["status"],
        "statusDetails": job.body["statusDetails"],
        "creationTime": job.created,
        "lastModifiedTime": job.body["modified"],
        "endTime": job.body.get("ended"),
    }


def _summary(job: Resource) -> dict[str, Any]:
    summary = {
        **_progress(job),
        "baseModelArn": job.body["baseModelArn"],
        "customModelArn": job.body.get("outputModelArn"),
        "customModelName": job.body["customModelName"],
        "customizationType": job.body["customizationType"],
    }
    return {name: value for name, value in summary.items() if value is not None}
