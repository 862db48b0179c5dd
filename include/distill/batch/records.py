"""Records of batch jobs: notes of pending and collected jobs, their input and output lines, and the tasks' results."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

# Tasks that can be asked in batch jobs, by their names in the graph.
BatchStep = Literal["synthesize", "judge"]


class BatchInputLine(TypedDict):
    """One request of a batch job, in Bedrock's format. Stored in ``<prefix>/batches/<sha256>/input.jsonl``."""

    recordId: str  # key of the request, under which the answer will be stored
    modelInput: dict[str, Any]  # body of the request, as the model's API takes it


class BatchOutputLine(TypedDict):
    """One output line of a batch job, as Bedrock writes it into the output bucket. It has an output or an error."""

    recordId: str
    modelOutput: NotRequired[dict[str, Any]]
    error: NotRequired[object]  # with errorCode and errorMessage, as documented


class LineError(TypedDict):
    """Why no answer could be stored from one line of a batch job's output."""

    reason: str  # one of ours, such as "unreadable_line", or Bedrock's error code
    message: str


class BatchError(LineError):
    """A record of a batch job that ended in an error. Stored in ``batches/<job name>-errors.jsonl``."""

    record_id: str  # empty when the line could not be read


class BatchPlanRecord(TypedDict):
    """
    One batch job, noted before it is bought. Stored in ``<prefix>/batches/open/<job name>.json`` until its answers
    are stored. ``BatchJobPlan`` is the same as a dataclass.
    """

    name: str
    step: BatchStep
    model: str  # key in models.yaml
    identity: str  # inference id
    sha256: str  # hash of the model and the keys of its questions
    records: int
    max_tokens: int
    run_key: str  # run that pays
    input_uri: str
    output_uri: str


class BatchOutcomeRecord(TypedDict):
    """
    The result of a batch job, in records. Stored in ``<prefix>/batches/landed/<job name>.json``.

    The job did not reach the others, ``records - answered - errors``.
    """

    records: int
    answered: int
    errors: int


class BatchSubmitManifest(TypedDict):
    """Result of ``<step>_batch.submit``. Passed by XCom only."""

    job_arns: list[str]  # to wait for, also those that other runs bought
    records: int  # of the jobs of this run's own
    left_to_ask_on_demand: int  # requests
    bought: int  # jobs that this try bought


class BatchWaitManifest(TypedDict):
    """Result of ``<step>_batch.wait``. Passed by XCom only."""

    jobs: int


class BatchCollectManifest(TypedDict):
    """Result of ``<step>_batch.collect``, in records except for ``jobs``. Passed by XCom only."""

    jobs: int
    records: int
    answered: int
    errors: int
    left_to_ask_on_demand: int
