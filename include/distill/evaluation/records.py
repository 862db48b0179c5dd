"""Define the records of the evaluation: answers, verdicts, comparisons, promotion and the champion."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.inference.records import UsageRecord

# The arm whose answer comes first in a judge's prompt, as answer A.
Order = Literal["candidate_first", "baseline_first"]
# The verdict in a judge's output.
Letter = Literal["A", "B", "TIE"]
# The arm that a judge chose, translated from the letter.
Outcome = Literal["candidate", "baseline", "tie", "unparsable"]
# The result of a comparison; see ``finding`` in ``comparisons``.
Finding = Literal["candidate", "baseline", "unclear", "too_few", "unreadable"]


class Answer(TypedDict):
    """One arm's answer to one evaluation row. The record is stored in ``answers/<arm>/<shard>.jsonl``."""

    row_id: str
    arm: str
    question: str
    answer: str
    stop_reason: NotRequired[str | None]  # as Bedrock returned it; absent from answers of earlier versions
    second_answer: NotRequired[str]  # present only for the arm of the noise control


class AnswerEndings(TypedDict):
    """
    Counts of one arm's answers, one for each way in which an answer can end.

    ``answers`` is the number of all answers: the sum of the counts from ``complete`` to ``unknown``.

    The record is an entry in ``answer_endings`` of ``report/report.json``. An answer that is not ``complete`` is
    incomplete.
    """

    answers: int
    complete: int
    truncated: int  # cut at the maximum number of tokens, or at the end of the context window
    filtered: int  # stopped by a content filter or a guardrail, or refused by the provider's safety system
    malformed: int  # Bedrock could not read the model's output
    interrupted: int  # the model waited for a tool or another request
    empty: int  # complete, but without visible text
    unknown: int  # the stop reason is not in include/distill/inference/answer_endings.py
    unknown_stop_reasons: dict[str, int]  # as Bedrock returned them


class AnswerManifest(UsageRecord):
    """Result of the task ``answer`` for one arm and one shard. The record is passed through XCom only."""

    arm: str
    rows: int


class Verdict(TypedDict):
    """
    One judge's verdict on one evaluation row in one order.

    The record is stored in ``judgments/<judge>/<candidate>--<baseline>/verdicts.jsonl``, which has two records
    per row.
    """

    row_id: str
    judge: str  # key of the model in models.yaml
    candidate: str  # arm
    baseline: str  # arm, or ``<candidate>-again`` for the noise control
    order: Order
    candidate_characters: NotRequired[int]  # length of the answer; absent from verdicts of earlier versions
    baseline_characters: NotRequired[int]
    verdict: Outcome
    same: NotRequired[bool]  # True if both answers are equal, so the judge was not called; absent in earlier versions
    raw: str  # the judge's last output; empty if the judge was not called


class JudgeManifest(UsageRecord):
    """Result of the task in which one judge compares one pair of arms. The record is passed through XCom only."""

    judge: str
    candidate: str
    baseline: str
    verdicts_uri: str
    verdicts: int  # two per row


class Tally(TypedDict):
    """The numbers of questions and the rates of one comparison. ``n = wins + losses + ties + unparsable``."""

    n: int
    wins: int
    losses: int
    ties: int
    unparsable: int
    same: int  # questions that are ties because both answers are equal
    flip_rate: float | None  # this and the next two are shares from 0 to 1; None if the denominator is 0
    first_position_rate: float | None
    longer_wins_rate: float | None


class GroupCounts(TypedDict):
    """Numbers of document groups in one comparison. The record is part of :class:`ComparisonFigures`."""

    clusters: int  # groups with a parsed verdict
    decisive_clusters: int  # groups with a decided question
    clusters_won: int
    clusters_lost: int
    largest_cluster_share: float | None  # the largest group's share of all questions with a parsed verdict


class ComparisonPower(TypedDict):
    """
    How small a difference a comparison can detect. Both values are ``None`` with fewer than two document groups.

    The record is part of :class:`ComparisonFigures`.
    """

    design_effect: float | None  # variance, divided by the variance for the same number of independent questions
    minimum_detectable_difference: float | None  # smallest distance from 0.5 that 4 of 5 runs detect


class ComparisonFigures(Tally, GroupCounts, ComparisonPower):
    """The figures of one judge on one pair of arms, without the finding. Rates and bounds are from 0 to 1."""

    judge: str
    candidate: str
    baseline: str
    preference: float | None  # wins / (wins + losses)
    preference_ci95: list[float] | None  # lower and upper bound
    half_win_rate: float | None  # mean of 1 for a win, 1/2 for a tie, 0 for a loss
    half_win_ci95: list[float] | None
    p_value: float  # sign test over document groups
    p_value_holm: float  # corrected over all comparisons of the report
    max_unparsable_share: float  # with a larger share of unparsable questions, the finding is "unreadable"


class ComparisonResult(ComparisonFigures):
    """
    The figures of one judge on one pair of arms, with the finding.

    The record is an entry in ``comparisons`` or ``noise_control`` of ``report/report.json``.
    """

    finding: Finding


