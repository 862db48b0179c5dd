"""
Define the cost records.

They are the estimate, the prices, the note that the critic's budget is used up, and the releases of throughputs.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.core.records import BillLineRecord, BudgetKind

# How an arm's model is served: by a deployment (billed by the token) or provisioned throughput (billed by the hour).
ChosenMode = Literal["on_demand", "provisioned"]
# Prices of a model in ``include/prices.yaml``, in US dollars.
PriceName = Literal[
    "input_per_million",  # per million tokens, on demand
    "output_per_million",
    "training_per_thousand",  # per thousand tokens; each epoch bills all tokens of the training file again
    "throughput_per_hour",  # per model unit, without a commitment
    "custom_input_per_million",  # per million tokens of a fine-tuned model that is deployed on demand
    "custom_output_per_million",
]


BoughtJobKind = Literal["training", "evaluation", "optimization"]


class EstimatedLines(TypedDict):
    """The lines of an estimate and their sum, which the report compares with the bill."""

    lines: list[BillLineRecord]
    estimated_usd: float  # sum of the lines


class BudgetEstimate(EstimatedLines):
    """
    The part of an estimate that is used to split budgets among tasks. All amounts are in US dollars.

    The record is part of :class:`CostEstimate`. In a DAG without the task ``estimate``, the record is computed for the
    critic only.
    """

    # all model calls, estimated from characters; absent in a DAG without the task ``estimate``
    by_characters_usd: NotRequired[float]
    critic_by_characters_usd: (
        float  # the critic's calls, not corrected with CountTokens, as if there were no critic budget
    )


class BoughtJobRecord(TypedDict):
    """
    A job that a run bought or was about to buy.

    The record is stored in ``bought_jobs/<job name>.json`` of the run's folder, before the job is bought.
    """

    job_name: str
    kind: BoughtJobKind
    lines: list[BillLineRecord]  # the bill lines of the whole job


class RepeatedPurchase(TypedDict):
    """Something that an earlier run bought and this run buys again; an entry in ``bought_again`` of the estimate."""

    what: str  # the step, and the arm if the step belongs to one
    count: int  # calls to models, or jobs
    usd: float  # its price in the estimate
    certain: bool  # whether it is certain that the run buys it again; False, for example, if only the version changed
    reasons: list[str]


class ServingOption(TypedDict):
    """
    One way to serve an arm's model, with its estimated cost and time; an entry in ``options`` of a choice.

    Cost and time are ``None`` if this way is not possible.
    """

    mode: ChosenMode
    possible: bool
    why_not: str | None  # None if it is possible
    usd: float | None  # US dollars for all answers of the arm
    minutes: float | None  # from the request for the endpoint to the last answer; also None if the quota is unknown
    usd_per_hour: float | None  # None if it is billed by the token


class ServingChoice(TypedDict):
    """How an arm's model is served, why, and what each way would cost; an entry in ``serving`` of the estimate."""

    mode: ChosenMode
    reason: str
    options: list[ServingOption]


class ServingEstimate(TypedDict):
    """The part of an estimate that says how each arm is served. The record is part of :class:`CostEstimate`."""

    # Absent from estimates of earlier versions, whose runs buy provisioned throughput.
    serving: NotRequired[dict[str, ServingChoice]]


class PairsEstimate(TypedDict):
    """The part of an estimate about the price of each arm's pairs. The record is part of :class:`CostEstimate`."""

    # US dollars for the calls of the teacher and the critic that the arm's pairs need, by trained arm. Arms may share
    # calls. Absent from estimates of earlier versions.
    pairs_usd: NotRequired[dict[str, float]]


class CostEstimate(BudgetEstimate, ServingEstimate, PairsEstimate):
    """The estimated cost of a run, computed before anything is bought. The record is stored in ``estimate.json``."""

    tokens: dict[str, str]  # how tokens were counted, by step or judge
    calls: dict[str, int]  # expected calls, by step, arm or judge
    prices: dict[str, str]  # source of the prices, by model
    # What an earlier run already bought; absent from estimates of versions before 0.2.0.
    bought_again: NotRequired[list[RepeatedPurchase]]
    # Hashes of the settings and prompts that affect purchases, by key; absent from estimates of versions before 0.2.0.
    fingerprints: NotRequired[dict[str, str]]
    # The part of the estimate for results that are expected to be stored already. Absent from estimates of versions
    # before 0.2.0.
    stored_usd: NotRequired[float]
    # What distillation jobs and prompt optimization jobs may cost beyond the estimate, in sentences; absent from
    # estimates of versions before 0.2.0.
    distillation_notes: NotRequired[list[str]]
    optimization_notes: NotRequired[list[str]]


