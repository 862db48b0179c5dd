"""
What ``report.json`` holds, and that its figures add up.

A count that does not add up is a row lost or made twice, so a report is refused rather than written with it.
Anything beyond the contract is kept as given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    StrictBool,
    ValidationError,
    model_validator,
)

from include.distill.core.errors import ReconciliationError
from include.distill.evaluation.comparisons import Finding, preference

if TYPE_CHECKING:
    from collections.abc import Mapping

CENT = 0.01


def _none_if_not_finite(value: object) -> object:
    # Training that diverged logs NaN. JSON has no NaN, and the report should show a gap, not refuse the run.
    return None if isinstance(value, float) and not math.isfinite(value) else value


Loss = Annotated[FiniteFloat | None, BeforeValidator(_none_if_not_finite)]
OptionalShare = Annotated[float, Field(ge=0, le=1)] | None
OptionalInterval = tuple[FiniteFloat, FiniteFloat] | None


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow")


def _require(true: bool, message: str) -> None:
    if not true:
        raise ValueError(message)


class SourceCounts(_Section):
    """The CSV, in rows."""

    rows: NonNegativeInt
    accepted: NonNegativeInt
    rejected: NonNegativeInt
    train: NonNegativeInt
    evaluation: NonNegativeInt

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        _require(
            self.rows == self.accepted + self.rejected,
            f"rows {self.rows} is not accepted {self.accepted} + rejected {self.rejected}",
        )
        return self


class CriticCounts(_Section):
    """What the critic said of the pairs that passed the measured filters, and what it was asked, in this run."""

    grounded: NonNegativeInt
    ungrounded: NonNegativeInt
    unparsable: NonNegativeInt
    not_looked_at: NonNegativeInt
    calls: NonNegativeInt
    cache_hits: NonNegativeInt
    input_tokens: NonNegativeInt
    output_tokens: NonNegativeInt

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        checked, answers = self.grounded + self.ungrounded + self.unparsable, self.calls + self.cache_hits
        _require(checked <= answers, f"the critic looked at {checked} pairs, and gave {answers} answers")
        return self


class SynthesisCounts(_Section):
    """What was asked of the teacher and what came of it, in pairs. ``surplus`` is beyond the request."""

    documents: NonNegativeInt
    requested: NonNegativeInt
    accepted: NonNegativeInt
    rejected: NonNegativeInt
    missing: NonNegativeInt
    surplus: NonNegativeInt
    calls: NonNegativeInt
    cache_hits: NonNegativeInt
    input_tokens: NonNegativeInt
    output_tokens: NonNegativeInt
    dropped: dict[str, NonNegativeInt] = {}
    critic: CriticCounts | None = None

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        _require(
            self.requested == self.accepted + self.rejected + self.missing,
            f"requested {self.requested} is not accepted {self.accepted} + rejected {self.rejected}"
            f" + missing {self.missing}",
        )
        bad = self.critic.ungrounded + self.critic.unparsable if self.critic else 0
        dropped = self.dropped.get("critic", 0)
        _require(dropped <= bad, f"{dropped} pairs are dropped for the critic, who found {bad} to drop")
        return self


class ArmEntry(_Section):
    """A model that answered. What it did not buy is null; what it did not serve is released."""

    name: str
    kind: Literal["base", "fine_tuned", "champion"]
    records: NonNegativeInt | None
    train_uri: str | None
    job_arn: str | None
    job_status: str | None
    training_loss: Loss
    serving: str | None
    released: StrictBool

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        trained = [self.records, self.train_uri, self.job_status, self.training_loss]
        _require(
            self.job_arn is not None or trained == [None] * len(trained),
            f"arm {self.name} has no job, so records, train_uri, job_status and training_loss must be null",
        )
        _require(self.kind != "base" or self.job_arn is None, f"arm {self.name} is a base model, so it has no job")
        _require(
            self.serving is not None or self.released,
            f"arm {self.name} has nothing serving it, so released must be true",
        )
        return self


class ComparisonEntry(_Section):
    """One judge on one pair of arms, in questions."""

    judge: str
    candidate: str
    baseline: str
    n: NonNegativeInt
    wins: NonNegativeInt
    losses: NonNegativeInt
    ties: NonNegativeInt
    unparsable: NonNegativeInt
    clusters: NonNegativeInt
    preference: OptionalShare
    preference_ci95: OptionalInterval
    half_win_rate: OptionalShare
    half_win_ci95: OptionalInterval
    p_value: NonNegativeFloat
    p_value_holm: NonNegativeFloat
    flip_rate: OptionalShare
    first_position_rate: OptionalShare
    longer_wins_rate: OptionalShare
    minimum_detectable_difference: OptionalShare
    finding: Finding

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        where = f"{self.judge} on {self.candidate} against {self.baseline}"
        decided = self.wins + self.losses
        _require(
            self.n == self.wins + self.losses + self.ties + self.unparsable,
            f"n {self.n} of {where} is not wins {self.wins} + losses {self.losses} + ties {self.ties}"
            f" + unparsable {self.unparsable}",
        )
        _require(
            self.preference == preference(self.wins, self.losses),
            f"preference {self.preference} of {where} is not wins {self.wins} / decided {decided}",
        )
        return self


class CostLine(_Section):
    """One line of the bill."""

    what: str
    quantity: NonNegativeFloat
    unit: str
    unit_price_usd: NonNegativeFloat
    usd: NonNegativeFloat


class Cost(_Section):
    """The bill beside its estimate."""

    estimated_usd: NonNegativeFloat
    actual_usd: NonNegativeFloat
    lines: list[CostLine]

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        total = math.fsum(line.usd for line in self.lines)
        _require(
            abs(total - self.actual_usd) <= CENT,
            f"actual_usd {self.actual_usd} is not the sum of the bill's lines, {total}",
        )
        return self


class LossPoint(_Section):
    """One row of the training metrics."""

    step: NonNegativeInt
    epoch: FiniteFloat
    loss: Loss


class DisagreementEntry(_Section):
    """A question of which the judges think differently, with what there is to read; ``candidate`` and ``baseline``
    (arms) are given where they are not those of the headline.
    """

    row_id: str
    question: str
    candidate_answer: str
    baseline_answer: str
    by_judge: dict[str, str]
    by_person: dict[str, str] = {}


class PromotionDecision(_Section):
    """What the rule says of one candidate."""

    candidate: str
    champion: str
    promoted: StrictBool
    reasons: list[str]


class PromotionEntry(_Section):
    """The rule, as it was written before the run, and what it says; no decision without a champion's place."""

    rule: str
    false_promotions_a_year: NonNegativeFloat
    decisions: list[PromotionDecision]