class Disagreement(TypedDict):
    """A question on which judges or people disagree. The record is part of :class:`ReportDisagreement`."""

    row_id: str
    candidate: str
    baseline: str
    by_judge: dict[str, Outcome]
    by_person: dict[str, Outcome]  # never "unparsable"


class DecisionRecord(TypedDict):
    """
    The promotion rule's decision on one candidate.

    The record is an entry in ``decisions`` of :class:`PromotionRecord`.
    """

    candidate: str  # arm
    champion: str  # arm that the candidate would replace
    promoted: bool
    reasons: list[str]  # conditions that are not met, or the figures that meet all conditions
    lower_bound: float | None  # smallest 97.5 % lower bound of the half-win rates of all judges
    false_promotions_a_year: float  # upper limit


class PromotionRecord(TypedDict):
    """
    The promotion rule in words, and its decisions.

    The record is stored as ``promotion`` in ``report/report.json``.
    """

    rule: str
    false_promotions_a_year: float  # upper limit for all candidates of a run together
    decisions: list[DecisionRecord]


# How the standing endpoint serves the champion.
StandingKind = Literal["on_demand", "provisioned"]
# What changed the champion or the standing endpoint last.
ChangeKind = Literal["promotion", "rollback"]


class ApprovedPrice(TypedDict):
    """The price per hour that a person approved for a standing endpoint, for all its model units together."""

    usd_per_hour: float
    by: str  # the Airflow user
    at: str  # ISO 8601, UTC


class StandingEndpoint(TypedDict):
    """
    The endpoint that serves a use case's champion to applications. Its ARN stays the same when the champion changes.

    The record is part of :class:`ChampionRecord`.
    """

    kind: StandingKind
    name: str
    arn: str
    region: str
    created: str  # ISO 8601
    units: int | None  # model units; None for a deployment
    approved_price: ApprovedPrice | None  # None for a deployment


class Withdrawn(TypedDict):
    """
    A model that a person rolled back from, so that the rule does not promote it again.

    The record is part of :class:`ChampionRecord`.
    """

    model_arn: str
    at: str  # ISO 8601, UTC
    by: str | None  # the Airflow user; None if Airflow did not name one
    run_key: str  # run key of the rollback


class ChangeMark(TypedDict):
    """The promotion or rollback that wrote a champion's record. The record is part of :class:`ChampionRecord`."""

    kind: ChangeKind
    dag_id: str
    run_id: str
    run_key: str
    at: str  # ISO 8601, UTC
    by: str | None  # person who approved the change; None if nobody was asked


class ChampionRecord(TypedDict):
    """
    The promoted model of a use case. The record is stored in ``<prefix>/champions/<use case>.json``, which other
    systems may read.

    ``Champion`` is the validated form of the same record. The optional keys are absent as long as the use case has no
    standing endpoint and nobody has rolled back.
    """

    use_case: str
    model_arn: str
    student: str  # key of the base model in models.yaml
    arm: str
    run_key: str
    dag_id: str
    run_id: str
    verdict: str
    promoted_at: str  # ISO 8601, UTC
    simulated: bool
    report_uri: str
    approved_by: str | None  # person who approved the promotion; None if the use case does not require approval
    previous: ChampionRecord | None  # the champion that this one replaced, with ``previous`` set to None
    endpoint: NotRequired[StandingEndpoint | None]  # None if a person deleted the endpoint
    history: NotRequired[list[ChampionRecord]]  # earlier champions, newest first; the first one is ``previous``
    withdrawn: NotRequired[list[Withdrawn]]  # newest first
    revision: NotRequired[int]  # increases with every write since the first standing endpoint or rollback
    changed_by: NotRequired[ChangeMark | None]


class ChampionSnapshot(TypedDict):
    """The champion at the start of the run. The record is stored in ``champion.json`` of the run's folder."""

    champion: ChampionRecord | None


class ChampionEvent(TypedDict):
    """The ``extra`` of the champion asset's event, for DAGs that are scheduled on the asset."""

    model_arn: str
    verdict: str
    run_key: str
    simulated: bool
    champion_uri: str
    endpoint_arn: NotRequired[str]  # absent without a standing endpoint
    restored: NotRequired[bool]  # True if a rollback made the model the champion again; otherwise absent


class PromotionManifest(TypedDict):
    """Result of ``promote``. The record is passed through XCom only."""

    champion_uri: str
    model_arn: str
    arm: str
    previous_model_arn: str | None
    simulated: bool
    endpoint_arn: NotRequired[str]  # this and the next key are absent without a standing endpoint
    endpoint_kind: NotRequired[StandingKind]


class DeletedModelsManifest(TypedDict):
    """Result of ``delete_losers``: the arms whose models were deleted or kept. It is passed through XCom only."""

    deleted: list[str]  # arms whose models no longer exist, including models deleted earlier
    left: list[str]  # arms whose models were kept
