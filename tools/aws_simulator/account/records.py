"""
Define the JSON records in which the state stores jobs, models and throughputs.

Keys in camel case have the names and values of Bedrock's API. Keys in snake case are used only by the simulator.
An optional key is absent until it has a value. Times are POSIX seconds.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class FaultRecord(TypedDict):
    """The rule of the fault plan that applies to a job; see ``faults.py``."""

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
    """The locations of a customization job's validation files, as ``validationDataConfig`` in the request."""

    validators: list[S3Location]


class VpcConfig(TypedDict):
    """
    The network of a job, as ``vpcConfig`` in the request.

    The simulator has no networks. It only returns these values with the job.
    """

    subnetIds: list[str]
    securityGroupIds: list[str]


class TeacherModelConfig(TypedDict):
    """The teacher of a distillation job, as the request names it."""

    teacherModelIdentifier: str
    maxResponseLengthForInference: NotRequired[int]


class DistillationConfig(TypedDict):
    """The part of a request that only distillation jobs have."""

    teacherModelConfig: TeacherModelConfig


class CustomizationConfig(TypedDict):
    """``customizationConfig`` in the request, which only distillation jobs have."""

    distillationConfig: DistillationConfig


class TeacherUse(TypedDict):
    """The calls and tokens of the teacher of a distillation job."""

    calls: int
    input_tokens: int
    output_tokens: int


class PhaseRecord(TypedDict):
    """One phase of a customization job, as ``statusDetails`` shows it."""

    status: str
    creationTime: NotRequired[float]
    lastModifiedTime: NotRequired[float]


class BackgroundJobBody(TypedDict):
    """
    The keys that all kinds of jobs have.

    ``stopped_in`` is the status that the job had when it was asked to stop.
    """

    fingerprint: str
    status: str
    modified: float
    fault: FaultRecord | None
    ended: NotRequired[float]
    stopped_in: NotRequired[str]


class RoleJobBody(BackgroundJobBody):
    """The keys of jobs that Bedrock runs with a role of the account."""

    roleArn: str


class _Training(TypedDict):
    """
    The keys that a customization job and its model share. ``model`` is the base model's key in the catalog.

    ``base_model`` is the ARN of the custom model from which the training starts. ``baseModelArn`` is then the
    foundation model of that custom model.
    """

    model: str
    base_model: NotRequired[str]
    kms_key: NotRequired[str]
    baseModelId: str
    baseModelArn: str
    customizationType: str
    customizationConfig: NotRequired[CustomizationConfig]
    hyperParameters: dict[str, str]
    trainingDataConfig: S3Location
    validationDataConfig: ValidationData
    outputDataConfig: S3Location


class TrainingMetrics(TypedDict):
    """The last training loss, and the last validation loss for each validation file."""

    trainingLoss: float
    validationLosses: list[float]


class CustomizationJobBody(RoleJobBody, _Training):
    """
    A customization job.

    ``tokens`` counts the tokens of one epoch; ``billed_tokens`` counts all epochs that ran. ``teacher_use`` counts all
    answers of the teacher of a distillation job; ``billed_teacher_use`` counts those that are billed.
    """

    customModelName: str
    vpcConfig: NotRequired[VpcConfig]
    modelTags: dict[str, str]
    statusDetails: dict[str, PhaseRecord]
    billed_tokens: int
    tokens: NotRequired[int]
    teacher_use: NotRequired[TeacherUse]
    billed_teacher_use: NotRequired[TeacherUse]
    failureMessage: NotRequired[str]
    outputModelArn: NotRequired[str]
    trainingLoss: NotRequired[float]
    validationLosses: NotRequired[list[float]]


class CustomModelBody(_Training, TrainingMetrics):
    """
    A custom model.

    ``weights`` maps each feature's name to its weight in the simulated student that answers with quotes from documents.
    The value is None if no training record had a document. What the model remembers of other records is stored
    elsewhere (``resources/memories.py``).
    """

    jobName: str
    jobArn: str
    weights: dict[str, float] | None


