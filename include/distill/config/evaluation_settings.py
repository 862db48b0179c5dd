"""
Define the settings of Bedrock's evaluation jobs, which score the answers of one arm at a time or ask human workers.

The limits on names, texts and numbers are those of botocore's service model ``bedrock/2023-04-20``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from include.distill.config.catalog import EvaluatorOf, load_catalog
from include.distill.config.job_settings import JobSettings, check_metric_name, check_variables
from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.config.model_names import different_models
from include.distill.config.partitions import partition_of
from include.distill.config.section import Hours, NonBlankText, Section
from include.distill.core.errors import UseCaseError
from include.distill.core.shown_values import shown

# The metrics that an evaluator model rates, from
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-metrics.html (checked 2026-11-27)
BUILT_IN_METRICS = tuple(
    f"Builtin.{name}"
    for name in (
        *("Correctness", "Completeness", "Faithfulness", "Helpfulness", "Coherence", "Relevance"),
        *("FollowingInstructions", "ProfessionalStyleAndTone", "Harmfulness", "Stereotyping", "Refusal"),
    )
)
MOST_QUESTIONS = (
    1_000  # https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-prompt-datasets-judge.html
)
MOST_METRICS = 25
_NEEDED_VARIABLES = ("prompt", "prediction")
# Bedrock fills in no other variable in an evaluation of a model's answers.
_VARIABLES = ("prompt", "prediction", "ground_truth")
MetricName = Annotated[str, Field(pattern=r"^[0-9a-zA-Z_.-]+$", max_length=63)]


class Rating(Section):
    """One rating that an evaluator can give, with its meaning."""

    definition: NonBlankText = Field(max_length=100)
    value: float


class CustomMetric(Section):
    """
    A metric that an evaluator applies by the use case's own instructions.

    The ratings are numbers, because the report computes means.
    """

    name: MetricName
    instructions: str = Field(
        max_length=5_000, description="the request to the evaluator; must contain {{prompt}} and {{prediction}}"
    )
    rating_scale: tuple[Rating, ...] = Field(min_length=2, max_length=10)

    @field_validator("name")
    @classmethod
    def _name_is_not_built_in(cls, name: str) -> str:
        return check_metric_name(name)

    @field_validator("instructions")
    @classmethod
    def _instructions_use_the_answer(cls, text: str) -> str:
        return check_variables(text, needed=_NEEDED_VARIABLES, known=_VARIABLES)

    @field_validator("rating_scale")
    @classmethod
    def _ratings_are_distinct(cls, scale: tuple[Rating, ...]) -> tuple[Rating, ...]:
        refuse(_repetitions("value", [rating.value for rating in scale]))
        refuse(_repetitions("definition", [rating.definition for rating in scale]))
        return scale


class PointwiseEvaluation(JobSettings):
    """Settings for the jobs in which an evaluator model scores the answers of one arm. Each job has one evaluator."""

    evaluators: tuple[str, ...] = Field(min_length=1, max_length=5)
    metrics: tuple[str, ...] = ("Builtin.Correctness", "Builtin.Completeness", "Builtin.Helpfulness")
    custom_metrics: tuple[CustomMetric, ...] = Field((), max_length=10)
    arms: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)] = "all"
    questions: int = Field(
        MOST_QUESTIONS, ge=1, le=MOST_QUESTIONS, description="score the answers to the first N evaluation questions"
    )
    timeout_hours: Hours = 24

    @field_validator("evaluators")
    @classmethod
    def _evaluators_are_distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return different_models(names)

    @field_validator("metrics")
    @classmethod
    def _metrics_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        refuse(
            KeyProblem((index,), f"found {shown(name)}, expected one of {', '.join(BUILT_IN_METRICS)}")
            for index, name in enumerate(names)
            if name not in BUILT_IN_METRICS
        )
        refuse(_repetitions(None, names))
        return names

    @model_validator(mode="after")
    def _metrics_fit(self) -> PointwiseEvaluation:
        names = self.metric_names
        if not names or len(names) > MOST_METRICS:
            text = (
                f"metrics and custom_metrics have {len(names)} metrics together, expected 1 to {MOST_METRICS}, which is"
                " Bedrock's limit for a job"
            )
            refuse([KeyProblem(("metrics",), text)])
        return self

    @field_validator("custom_metrics")
    @classmethod
    def _custom_names_are_distinct(cls, metrics: tuple[CustomMetric, ...]) -> tuple[CustomMetric, ...]:
        refuse(_repetitions("name", [metric.name for metric in metrics]))
        return metrics

    @field_validator("arms")
    @classmethod
    def _arms_are_listed_once(cls, arms: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        if arms != "all":
            refuse(_repetitions(None, arms))
        return arms

    @model_validator(mode="after")
    def _evaluators_are_accepted(self) -> PointwiseEvaluation:
        kinds: tuple[tuple[EvaluatorOf, bool], ...] = (
            ("built_in", bool(self.metrics)),
            ("custom", bool(self.custom_metrics)),
        )
        for kind in (kind for kind, is_used in kinds if is_used):
            able = [model.key for model in load_catalog().models.values() if kind in model.evaluator]
            refuse(
                KeyProblem(
                    ("evaluators", index),
                    f"Bedrock does not accept {name} as evaluator of {kind.replace('_', '-')} metrics; expected one of"
                    f" {', '.join(able)}",
                )
                for index, name in enumerate(self.evaluators)
                if name not in able
            )
        return self

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics, in the order of the report."""
        return (*self.metrics, *(metric.name for metric in self.custom_metrics))


