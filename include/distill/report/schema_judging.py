"""Define the pydantic models for the judgments in ``report.json``: comparisons, agreement, labels and promotion."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, StrictBool, model_validator

from include.distill.evaluation.comparisons import preference
from include.distill.evaluation.records import Finding
from include.distill.report.schema_base import EARLIER, Interval, Section, Share, optional_key, require


class ComparisonSchema(Section):
    """
    The figures of one judge on one pair of arms. Rates and their bounds are from 0 to 1.

    A question is parsed if the verdicts in both orders can be read, and decided if both verdicts have the same winner.
    ``n = wins + losses + ties + unparsable``, and ``preference = wins / (wins + losses)``.
    """

    judge: str = Field(description="Key of the judge in models.yaml.")
    candidate: str = Field(description="Arm that is expected to be better.")
    baseline: str = Field(
        description="Arm that the candidate is compared with; `<candidate>-again` in the noise control."
    )
    n: NonNegativeInt = Field(description="Number of questions that the judge compared.")
    wins: NonNegativeInt = Field(description="Number of questions on which the candidate won in both orders.")
    losses: NonNegativeInt = Field(description="Number of questions on which the baseline won in both orders.")
    ties: NonNegativeInt = Field(description="Number of parsed questions that are not decided.")
    unparsable: NonNegativeInt = Field(
        description="Number of questions with an unreadable verdict in at least one order."
    )
    clusters: NonNegativeInt = Field(description="Number of document groups with a parsed question.")
    preference: Share | None = Field(description="wins / (wins + losses); null if no question was decided.")
    preference_ci95: Interval | None = Field(
        description="95 % interval of `preference`. It takes document groups into account."
    )
    half_win_rate: Share | None = Field(
        description="Mean score of the parsed questions: 1 for a win, 1/2 for a tie, 0 for a loss. Null without parsed"
        " questions."
    )
    half_win_ci95: Interval | None = Field(
        description="95 % interval of `half_win_rate`. It takes document groups into account."
    )
    p_value: NonNegativeFloat = Field(
        description="p-value of an exact two-sided sign test with one sign per document group."
    )
    p_value_holm: NonNegativeFloat = Field(description="`p_value` with Holm's correction over all `comparisons`.")
    flip_rate: Share | None = Field(
        description="Among the parsed questions whose two answers differ, the share for which the judge named different"
        " winners in the two orders."
    )
    first_position_rate: Share | None = Field(
        description="Among the verdicts that name a winner, the share that name the answer shown first. About 0.5 for a"
        " judge without position bias."
    )
    longer_wins_rate: Share | None = Field(
        description="Among the decided questions whose answers differ in length, the share that the longer answer won."
    )
    minimum_detectable_difference: Share | None = Field(
        description="Smallest distance of the true half-win rate from 0.5 that is detected in four of five runs of this"
        " size; null with fewer than two document groups."
    )
    finding: Finding = Field(
        description="`candidate` or `baseline` if that arm is better, `unclear` if the difference could be chance,"
        " `too_few` if the sample is too small or too uneven, `unreadable` if too many verdicts could not be read."
    )
    same: NonNegativeInt = optional_key(
        "Number of ties without a call to the judge, because both answers are equal.", absent=EARLIER, default=0
    )
    decisive_clusters: NonNegativeInt = optional_key(
        "Number of document groups with a decided question.", absent=EARLIER, default=0
    )
    clusters_won: NonNegativeInt = optional_key(
        "Number of document groups with more wins than losses.", absent=EARLIER, default=0
    )
    clusters_lost: NonNegativeInt = optional_key(
        "Number of document groups with more losses than wins.", absent=EARLIER, default=0
    )
    largest_cluster_share: Share | None = optional_key(
        "Share of the parsed questions in the largest document group; null without parsed questions.", absent=EARLIER
    )
    max_unparsable_share: Share | None = optional_key(
        "Share of unparsable questions above which the finding is `unreadable`.", absent=EARLIER
    )
    design_effect: NonNegativeFloat | None = optional_key(
        "Variance of the half-win rate, divided by the variance that the same number of independent questions would"
        " have; null with fewer than two document groups.",
        absent=EARLIER,
    )

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        where = f"{self.judge} on {self.candidate} against {self.baseline}"
        require(
            self.n == self.wins + self.losses + self.ties + self.unparsable,
            f"n {self.n} of {where} is not wins {self.wins} + losses {self.losses} + ties {self.ties}"
            f" + unparsable {self.unparsable}",
        )
        require(
            self.preference == preference(self.wins, self.losses),
            f"preference {self.preference} of {where} is not wins {self.wins} / decided {self.wins + self.losses}",
        )
        return self


class AnswerEndingsSchema(Section):
    """The answers of one arm by how they ended. ``answers`` is the sum of the other counts."""

    answers: NonNegativeInt = Field(description="Number of answers of the arm.")
    complete: NonNegativeInt = Field(description="Number of answers that the model completed.")
    truncated: NonNegativeInt = Field(description="Number of answers that were cut at a maximum number of tokens.")
    filtered: NonNegativeInt = Field(description="Number of answers that a content filter or a guardrail stopped.")
    malformed: NonNegativeInt = Field(description="Number of answers that Bedrock could not read.")
    interrupted: NonNegativeInt = Field(
        description="Number of answers that ended early to wait for a tool or another request."
    )
    empty: NonNegativeInt = Field(description="Number of complete answers without visible text.")
    unknown: NonNegativeInt = Field(description="Number of answers with an unknown stop reason.")
    unknown_stop_reasons: dict[str, NonNegativeInt] = Field(
        default={}, description="Number of answers by unknown stop reason, as Bedrock returned it."
    )

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        incomplete = self.truncated + self.filtered + self.malformed + self.interrupted + self.empty + self.unknown
        require(
            self.answers == self.complete + incomplete,
            f"answers {self.answers} is not complete {self.complete} + incomplete {incomplete}",
        )
        return self


class AgreementSchema(Section):
    """How well two raters agree on the items that both rated. An item is a question with the answers of two arms."""

    first: str = Field(description="Key of a judge in models.yaml, or `<labeler> (person)`.")
    second: str = Field(description="The other rater. Judges come before people.")
    n: NonNegativeInt = Field(description="Number of items that both raters rated.")
    clusters: NonNegativeInt | None = Field(
        default=None, description="Number of document groups of these items; null in reports of earlier versions."
    )
    observed: Share | None = Field(description="Share of items with equal verdicts; null if there are no items.")
    kappa: FiniteFloat | None = Field(
        description="Cohen's kappa, from -1 to 1; null if there are no items, or if all verdicts are the same."
    )
    kappa_ci95: Interval | None = Field(description="95 % interval of `kappa`; null if the interval is not defined.")


class LabelCountsSchema(Section):
    """Counts of the stored labels from people: labels that are used, and labels that are not."""

    counted: NonNegativeInt = Field(description="Number of labels for answers that the run still has.")
    changed: NonNegativeInt = Field(
        description="Number of labels for answers that the run no longer has. These labels are not used."
    )
    unmarked: NonNegativeInt = Field(
        description="Number of labels without a hash of the answers, stored by an earlier version. These labels are not"
        " used."
    )


class DecisionSchema(Section):
    """The decision of the promotion rule on one candidate."""

    candidate: str = Field(description="Arm that may be promoted.")
    champion: str = Field(description="Arm that the candidate would replace.")
    promoted: StrictBool = Field(description="Whether all conditions of the rule are met.")
    reasons: list[str] = Field(
        description="The conditions that are not met. If all conditions are met, the measured values that meet them."
    )
    lower_bound: FiniteFloat | None = optional_key(
        "The smallest 97.5 % lower bound of the judges' half-win rates; null if no judge has a lower bound.",
        absent=EARLIER,
    )
    false_promotions_a_year: NonNegativeFloat = optional_key(
        "Upper limit for the expected number of false promotions a year, from this candidate alone.",
        absent=EARLIER,
        default=0.0,
    )


class PromotionSchema(Section):
    """The promotion rule and its decisions."""

    rule: str = Field(description="The rule in words, fixed before the run.")
    false_promotions_a_year: NonNegativeFloat = Field(
        description="Upper limit for the expected number of false promotions a year, from all candidates together."
    )
    decisions: list[DecisionSchema] = Field(
        description="One decision per candidate that was compared with the champion arm. If the use case has no"
        " champion arm, one decision per candidate that was compared with the first base arm, if possible one without"
        " an optimized prompt. Base arms are no candidates."
    )


class DisagreementSchema(Section):
    """A question on which judges or people disagree, with both answers."""

    row_id: str = Field(description="Id of the row with the question.")
    question: str = Field(description="The question.")
    candidate_answer: str = Field(description="Answer of the candidate.")
    baseline_answer: str = Field(description="Answer of the baseline.")
    by_judge: dict[str, str] = Field(description="Outcome by judge: `candidate`, `baseline`, `tie` or `unparsable`.")
    by_person: dict[str, str] = Field(default={}, description="Outcome by labeler: `candidate`, `baseline` or `tie`.")
    candidate: str = optional_key("Arm of `candidate_answer`.", absent=EARLIER, default="")
    baseline: str = optional_key("Arm of `baseline_answer`.", absent=EARLIER, default="")
