"""
Define the metrics of the pipeline: their names, kinds, units and tags.

``docs/reference/metrics.md`` describes the same metrics; a test compares the page with :data:`METRICS`. Code that knows
a figure returns it as a :class:`Sample`, and ``bedrock_distill.run.metrics`` sends it through Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

# A gauge has the last value that was sent. A counter adds up the values that were sent.
MetricKind = Literal["gauge", "counter"]


@dataclass(frozen=True)
class Metric:
    """
    One metric.

    :ivar name: the name without the prefix that Airflow puts before it.
    :ivar tags: the names of its tags. Every sample has a value for each of them.
    :ivar meaning: what the value is, for the reference page.
    """

    name: str
    kind: MetricKind
    unit: str
    tags: tuple[str, ...]
    meaning: str


class Sample(NamedTuple):
    """One value of a metric, with the values of its tags."""

    metric: Metric
    value: float
    tags: Mapping[str, str]


_CALL = ("use_case", "step", "model")
_PAIR_OF_ARMS = ("use_case", "judge", "candidate", "baseline")

CALLS = Metric("distill.calls", "counter", "calls", _CALL, "calls that the model answered")
CALLS_REJECTED = Metric(
    "distill.calls_rejected", "counter", "calls", (*_CALL, "reason"), "calls without a usable answer"
)
ANSWERS_STORED = Metric(
    "distill.answers_stored", "counter", "answers", _CALL, "answers that were stored, so that no call was needed"
)
INPUT_TOKENS = Metric("distill.input_tokens", "counter", "tokens", _CALL, "tokens of the requests that were answered")
OUTPUT_TOKENS = Metric("distill.output_tokens", "counter", "tokens", _CALL, "tokens of the answers")
PURCHASES = Metric(
    "distill.purchases", "counter", "purchases", ("use_case", "kind"), "jobs and endpoints that were bought"
)
PROMOTIONS = Metric("distill.promotions", "counter", "promotions", ("use_case",), "new champions")
RUNS = Metric("distill.runs", "counter", "runs", ("use_case", "state"), "runs that have ended")

ESTIMATED_USD = Metric("distill.estimated_usd", "gauge", "US dollars", ("use_case",), "full price of the run")
SPEND_CAP_USD = Metric("distill.spend_cap_usd", "gauge", "US dollars", ("use_case",), "spend cap of the run")
BUDGET_USD = Metric("distill.budget_usd", "gauge", "US dollars", ("use_case", "kind"), "monthly budget")
BUDGET_USED_USD = Metric(
    "distill.budget_used_usd",
    "gauge",
    "US dollars",
    ("use_case", "kind"),
    "what is spent in the month or reserved for other runs in progress",
)
ROWS = Metric("distill.rows", "gauge", "rows", ("use_case", "part"), "rows of the input")
ROWS_REJECTED = Metric("distill.rows_rejected", "gauge", "rows", ("use_case", "reason"), "rejected rows by reason")
PAIRS = Metric("distill.pairs", "gauge", "pairs", ("use_case", "result"), "requested pairs, by what became of them")
PAIRS_DROPPED = Metric("distill.pairs_dropped", "gauge", "pairs", ("use_case", "filter"), "rejected pairs by filter")
COST_USD = Metric("distill.cost_usd", "gauge", "US dollars", ("use_case", "kind"), "bill of the run")
ENDPOINT_SECONDS = Metric(
    "distill.endpoint_seconds",
    "gauge",
    "seconds",
    ("use_case", "arm"),
    "time for which the run's provisioned throughput was billed, times its model units",
)
HALF_WIN_RATE = Metric(
    "distill.half_win_rate", "gauge", "0 to 1", _PAIR_OF_ARMS, "half-win rate on the pair of arms in the verdict"
)
HALF_WIN_LOW = Metric(
    "distill.half_win_low", "gauge", "0 to 1", _PAIR_OF_ARMS, "lower bound of the half-win rate's 95 % interval"
)
HALF_WIN_HIGH = Metric(
    "distill.half_win_high", "gauge", "0 to 1", _PAIR_OF_ARMS, "upper bound of the half-win rate's 95 % interval"
)
DRIFT = Metric(
    "distill.drift",
    "gauge",
    "0 or 1",
    ("use_case", "measure"),
    "1 if the measure differs from earlier runs beyond chance",
)
RUN_SECONDS = Metric(
    "distill.run_seconds", "gauge", "seconds", ("use_case", "state"), "time from the start of the run to its end"
)

METRICS: tuple[Metric, ...] = (
    CALLS,
    CALLS_REJECTED,
    ANSWERS_STORED,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    PURCHASES,
    PROMOTIONS,
    RUNS,
    ESTIMATED_USD,
    SPEND_CAP_USD,
    BUDGET_USD,
    BUDGET_USED_USD,
    ROWS,
    ROWS_REJECTED,
    PAIRS,
    PAIRS_DROPPED,
    COST_USD,
    ENDPOINT_SECONDS,
    HALF_WIN_RATE,
    HALF_WIN_LOW,
    HALF_WIN_HIGH,
    DRIFT,
    RUN_SECONDS,
)
