"""Define the records of batch jobs: pending and collected jobs, input and output lines, and task results."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

# The steps that can call models in batch jobs, with their names in the DAG.
BatchStep = Literal["synthesize", "judge"]


class BatchInputLine(TypedDict):
    """
    One request of a batch job, in Bedrock's format.

    The record is stored in ``<prefix>/batches/<sha256>/input.jsonl``.
    """

    recordId: str  # key of the request, under which the answer will be stored
    modelInput: dict[str, Any]  # body of the request, in the format of the model's API


class BatchOutputLine(TypedDict):
    """One output line of a batch job, as Bedrock writes it. The line contains either an output or an error."""

    recordId: str
    modelOutput: NotRequired[dict[str, Any]]
    error: NotRequired[object]  # according to AWS's documentation, an object with errorCode and errorMessage


class BatchTokenCounts(TypedDict):
    """The tokens that a batch job is billed for, in the summary that Bedrock writes next to the output."""

    inputTokenCount: int
    outputTokenCount: int


class LineError(TypedDict):
    """The reason why no answer was stored for one line of a batch job's output."""

    reason: str  # a reason of this pipeline, such as "unreadable_line", or Bedrock's error code
    message: str


class BatchError(LineError):
    """
    One line of a batch job's output for which no answer was stored, with the reason.

    The record is stored in ``batches/<job name>-errors.jsonl``.
    """

    record_id: str  # empty if the line could not be read


class BatchPlanRecord(TypedDict):
    """
    The plan of one batch job, written before the job is bought.

    The record is stored in ``<prefix>/batches/open/<job name>.json`` until the job's answers are stored.
    ``BatchJobPlan`` is the dataclass with the same fields.
    """

    name: str
    step: BatchStep
    model: str  # key in models.yaml
    identity: str  # inference id
    sha256: str  # hash of the model and the keys of its requests
    records: int
    max_tokens: int
    run_key: str  # key of the run that pays for the job
    input_uri: str
    output_uri: str
    use_case: NotRequired[str]  # of the run that pays for the job; earlier versions did not store it


class BatchClaimRecord(TypedDict):
    """
    The name under which the job for a set of questions is bought, whichever use case buys it.

    The record is stored in ``<prefix>/batches/<sha256>/claim.json`` before the job is bought.
    """

    job_name: str
    role_arn: str  # the job's role; use cases with another role do not use the claim


class BatchOutcomeRecord(TypedDict):
    """
    The counts of an ended batch job: all records, answered records and failed records.

    The job did not process the remaining ``records - answered - errors`` records.

    The record is stored in ``<prefix>/batches/landed/<job name>.json``.
    """

    records: int
    answered: int
    errors: int


class BatchSubmitManifest(TypedDict):
    """Result of the task ``<step>_batch.submit``. The record is passed through XCom only."""

    job_arns: list[str]  # jobs to wait for, including jobs that other runs bought
    records: int  # number of records in the jobs of this run
    left_to_ask_on_demand: int  # number of requests that still have to be sent on demand
    bought: int  # number of jobs that this attempt bought


class BatchWaitManifest(TypedDict):
    """Result of the task ``<step>_batch.wait``. The record is passed through XCom only."""

    jobs: int


class BatchCollectManifest(TypedDict):
    """
    Result of the task ``<step>_batch.collect``. All fields except ``jobs`` count records.

    The record is passed through XCom only.
    """

    jobs: int
    records: int
    answered: int
    errors: int
    left_to_ask_on_demand: int
