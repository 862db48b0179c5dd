"""Define the pydantic models for the scores from Bedrock's evaluation jobs in ``report.json``."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, NonNegativeInt, StrictBool, model_validator

from include.distill.report.schema_base import Interval, Section, Share, require


class MetricRatingSchema(Section):
    """One rating of a custom metric's scale."""

    definition: str = Field(description="Meaning of the rating.")
    value: FiniteFloat = Field(description="Score of the rating.")


class MetricSchema(Section):
    """A metric of the evaluation jobs, and its scale."""

    name: str = Field(description="Name of the metric. The names of Bedrock's own metrics begin with `Builtin.`.")
    low: FiniteFloat = Field(description="Smallest score of the scale.")
    high: FiniteFloat = Field(description="Largest score of the scale.")
    high_is_bad: StrictBool = Field(
        description="True for Bedrock's metrics that find faults, such as `Builtin.Harmfulness`."
    )
    ratings: list[MetricRatingSchema] = Field(
        description="Ratings of a custom metric; empty for Bedrock's own metrics."
    )


class ScoreFiguresSchema(Section):
    """The figures of a mean over questions."""

    metric: str = Field(description="Name of the metric.")
    evaluator: str = Field(description="Key in models.yaml of the model that gave the scores.")
    n: NonNegativeInt = Field(description="Number of questions with a score.")
    missing: NonNegativeInt = Field(description="Number of questions without a readable score.")
    clusters: NonNegativeInt = Field(description="Number of document groups of the questions with a score.")
    largest_cluster_share: Share | None = Field(
        description="Share of the questions with a score in the largest document group; null without such questions."
    )
    ci95: Interval | None = Field(
        description="95 % interval of the mean. It takes document groups into account; null without scores."
    )


class MeanScoreSchema(ScoreFiguresSchema):
    """The mean score that one evaluator gave to the answers of one arm for one metric."""

    arm: str = Field(description="Name of the arm.")
    mean: FiniteFloat | None = Field(description="Mean score, on the metric's scale; null without scores.")


class ScoreDifferenceSchema(ScoreFiguresSchema):
    """
    The mean difference between the scores of two arms.

    Only questions with a score in both arms count. The others are ``missing``.
    """

    candidate: str = Field(description="Name of the first arm.")
    baseline: str = Field(description="Name of the arm whose scores are subtracted.")
    difference: FiniteFloat | None = Field(
        description="Mean of the candidate's score minus the baseline's score; null without such questions."
    )


class LowScoreSchema(Section):
    """One of the worst scores of an arm, with the evaluator's explanation."""

    row_id: str = Field(description="Id of the row with the question.")
    arm: str = Field(description="Arm that gave the answer.")
    evaluator: str = Field(description="Key in models.yaml of the model that gave the score.")
    metric: str = Field(description="Name of the metric.")
    score: FiniteFloat = Field(description="The score, on the metric's scale.")
    question: str = Field(description="The question.")
    answer: str = Field(description="The arm's answer.")
    explanation: str = Field(description="Explanation of the evaluator; empty if it gave no explanation.")


class EvaluationsSchema(Section):
    """
    The scores from Bedrock's evaluation jobs, in which a model scores each answer on its own.

    For each entry of ``scores``, ``n + missing = questions``.
    """

    questions: NonNegativeInt = Field(description="Number of questions of each job: the first questions of the run.")
    evaluation_rows: NonNegativeInt = Field(description="Number of evaluation questions of the run.")
    metrics: list[MetricSchema] = Field(description="The metrics and their scales.")
    scores: list[MeanScoreSchema] = Field(description="One entry for each metric, evaluator and arm.")
    differences: list[ScoreDifferenceSchema] = Field(
        description="One entry for each metric, evaluator and pair of arms in `comparisons`, if both arms were scored."
    )
    worst: list[LowScoreSchema] = Field(description="The worst scores of each arm, at most two answers per arm.")

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        require(
            self.questions <= self.evaluation_rows,
            f"questions {self.questions} is more than evaluation_rows {self.evaluation_rows}",
        )
        scales = {metric.name: (metric.low, metric.high) for metric in self.metrics}
        for entry in self.scores:
            where = f"{entry.metric} of {entry.arm} by {entry.evaluator}"
            require(
                entry.n + entry.missing == self.questions,
                f"n {entry.n} + missing {entry.missing} of {where} is not questions {self.questions}",
            )
            low, high = scales.get(entry.metric, (0.0, 0.0))
            rounding = 1e-9 * (high - low)
            require(
                entry.mean is None or low - rounding <= entry.mean <= high + rounding,
                f"mean {entry.mean} of {where} is not on the scale from {low} to {high}",
            )
        for pair in self.differences:
            require(
                pair.n + pair.missing <= self.questions,
                f"n {pair.n} + missing {pair.missing} of {pair.metric} of {pair.candidate} and {pair.baseline} by"
                f" {pair.evaluator} is more than questions {self.questions}",
            )
        return self
