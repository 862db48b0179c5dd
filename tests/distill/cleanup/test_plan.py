from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.distill.cleanup.plan import (
    CleanUpChoice,
    CleanUpPlan,
    PlanItem,
    ResourceKind,
    count_by_kind,
    parse_clean_up_choice,
)
from include.distill.cleanup.summary import plan_table
from include.distill.core.errors import InputError

ITEMS = (
    PlanItem(ResourceKind.THROUGHPUT, "pt-1", "1 units"),
    PlanItem(ResourceKind.THROUGHPUT, "pt-2", keep_reason="not ours"),
    PlanItem(ResourceKind.RUN, "s3://train/run", "4 objects"),
)


def test_a_plan_lists_deleted_items_first_and_then_kept_items_with_the_reason() -> None:
    assert plan_table(CleanUpPlan((ITEMS[1], ITEMS[0]))) == [
        "DELETE  throughput        pt-1  1 units",
        "KEEP    throughput        pt-2   -- not ours",
    ]


def test_records_are_deleted_with_their_bucket_and_are_kept_if_it_is_kept() -> None:
    records = PlanItem(ResourceKind.RECORDS, "s3://train/distill/latest", "1 object", keep_reason="with its bucket")
    other = PlanItem(ResourceKind.OTHER, "s3://train/distill/champions", keep_reason="by hand")
    bucket = PlanItem(ResourceKind.BUCKET, "train")
    made = CleanUpPlan((records, other, bucket))
    assert (made.with_buckets, made.to_keep) == ([records], [other])
    assert plan_table(made)[1] == (
        "DELETE  records           s3://train/distill/latest  1 object -- together with its bucket"
    )
    kept = CleanUpPlan((records, other, dataclasses.replace(bucket, keep_reason="its name was not entered")))
    assert (kept.with_buckets, len(kept.to_keep)) == ([], 3)


def test_items_of_a_plan_are_selected_and_counted_by_kind() -> None:
    made = CleanUpPlan(ITEMS)
    assert made.deletions(ResourceKind.THROUGHPUT) == [ITEMS[0]]
    assert (made.to_delete, made.to_keep) == ([ITEMS[0], ITEMS[2]], [ITEMS[1]])
    assert count_by_kind(made.items) == {"throughput": 2, "run": 1}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(
            {"dryrun": False},
            r"'dryrun' \(did you mean 'dry_run'\?\).*Nothing was deleted.*Trigger distill_clean_up again",
            id="misspelt",
        ),
        pytest.param({"older_than_days": -1}, "older_than_days", id="out of range"),
    ],
)
def test_a_wrong_value_of_the_form_is_refused(raw: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_clean_up_choice(raw)


def test_by_default_nothing_is_deleted() -> None:
    choice = parse_clean_up_choice({})
    assert choice.dry_run
    assert (choice.datasets, choice.paid_answers, choice.include_unexpired) == (False, False, False)
    assert choice.named_buckets == frozenset()


@pytest.mark.parametrize(("use_case", "wanted"), [("all", True), ("docs", True), ("faq", False)])
def test_the_resources_of_a_use_case_are_included_when_that_use_case_or_all_use_cases_were_chosen(
    use_case: str, wanted: bool
) -> None:
    assert CleanUpChoice(use_case=use_case).wants("docs") is wanted