class HumanEvaluation(JobSettings):
    """
    Settings for the jobs in which human workers of Amazon SageMaker Ground Truth compare two answers.

    The labeling DAG buys these jobs, and only when a person asks for one.
    """

    # It may be empty, so that a use case can take it from a variable that an installation without workers does not set.
    flow_definition_arn: str = Field(
        "",
        # The name is that of SageMaker's CreateFlowDefinition.
        pattern=r"^(arn:aws(-[^:]+)?:sagemaker:[a-z0-9-]{1,20}:[0-9]{12}:flow-definition/[a-z0-9](-*[a-z0-9]){0,62})?$",
        max_length=1_024,
        description="ARN of the flow definition, which names the workers; if empty, no worker can be asked",
    )
    instructions: NonBlankText = Field(
        "Read the question, the document and both responses. The better response answers the question correctly and"
        " completely, and says nothing that the document does not say.",
        max_length=4_000,
        description="what makes a response better. How to give the ratings is added",
    )
    workers: int = Field(
        2, ge=1, le=3, description="workers for each example, as in the flow definition; the job does not depend on it"
    )
    wait_days: float = Field(14, gt=0, le=365, description="maximum number of days to wait for the workers")

    def region_problem(self, region: str) -> str | None:
        """
        Return a message if the flow definition is in another Region than the jobs, or in another partition.

        Otherwise, return ``None``.
        """
        if not self.flow_definition_arn:
            return None
        _, found_partition, _, found, *_ = self.flow_definition_arn.split(":")
        partition = partition_of(region)
        if found == region and found_partition != partition:
            return (
                f"found {self.flow_definition_arn!r}, but {region} is a Region of the partition {partition}, not of"
                f" {found_partition}; expected an ARN that begins with arn:{partition}:sagemaker:{region}:. Copy the"
                " ARN from the flow definition"
            )
        if found == region:
            return None
        return (
            f"found {self.flow_definition_arn!r}, a flow definition in {found}, but aws.region is {region}, and Bedrock"
            f" needs both in the same Region; expected an ARN that begins with arn:{partition}:sagemaker:{region}:."
            f" Create the flow definition in {region}, or remove the key"
        )


# The kinds of evaluation jobs, which are the keys of the section ``evaluations``.
EvaluationKind = Literal["pointwise", "human"]


class Evaluations(Section):
    """The evaluation jobs of Bedrock that a use case asks for. Without this section, a run buys no evaluation job."""

    pointwise: PointwiseEvaluation | None = None
    human: HumanEvaluation | None = None

    def of_kind(self, kind: EvaluationKind) -> JobSettings:
        """Return the settings of one kind of jobs.

        :raises UseCaseError: the use case has no such jobs.
        """
        settings = self.pointwise if kind == "pointwise" else self.human
        if settings is None:
            raise _missing(kind)
        return settings

    @property
    def pointwise_settings(self) -> PointwiseEvaluation:
        """The settings of the jobs in which an evaluator model scores answers.

        :raises UseCaseError: the use case has no such jobs.
        """
        if self.pointwise is None:
            raise _missing("pointwise")
        return self.pointwise


def _missing(kind: EvaluationKind) -> UseCaseError:
    return UseCaseError(
        f"The use case has no section evaluations.{kind}.",
        billed="Nothing was bought.",
        to_do="Add the section to the use case and trigger a new run.",
    )


def _repetitions(key: str | None, values: Sequence[str | float]) -> Iterator[KeyProblem]:
    """
    Yield a problem for each value of a list that occurs before. Texts that differ only in case or spaces are equal.

    The report and the evaluator know metrics and ratings only by these texts, and could not distinguish equal ones.

    :param key: the key of the value in each element of the list; ``None`` if the elements are the values.
    """
    compared = [" ".join(value.split()).casefold() if isinstance(value, str) else value for value in values]
    for index, value in enumerate(compared):
        if value in compared[:index]:
            first = compared.index(value)
            same = "again" if values[first] == values[index] else f"in addition to {shown(values[first])}"
            text = f"found {shown(values[index])} {same}; expected a different {key or 'entry'} in each place"
            yield KeyProblem((index, key) if key else (index,), text)
