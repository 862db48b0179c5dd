"""Objects are grouped by a reason, and a plan shows their number, their size and the first few of them."""

from __future__ import annotations

import datetime

from include.distill.cleanup.item_groups import describe_amount, describe_some, group_by, group_item
from include.distill.cleanup.plan import ResourceKind, StoredObject

WRITTEN = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
OBJECTS = [
    StoredObject(f"s3://train/distill/{name}", modified=WRITTEN, size=size)
    for name, size in (("b/1", 400_000), ("a/1", 50_000), ("b/2", 700_000))
]


def test_objects_with_the_same_key_form_one_group_wherever_they_are_in_the_list() -> None:
    groups = group_by(OBJECTS, lambda stored: stored.uri.split("/")[4])
    assert [(key, [stored.uri[-3:] for stored in group]) for key, group in groups] == [
        ("a", ["a/1"]),
        ("b", ["b/1", "b/2"]),
    ]
    assert group_by([], str) == []


def test_an_item_of_several_objects_has_all_their_uris_and_their_size() -> None:
    item = group_item(ResourceKind.OTHER, "s3://train/distill/b", OBJECTS[::2], "a reason")
    assert (item.kind, item.name, item.keep_reason) == (ResourceKind.OTHER, "s3://train/distill/b", "a reason")
    assert item.detail == describe_amount(OBJECTS[::2]) == "2 objects, 1.1 MB"
    assert item.uris == ("s3://train/distill/b/1", "s3://train/distill/b/2")


def test_a_long_list_of_objects_is_cut() -> None:
    assert describe_some(["s3://b/1", "s3://b/2", "s3://b/3"]) == "3 objects (s3://b/1, s3://b/2, s3://b/3)"
    assert describe_some([f"s3://b/{number}" for number in range(9)]) == "9 objects (s3://b/0, s3://b/1, s3://b/2, …)"
