"""Define the records of evaluation jobs: task results, lines of the dataset, and scores."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class NamedDataset(TypedDict):
    """A dataset, without its location in S3, which does not determine the result."""

    name: str


class DatasetMetrics(TypedDict):
    """A dataset, and the metrics for which its answers are scored."""

    taskType: str
    dataset: NamedDataset
    metricNames: list[str]


class EvaluationConfig(TypedDict, total=False):
    """
    What a job scores: ``evaluationConfig`` of Bedrock's request, but without the location of the dataset.

    A job has either ``automated``, for an evaluator model, or ``human``, for human workers.
    """

    automated: dict[str, object]
    human: dict[str, object]


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
    at_most_usd: float
    output_uri: str
    input_tokens: NotRequired[int]  # of the evaluator, estimated, because Bedrock does not state them
    output_tokens: NotRequired[int]


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
    """
    Result of the task ``collect`` of an evaluation job.

    ``missing`` counts the missing scores of all metrics. ``bought`` says whether the run bought the job.
    """

    arm: str
    evaluator: str
    scores_uri: str
    questions: int
    missing: int
    job_name: NotRequired[str]
    bought: NotRequired[bool]
    input_tokens: NotRequired[int]  # of the evaluator, estimated, because Bedrock does not state them
    output_tokens: NotRequired[int]


class ScoreFigures(TypedDict):
    """The figures of a mean over questions. The record is part of :class:`MeanScore` and :class:`ScoreDifference`."""

    n: int  # questions with a score
    missing: int  # questions that were sent, but have no readable score
    clusters: int  # document groups of the questions with a score
    largest_cluster_share: float | None  # the largest group's share of these questions; None without such a question
    ci95: list[float] | None  # lower and upper bound of the mean


class MeanScore(ScoreFigures):
    """
    The mean score that one evaluator gave to the answers of one arm for one metric.

    The record is an entry in ``evaluations.scores`` of ``report/report.json``.
    """

    metric: str
    evaluator: str
    arm: str
    mean: float | None


class ScoreDifference(ScoreFigures):
    """
    The mean difference between the scores of two arms, over the questions with a score in both arms.

    The record is an entry in ``evaluations.differences`` of ``report/report.json``.
    """

    metric: str
    evaluator: str
    candidate: str
    baseline: str
    difference: float | None  # candidate minus baseline