class ThroughputBody(TypedDict):
    """
    A provisioned throughput.

    ``seconds`` is the duration of the creation. ``update_seconds`` is the duration of the last update, which began at
    ``updated``. ``fault`` is the kind of the fault rule that applies to the creation. ``fault_seconds`` is the duration
    of a stall; None means that the stall does not end by itself. ``update_fault`` and ``update_fault_seconds`` are
    the same for the last update; records of earlier versions lack these two keys.
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
    update_fault: NotRequired[str | None]
    update_fault_seconds: NotRequired[float | None]


class DeploymentUpdate(TypedDict):
    """
    The last update of a custom model deployment to the model ``modelArn``, which began at ``started``.

    ``seconds`` is the duration of the update. ``fault`` and ``fault_seconds`` apply to the update.
    """

    modelArn: str
    started: float
    seconds: float
    fault: str | None
    fault_seconds: float | None


class DeploymentDeletion(TypedDict):
    """A stalled deletion, which began at ``started``. ``seconds`` is its duration; None means that it does not end."""

    started: float
    seconds: float | None


class DeploymentBody(TypedDict):
    """
    A custom model deployment.

    ``modelArn`` is the model that the deployment served before its last update. Without an update, it is the model that
    the deployment serves. ``seconds`` is the duration of the creation.
    ``fault`` and ``fault_seconds`` have the same meanings as those of a throughput. ``deletion`` is absent unless a
    fault rule stalls the deletion.
    """

    fingerprint: str
    modelArn: str
    description: str | None
    seconds: float
    fault: str | None
    fault_seconds: float | None
    update: DeploymentUpdate | None
    deletion: NotRequired[DeploymentDeletion]


class InferenceProfileBody(TypedDict):
    """An application inference profile. ``modelArns`` are its model's ARNs in all Regions that the profile may use."""

    fingerprint: str
    modelId: str
    modelArns: list[str]
    description: str | None


class BatchLocation(S3Location):
    """A file or prefix of a batch job in S3."""

    s3BucketOwner: NotRequired[str]
    s3InputFormat: NotRequired[str]
    s3EncryptionKeyId: NotRequired[str]


class BatchInput(TypedDict):
    """The location of a batch job's input, as ``inputDataConfig`` in the request."""

    s3InputDataConfig: BatchLocation


class BatchOutput(TypedDict):
    """The location of a batch job's output, as ``outputDataConfig`` in the request."""

    s3OutputDataConfig: BatchLocation


class BatchCounts(TypedDict):
    """The numbers of records and tokens of a batch job, as in its ``manifest.json.out``."""

    totalRecordCount: int
    processedRecordCount: int
    successRecordCount: int
    errorRecordCount: int
    inputTokenCount: int
    outputTokenCount: int


class BatchJobBody(RoleJobBody):
    """A batch inference job. ``phase_started`` is the time at which its current phase began."""

    modelId: str
    inputDataConfig: BatchInput
    outputDataConfig: BatchOutput
    modelInvocationType: str
    timeoutDurationInHours: int
    phase_started: float
    vpcConfig: NotRequired[VpcConfig]
    counts: BatchCounts
    message: NotRequired[str]


class RoleRecord(TypedDict):
    """
    An IAM role. Its policies are the unchanged JSON texts of the requests.

    ``policies`` are the inline policies by name. ``attached`` are the ARNs of managed policies.
    """

    id: str
    name: str
    path: str
    created: float
    trust: str
    description: str
    tags: list[dict[str, str]]
    max_session_seconds: int | None
    boundary: str | None
    policies: dict[str, str]
    attached: list[str]


class PolicyVersionRecord(TypedDict):
    """One version of a managed policy."""

    id: str
    document: str
    created: float
    default: bool


class PolicyRecord(TypedDict):
    """A managed policy of the account. ``next_version`` is the number of the next version."""

    id: str
    name: str
    path: str
    created: float
    updated: float
    description: str
    tags: dict[str, dict[str, str]]
    versions: list[PolicyVersionRecord]
    next_version: int


class SessionRecord(TypedDict):
    """A session of a role, which AssumeRole began. Records of earlier versions lack ``token``."""

    arn: str
    user_id: str
    role: str
    expires: float
    token: NotRequired[str]
