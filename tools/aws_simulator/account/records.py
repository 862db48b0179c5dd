"""
The records that the state keeps of jobs, models and throughputs, as JSON.

Keys in camel case are those of Bedrock's API, kept as they were requested; keys in snake case are the simulator's own.
A key that is not required appears once there is something to say. Times are POSIX seconds.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class FaultRecord(TypedDict):
    """The rule of the fault plan that hit a job; see ``faults.py``."""

    operation: str
    kind: str
    times: int | None
    match: str | None
    after: int
    seconds: float | None


class S3Location(TypedDict):
    """A file or prefix in S3."""

    s3Uri: str


class ValidationData(TypedDict):
    """The validation files of a customization job."""

    validators: list[S3Location]


class PhaseRecord(TypedDict):
    """One phase of a customization job, as ``statusDetails`` shows it."""

    status: str
    creationTime: NotRequired[float]
    lastModifiedTime: NotRequired[float]


class BackgroundJobBody(TypedDict):
    """
    What every kind of job keeps.

    ``stopped_in`` is the status in which the job was asked to stop.
    """

    fingerprint: str
    roleArn: str
    status: str
    modified: float
    fault: FaultRecord | None
    ended: NotRequired[float]
    stopped_in: NotRequired[str]


class _Training(TypedDict):
    """What a customization job and the model that it makes have in common. ``model`` is a key of the catalog."""

    model: str
    baseModelId: str
    baseModelArn: str
    customizationType: str
    hyperParameters: dict[str, str]
    trainingDataConfig: S3Location
    validationDataConfig: ValidationData
    outputDataConfig: S3Location


class TrainingMetrics(TypedDict):
    """The last training loss, and the last validation loss if there was a validation file."""

    trainingLoss: float
    validationLosses: list[float]


class CustomizationJobBody(BackgroundJobBody, _Training):
    """A customization job. ``tokens`` are those of one epoch, ``billed_tokens`` those of all epochs that ran."""

    customModelName: str
    modelTags: dict[str, str]
    statusDetails: dict[str, PhaseRecord]
    billed_tokens: int
    tokens: NotRequired[int]
    failureMessage: NotRequired[str]
    outputModelArn: NotRequired[str]
    trainingLoss: NotRequired[float]
    validationLosses: NotRequired[list[float]]


class CustomModelBody(_Training, TrainingMetrics):
    """A custom model. ``weights`` are those of the simulated student, by feature."""

    jobName: str
    jobArn: str
    weights: dict[str, float]


class ThroughputBody(TypedDict):
    """
    A provisioned throughput.

    ``seconds`` is how long its creation takes and ``update_seconds`` how long its last update takes, which began at
    ``updated``. ``fault`` is the kind of the rule that hit it, ``fault_seconds`` how long it stalls; None is for ever.
    """

    fingerprint: str
    modelArn: str
    desiredModelArn: str
    foundationModelArn: str
    units: int
    seconds: float
    updated: float | None
    update_seconds: float
    fault: str | None
    fault_seconds: float | None


class BatchInput(TypedDict):
    """Where a batch job reads."""

    s3InputDataConfig: S3Location


class BatchOutput(TypedDict):
    """Where a batch job writes."""

    s3OutputDataConfig: S3Location


class BatchCounts(TypedDict):
    """Records and tokens of a batch job, as its manifest shows them."""

    totalRecordCount: int
    processedRecordCount: int
    successRecordCount: int
    errorRecordCount: int
    inputTokenCount: int
    outputTokenCount: int


class BatchJobBody(BackgroundJobBody):
    """A batch inference job. ``phase_started`` is when its present phase began."""

    modelId: str
    inputDataConfig: BatchInput
    outputDataConfig: BatchOutput
    modelInvocationType: str
    timeoutDurationInHours: int
    phase_started: float
    counts: BatchCounts
    message: NotRequired[str]