class LabelCounts(_Section):
    """Labels of people: of the run's answers, of answers that it no longer has, and of nobody knows which."""

    counted: NonNegativeInt
    changed: NonNegativeInt
    unmarked: NonNegativeInt


class AgreementLine(_Section):
    """Two raters on what both rated."""

    first: str
    second: str
    n: NonNegativeInt
    clusters: NonNegativeInt | None = None
    observed: OptionalShare
    kappa: FiniteFloat | None
    kappa_ci95: OptionalInterval


class PairEntry(_Section):
    """A synthetic pair."""

    question: str
    answer: str
    topic: str


class Report(_Section):
    """
    ``report.json``.

    ``noise_control`` are comparisons of an arm with itself; its note says what stands for them when there are none.
    ``loss_curves`` are by arm. ``rejected_rows`` are ``{"source", "row", "line", "column", "reason", "message"}``, to
    be mended in the CSV. ``settings`` (models, prompt versions, dates) are shown as they are; their
    ``"attribution"`` is set apart.
    """

    run_key: str
    use_case: str
    simulated: StrictBool
    source: SourceCounts
    synthesis: SynthesisCounts
    arms: list[ArmEntry]
    comparisons: list[ComparisonEntry]
    noise_control: list[ComparisonEntry]
    noise_control_note: str = ""
    agreement: list[AgreementLine] = []
    labels: LabelCounts = LabelCounts(counted=0, changed=0, unmarked=0)
    warnings: list[str] = []
    promotion: PromotionEntry | None = None
    cost: Cost
    loss_curves: dict[str, list[LossPoint]] = {}
    disagreements: list[DisagreementEntry] = []
    pair_sample: list[PairEntry] = []
    rejected_rows: list[dict[str, Any]] = []
    settings: dict[str, Any] = {}


def check_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return ``report`` as plain JSON values after checking it against the contract.

    :raises ReconciliationError: a figure is missing, of the wrong type, or does not add up.
    """
    try:
        return Report.model_validate(report).model_dump(mode="json")
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'report'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        message = (
            f"The report of run {report.get('run_key')} does not add up: {'; '.join(faults)}. "
            "It was not written. Find the step whose manifest holds the figure; paid answers are stored."
        )
        raise ReconciliationError(message) from error
