from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import cast

from include.distill.core.metrics import METRICS, Sample
from include.distill.cost.records import BudgetState
from include.distill.curation.records import CurateManifest
from include.distill.dataset.records import SourceCounts
from include.distill.history.records import HistoryEntry, JudgedRate
from include.distill.report.run_metrics import (
    budget_samples,
    endpoint_samples,
    entry_samples,
    estimate_samples,
    pair_samples,
    promotion_samples,
    purchase_samples,
    row_samples,
    run_samples,
)
from tests.distill.history.test_months import NOVEMBER, entry

ROWS: SourceCounts = {
    "rows": 10,
    "accepted": 7,
    "rejected": 3,
    "train": 5,
    "evaluation": 2,
    "reasons": {"duplicate": 2, "too_long": 1},
}
PAIRS = cast(CurateManifest, {"accepted": 6, "rejected": 3, "missing": 1, "dropped": {"leak": 2, "removed_filter": 1}})
REPORTED: HistoryEntry = {
    **entry("a", NOVEMBER, spent=3.5),
    "spent_by_kind": {"training": 3.0, "judges": 0.5},
    "candidate": "tuned",
    "baseline": "base",
    "judges": [
        {"judge": "nova-pro", "half_win_rate": 0.6, "half_win_ci95": [0.5, 0.7], "questions": 9},
        {"judge": "mistral", "half_win_rate": 0.55, "half_win_ci95": None, "questions": 2},
        {"judge": "haiku", "half_win_rate": None, "half_win_ci95": None, "questions": 0},
    ],
}
BUDGET: BudgetState = {
    "kind": "owner",
    "month": "2026-11",
    "month_usd": 200.0,
    "spent_usd": 50.0,
    "standing_usd": 0.0,
    "reserved_usd": 2.5,
    "left_usd": 147.5,
    "share": 0.2625,
    "expected_usd": 1.0,
    "is_warning": False,
}
STARTED = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)


def figures(samples: Iterable[Sample]) -> dict[str, dict[str, float]]:
    """Return the values by metric and by the values of the tags, without the use case."""
    found: dict[str, dict[str, float]] = {}
    for sample in samples:
        assert sample.tags["use_case"] == "faq"
        key = " ".join(value for tag, value in sample.tags.items() if tag != "use_case")
        assert key not in found.get(sample.metric.name, {})
        found.setdefault(sample.metric.name, {})[key] = sample.value
    return found


def test_rows_have_a_side_or_a_reason_and_other_reasons_become_zero() -> None:
    sent = figures(row_samples("faq", ROWS))
    assert sent["distill.rows"] == {"training": 5, "evaluation": 2, "rejected": 3}
    reasons = sent["distill.rows_rejected"]
    assert (reasons["duplicate"], reasons["too_long"], reasons["placeholder"]) == (2, 1, 0)
    assert sum(reasons.values()) == ROWS["rejected"]


def test_pairs_have_a_result_or_a_filter_and_other_filters_become_zero() -> None:
    sent = figures(pair_samples("faq", PAIRS, ["leak", "length"]))
    assert sent["distill.pairs"] == {"accepted": 6, "rejected": 3, "missing": 1}
    assert sent["distill.pairs_dropped"] == {"leak": 2, "length": 0, "removed_filter": 1}


def test_a_run_without_a_bill_and_results_has_no_figures() -> None:
    assert figures(entry_samples(entry("a", NOVEMBER))) == {}


def test_a_bill_has_every_kind_so_that_yesterdays_costs_do_not_stay() -> None:
    costs = figures(entry_samples(REPORTED))["distill.cost_usd"]
    assert (costs["training"], costs["judges"], costs["endpoints"]) == (3.0, 0.5, 0.0)


def test_each_judge_has_its_rate_and_bounds_that_are_not_known_are_absent() -> None:
    sent = figures(entry_samples(REPORTED))
    assert sent["distill.half_win_rate"] == {"nova-pro tuned base": 0.6, "mistral tuned base": 0.55}
    assert sent["distill.half_win_low"] == {"nova-pro tuned base": 0.5}
    assert sent["distill.half_win_high"] == {"nova-pro tuned base": 0.7}


def test_drift_is_one_for_the_flagged_measure_and_zero_for_the_others() -> None:
    flagged: HistoryEntry = {
        **REPORTED,
        "drift": [{"measure": "usd_per_pair", "value": 2.0, "expected": 1.0, "low": 0.8, "high": 1.2, "runs": 14}],
    }
    drift = figures(entry_samples(flagged))["distill.drift"]
    assert drift["usd_per_pair"] == 1
    assert sum(drift.values()) == 1
    assert "half_win_rate" in drift
    assert "distill.drift" not in figures(entry_samples(REPORTED))  # no check, so it is not known


def test_a_run_is_counted_with_its_duration_and_state() -> None:
    started = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    for succeeded, state in ((True, "succeeded"), (False, "failed")):
        sent = figures(run_samples("faq", succeeded=succeeded, started=started))
        assert sent["distill.runs"] == {state: 1}
        assert 300 <= sent["distill.run_seconds"][state] < 360


def test_reserved_dollars_of_a_budget_are_used_too() -> None:
    assert figures(budget_samples("faq", [BUDGET])) == {
        "distill.budget_usd": {"owner": 200.0},
        "distill.budget_used_usd": {"owner": 52.5},
    }


def test_endpoint_hours_become_seconds() -> None:
    sent = figures(endpoint_samples("faq", "tuned", {"released": [], "unit_hours": 1.5}))
    assert sent == {"distill.endpoint_seconds": {"tuned": 5400}}


def test_every_sample_has_exactly_the_documented_tags_and_every_metric_has_a_source() -> None:
    rates: list[JudgedRate] = REPORTED["judges"]
    samples = [
        *estimate_samples("faq", {"estimated_usd": 2.0, "max_spend_usd": 9.0, "estimate_uri": "s3://b/e"}),
        *budget_samples("faq", [BUDGET]),
        *row_samples("faq", ROWS),
        *pair_samples("faq", PAIRS, []),
        *endpoint_samples("faq", "tuned", {"released": [], "unit_hours": 1.0}),
        *purchase_samples("faq", "training job", 1),
        *promotion_samples("faq"),
        *entry_samples({**REPORTED, "judges": rates, "drift": []}),
        *run_samples("faq", succeeded=True, started=STARTED),
    ]
    assert {(sample.metric.name, tuple(sample.tags)) for sample in samples} == {
        (metric.name, metric.tags) for metric in METRICS if "model" not in metric.tags
    }
