"""Define the models of ``report.json`` for what judges and people said: comparisons, agreement, labels, promotion."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, StrictBool, model_validator

from include.distill.evaluation.comparisons import preference
from include.distill.evaluation.records import Finding
from include.distill.report.schema_base import Interval, Section, Share, optional_key, require

EARLIER = "from reports of earlier versions"


class ComparisonSchema(Section):
    """
    The figures of one judge on one pair of arms. Counts are in questions, rates and bounds from 0 to 1.

    ``n = wins + losses + ties + unparsable``, and ``preference = wins / (wins + losses)``.
    """

    judge: str = Field(description="Key of the judge in models.yaml.")
    candidate: str = Field(description="Arm that should be better.")
    baseline: str = Field(description="Arm that it is compared with; `<candidate>-again` in the noise control.")
    n: NonNegativeInt = Field(description="Judged questions.")
    wins: NonNegativeInt = Field(description="Questions on which both orders named the candidate.")
    losses: NonNegativeInt = Field(description="Questions on which both orders named the baseline.")
    ties: NonNegativeInt = Field(description="Questions on which the two orders named no common winner.")
    unparsable: NonNegativeInt = Field(description="Questions with a verdict that could not be read.")
    clusters: NonNegativeInt = Field(description="Document groups with a parsed question.")
    preference: Share | None = Field(description="wins / (wins + losses); null when nothing was decided.")
    preference_ci95: Interval | None = Field(description="95 % interval of `preference` over document groups.")
    half_win_rate: Share | None = Field(
        description="Mean of 1 for a win, 1/2 for a tie and 0 for a loss over the parsed questions; null without any."
    )
    half_win_ci95: Interval | None = Field(description="95 % interval of `half_win_rate` over document groups.")
    p_value: NonNegativeFloat = Field(description="Exact two-sided sign test with one sign per document group.")
    p_value_holm: NonNegativeFloat = Field(description="`p_value` with Holm's correction over all `comparisons`.")
    flip_rate: Share | None = Field(
        description="Share of the questions asked with both orders parsed whose orders named different winners."
    )
    first_position_rate: Share | None = Field(
        description="Share of the single verdicts with a winner that chose the answer shown first; 0.5 without bias."
    )
    longer_wins_rate: Share | None = Field(
        description="Share of the decided questions with answers of different length that the longer answer won."
    )
    minimum_detectable_difference: Share | None = Field(
        description="Distance of the half-win rate from 0.5 that a run of this size detects four times out of five."
    )
    finding: Finding = Field(
        description="Arm that is better; `unclear` when it could be chance, `too_few` when the sample is too small,"
        " `unreadable` when too many verdicts could not be read."
    )
    same: NonNegativeInt = optional_key("Ties because both answers are equal.", absent=EARLIER, default=0)
    decisive_clusters: NonNegativeInt = optional_key(
        "Document groups with a decided question.", absent=EARLIER, default=0
    )
    clusters_won: NonNegativeInt = optional_key(
        "Document groups with more wins than losses.", absent=EARLIER, default=0
    )
    clusters_lost: NonNegativeInt = optional_key(
        "Document groups with more losses than wins.", absent=EARLIER, default=0
    )
    largest_cluster_share: Share | None = optional_key(
        "Share of the parsed questions that the largest document group holds; null without any.", absent=EARLIER
    )
    max_unparsable_share: Share | None = optional_key(
        "Share of unparsable questions above which the finding is `unreadable`.", absent=EARLIER
    )
    design_effect: NonNegativeFloat | None = optional_key(
        "Variance relative to that of independent questions; null with fewer than two document groups.", absent=EARLIER
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


class AgreementSchema(Section):
    """How far two raters agree on the items that both rated."""

    first: str = Field(description="Key of a judge in models.yaml, or `<labeler> (person)`.")
    second: str = Field(description="The other rater. Judges come before people.")
    n: NonNegativeInt = Field(description="Items that both rated.")
    clusters: NonNegativeInt | None = Field(
        default=None, description="Document groups of those items; null in reports of earlier versions."
    )
    observed: Share | None = Field(description="Share of equal verdicts; null without items.")
    kappa: FiniteFloat | None = Field(
        description="Cohen's kappa, from -1 to 1; null where chance alone gives full agreement."
    )
    kappa_ci95: Interval | None = Field(description="95 % interval of `kappa`; null where it is not defined.")


class LabelCountsSchema(Section):
    """How many stored labels of people are of this run's answers."""

    counted: NonNegativeInt = Field(description="Labels of the answers that the run has.")
    changed: NonNegativeInt = Field(description="Labels of answers that the run no longer has; not counted.")
    unmarked: NonNegativeInt = Field(
        description="Labels that do not say which answers they are of, stored by an earlier version; not counted."
    )


class DecisionSchema(Section):
    """What the promotion rule decides about one candidate."""

    candidate: str = Field(description="Arm that may be promoted.")
    champion: str = Field(description="Arm that it would replace.")
    promoted: StrictBool = Field(description="Whether all conditions of the rule are met.")
    reasons: list[str] = Field(description="Conditions that are not met; when all are met, the figures that meet them.")
    lower_bound: FiniteFloat | None = optional_key(
        "Smallest 97.5 % lower bound of any judge's half-win rate; null when no judge has one.", absent=EARLIER
    )
    false_promotions_a_year: NonNegativeFloat = optional_key(
        "Upper limit for this candidate.", absent=EARLIER, default=0.0
    )


class PromotionSchema(Section):
    """The promotion rule and its decisions."""

    rule: str = Field(description="The rule in words, fixed before the run.")
    false_promotions_a_year: NonNegativeFloat = Field(
        description="Upper limit over all candidates of a run, with the runs per year that the use case states."
    )
    decisions: list[DecisionSchema] = Field(
        description="One per candidate that was compared with the champion, or without one with the first base arm."
    )


class DisagreementSchema(Section):
    """A question on which judges or people disagree, with both answers."""

    row_id: str = Field(description="Row of the question.")
    question: str = Field(description="The question.")
    candidate_answer: str = Field(description="Answer of the candidate.")
    baseline_answer: str = Field(description="Answer of the baseline.")
    by_judge: dict[str, str] = Field(description="By judge: `candidate`, `baseline`, `tie` or `unparsable`.")
    by_person: dict[str, str] = Field(default={}, description="By labeler: `candidate`, `baseline` or `tie`.")
    candidate: str = optional_key("Arm of `candidate_answer`.", absent=EARLIER, default="")
    baseline: str = optional_key("Arm of `baseline_answer`.", absent=EARLIER, default="")