class ReportedEstimate(EstimatedLines, ServingEstimate):
    """The parts of an estimate that the report shows. The record is part of :class:`CostEstimate`."""


class BudgetState(TypedDict):
    """
    How much of a monthly budget is used, in US dollars. The record is passed through XCom only.

    ``month_usd = spent_usd + reserved_usd + left_usd``.
    """

    kind: BudgetKind
    month: str  # in UTC, such as 2026-11
    month_usd: float  # the budget
    spent_usd: float  # the bills of the month's runs, and the hours of standing endpoints until now
    standing_usd: float  # the part of spent_usd for standing endpoints
    reserved_usd: float  # what the runs in progress, without this one, are expected to pay
    left_usd: float  # negative if more than the budget is used
    share: float  # the part of the budget that is spent or reserved; above 1 if the budget is exceeded
    expected_usd: float  # what this run is expected to pay; 0 outside of a run
    is_warning: bool  # whether this run is the first of the month to use up most of the budget


class EstimateManifest(TypedDict):
    """Result of the task ``estimate``, in US dollars. The record is passed through XCom only."""

    estimated_usd: float
    max_spend_usd: float
    estimate_uri: str
    budget: NotRequired[list[BudgetState]]  # absent if no monthly budget applies


class SpendingEstimate(EstimatedLines):
    """The part of an estimate that decides whether a person must approve the run. All amounts are in US dollars."""

    stored_usd: NotRequired[float]  # absent from estimates of versions before 0.2.0
    serving: NotRequired[dict[str, ServingChoice]]  # by arm; absent from estimates of earlier versions
    distillation_notes: NotRequired[list[str]]
    optimization_notes: NotRequired[list[str]]


class HourlyPurchase(TypedDict):
    """
    An endpoint that is billed by the hour. It exists from its purchase until the arm has answered.

    The record is not stored.
    """

    arm: str
    usd_per_hour: float  # US dollars for all model units
    hours: float  # the time that the estimate assumes


class SpendingApproval(TypedDict):
    """
    A person's decision on whether a run may buy what it estimated. All amounts are in US dollars.

    The record is stored in ``spending_approval.json``. A later decision replaces it. If nobody decides in time, the
    record says so.
    """

    asked: str  # hash of the figures in the question
    estimated_usd: float
    to_pay_usd: float  # the estimate without results that were expected to be stored already
    usd_per_hour: float  # highest total price per hour of the endpoints that can exist at the same time
    decision: Literal["approved", "rejected", "unanswered"]
    user_id: str | None  # id of the Airflow user who answered; None if nobody answered in time
    user_name: str | None
    answered_at: str  # ISO 8601, UTC; if nobody answered, the time at which the question expired


class CriticBudgetEnd(TypedDict):
    """
    A note that a task has used up its share of the critic's budget.

    The record is stored in ``synthetic/critic-ended-<shard>.json``.
    """

    part_usd: float  # the task's share of the budget, in US dollars


class ReleasedThroughput(TypedDict):
    """
    One provisioned throughput that is about to be released.

    The record is an entry in ``found`` of :class:`ThroughputRelease`.
    """

    name: str
    created: str  # ISO 8601
    units: int  # number of model units
    failed: NotRequired[bool]  # True if Bedrock reported the throughput as Failed; otherwise absent


class ThroughputRelease(TypedDict):
    """
    The endpoints that a task ``release`` or ``undeploy`` deletes, and the time of the deletion.

    The bill is computed from this record.

    The record is written before the endpoints are deleted, and is never changed. It is stored in
    ``serving/<arm>/released-s<ordinal>.json``.
    """

    released_at: str  # ISO 8601, UTC
    found: list[ReleasedThroughput]
    deployments: NotRequired[list[str]]  # names of the deployments, not billed by the hour; absent without deployments


class ReleaseManifest(TypedDict):
    """Result of an arm's task ``release`` or ``undeploy``. The record is passed through XCom only."""

    released: list[str]  # names of the endpoints that this attempt deleted
    unit_hours: float  # model-unit hours of the arm, including throughputs released earlier
