"""Records of cost: the estimate, the price table, the critic's spent budget, and released throughput."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.core.records import BillLineRecord

# Prices of a model in ``include/prices.yaml``.
PriceName = Literal["input_per_million", "output_per_million", "training_per_thousand", "throughput_per_hour"]


class ModelPrices(TypedDict, total=False):
    """Prices of one model in US dollars, from ``include/prices.yaml``. A price that is not known is absent."""

    input_per_million: float  # tokens, on demand
    output_per_million: float
    training_per_thousand: float  # tokens of the training file times epochs
    throughput_per_hour: float  # one model unit, no commitment
    source: str


class BudgetEstimate(TypedDict):
    """
    The part of an estimate by which budgets are split among tasks, in US dollars. Part of :class:`CostEstimate`.

    A run without a cost gate computes it for the critic alone.
    """

    lines: list[BillLineRecord]
    estimated_usd: float  # sum of the lines
    by_characters_usd: NotRequired[float]  # of all questions, from characters; absent without a cost gate
    critic_by_characters_usd: float  # of the critic's questions, from characters and without its budget


class CostEstimate(BudgetEstimate):
    """The cost that a run may have, known before anything is bought. Stored in ``estimate.json``."""

    tokens: dict[str, str]  # how tokens were counted, by step or judge
    calls: dict[str, int]  # expected calls, by step, arm or judge
    prices: dict[str, str]  # where prices come from, by model


class EstimateManifest(TypedDict):
    """Result of ``estimate``, in US dollars. Passed by XCom only."""

    estimated_usd: float
    max_spend_usd: float
    estimate_uri: str


class CriticBudgetEnd(TypedDict):
    """Note that the critic's budget ended for one shard. Stored in ``synthetic/critic-ended-<shard>.json``."""

    part_usd: float  # the task's share of the budget, in US dollars


class ReleasedThroughput(TypedDict):
    """One provisioned throughput that is about to be released. ``found`` of :class:`ThroughputRelease`."""

    name: str
    created: str  # ISO 8601
    units: int  # model units


class ThroughputRelease(TypedDict):
    """
    Written before throughput is deleted, and never changed: the bill counts hours from it.

    Stored in ``serving/<arm>/released-s<ordinal>.json``.
    """

    released_at: str  # ISO 8601, UTC
    found: list[ReleasedThroughput]


class ReleaseManifest(TypedDict):
    """Result of an arm's ``release``. Passed by XCom only."""

    released: list[str]  # names of the throughputs that this try released
    unit_hours: float  # model-unit hours of the whole run, also those released earlier
