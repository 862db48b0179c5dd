"""Define the records of evaluation jobs: task results, lines of the dataset, and scores."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SourceResponse(TypedDict):
    """An answer of an arm in a dataset. ``modelIdentifier`` is the name of the arm."""

    response: str
    modelIdentifier: str


class EvaluationDatasetLine(TypedDict):
    """
    One question with an arm's answer, in Bedrock's format.

    The record is stored in ``<prefix>/evaluations/<sha256>/dataset.jsonl``.
    """

    prompt: str
    referenceResponse: str
    modelResponses: list[SourceResponse]


class EvaluationQuestion(TypedDict):
    """The row of one line of a dataset. Results name the prompt, but not the row."""

    row_id: str
    prompt_sha256: str


class EvaluationJobManifest(TypedDict):
    """Result of a task that submits an evaluation job."""

    job_name: str
    job_arn: str
    arm: str
    evaluator: str
    fingerprint: str
    attempt: int
    bought: bool
    at_most_usd: NotRequired[float]


class EvaluationResultManifest(TypedDict):
    """
    Result of a task that waits for an evaluation job.

    ``output_uri`` is the prefix in the request. The results are in ``<output_uri>/<job name>/<id of the job>/``.
    """

    job_name: str
    job_arn: str
    arm: str
    evaluator: str
    status: str
    output_uri: str


class ScoreRecord(TypedDict):
    """
    The score of one answer for one metric; a line of ``evaluations/<arm>/<evaluator>.jsonl`` in the run's folder.

    ``score`` is ``None`` if the evaluator gave no readable score.
    """

    row_id: str
    arm: str
    evaluator: str
    metric: str
    score: float | None
    explanation: str


class ScoresManifest(TypedDict):
    """Result of the task ``collect`` of an evaluation job. ``missing`` counts the missing scores of all metrics."""

    arm: str
    evaluator: str
    scores_uri: str
    questions: int
    missing: int
