from __future__ import annotations

import dataclasses

from include.distill.cleanup.plan import CleanUpPlan, PlanItem, ResourceKind, count_by_kind
from include.distill.cleanup.summary import plan_table

ITEMS = (
    PlanItem(ResourceKind.THROUGHPUT, "pt-1", "1 units"),
    PlanItem(ResourceKind.THROUGHPUT, "pt-2", keep_reason="not ours"),
    PlanItem(ResourceKind.RUN, "s3://train/run", "4 objects"),
)


def test_a_plan_lists_deleted_items_first_and_then_kept_items_with_the_reason() -> None:
    assert plan_table(CleanUpPlan((ITEMS[1], ITEMS[0]))) == [
        "DELETE  throughput         pt-1  1 units",
        "KEEP    throughput         pt-2   -- not ours",
    ]


def test_records_are_deleted_with_their_bucket_and_are_kept_if_it_is_kept() -> None:
    records = PlanItem(ResourceKind.RECORDS, "s3://train/distill/latest", "1 object", keep_reason="with its bucket")
    other = PlanItem(ResourceKind.OTHER, "s3://train/distill/champions", keep_reason="by hand")
    bucket = PlanItem(ResourceKind.BUCKET, "train")
    made = CleanUpPlan((records, other, bucket))
    assert (made.with_buckets, made.to_keep) == ([records], [other])
    assert plan_table(made)[1] == (
        "DELETE  records            s3://train/distill/latest  1 object -- together with its bucket"
    )
    kept = CleanUpPlan((records, other, dataclasses.replace(bucket, keep_reason="its name was not entered")))
    assert (kept.with_buckets, len(kept.to_keep)) == ([], 3)


def test_items_of_a_plan_are_selected_and_counted_by_kind() -> None:
    made = CleanUpPlan(ITEMS)
    assert made.deletions(ResourceKind.THROUGHPUT) == [ITEMS[0]]
    assert (made.to_delete, made.to_keep) == ([ITEMS[0], ITEMS[2]], [ITEMS[1]])
    assert count_by_kind(made.items) == {"throughput": 2, "run": 1}
