"""Check the last lines of a clean-up's list: totals, costs and the next step."""

from __future__ import annotations

import datetime

from include.distill.cleanup.plan import CleanUpPlan, ListedEndpoint, PlanItem, ResourceKind
from include.distill.cleanup.summary import plan_summary, totals

CREATED = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)


def throughput(use_case: str, units: int = 1) -> PlanItem:
    tags = {"use-case": use_case}
    listed = ListedEndpoint("pt", "arn", CREATED, tags, None, model_arn="m", units=units)
    return PlanItem(ResourceKind.THROUGHPUT, "pt", endpoint=listed)


MODEL = PlanItem(ResourceKind.CUSTOM_MODEL, "m")
RUN = PlanItem(ResourceKind.RUN, "s3://train/run", uris=("s3://train/run/a",))
KEPT = PlanItem(ResourceKind.RUN, "s3://train/other", keep_reason="not ours")


def summary(*items: PlanItem, dry_run: bool = True) -> list[str]:
    prices = {"docs": 60.5}
    return plan_summary([CleanUpPlan(items)], dry_run=dry_run, usd_per_unit_hour=prices, usd_per_model_month=1.95)


def test_a_dry_run_ends_with_totals_costs_and_the_next_step() -> None:
    assert summary(throughput("docs", 2), MODEL, MODEL, RUN, KEPT) == [
        "To delete: throughput 1, custom model 2, run 1. To keep: run 1.",
        "The throughput to delete costs about $121.00 per hour, $88,330.00 per month.",
        "Storing the models to delete costs about $3.90 per month.",
        "Every month, S3 bills the objects to delete by their size.",
        "Dry run: nothing was deleted. To delete what is marked DELETE, trigger distill_clean_up again with the same"
        " choices, but without 'Dry run' (dry_run).",
    ]


def test_a_real_run_promises_no_dry_run() -> None:
    assert "Dry run" not in " ".join(summary(RUN, dry_run=False))


def test_if_nothing_is_deleted_the_reasons_are_pointed_out() -> None:
    first, last = summary(KEPT)
    assert first == "To delete: nothing. To keep: run 1."
    assert last.startswith("Nothing is deleted. Each KEEP line gives the reason")


def test_throughput_without_a_known_price_is_counted() -> None:
    line = summary(throughput("docs"), throughput("gone"))[1]
    assert line.endswith("$60.50 per hour, $44,165.00 per month, not counting 1 whose price is unknown.")


def test_totals_are_in_the_order_of_deletion() -> None:
    assert totals({"bucket": 1, "throughput": 2, "run": 0}) == "throughput 2, bucket 1"
