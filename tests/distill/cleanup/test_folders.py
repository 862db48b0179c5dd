"""Test which objects of a root are kept on their own, whatever a person chose."""

from __future__ import annotations

import datetime

import pytest

from include.distill.cleanup.folders import kept_objects
from include.distill.cleanup.plan import ProjectRoot, ResourceKind, StoredObject

ROOT = "s3://b/distill"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("environment.json", ResourceKind.OWNER),
        ("training/0123/loss.csv", ResourceKind.TRAINING_OUTPUT),
        ("champions/docs.json", ResourceKind.OTHER),
        ("latest/docs.json", ResourceKind.RECORDS),
        ("history/docs/2026-11.json", ResourceKind.RECORDS),
        ("notifications/unsent/prod/docs/a.json", ResourceKind.RECORDS),
        ("notes.txt", ResourceKind.OTHER),
    ],
)
def test_an_object_outside_runs_and_shared_folders_is_kept_with_a_reason(key: str, kind: ResourceKind) -> None:
    stored = StoredObject(f"{ROOT}/{key}", 1, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    (item,) = kept_objects(ProjectRoot(ROOT, frozenset(), [stored], {}))
    assert (item.kind, item.uris) == (kind, (stored.uri,))
    assert item.keep_reason


def test_objects_in_shared_folders_are_left_to_the_rules() -> None:
    stored = StoredObject(f"{ROOT}/datasets/x", 1, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert kept_objects(ProjectRoot(ROOT, frozenset(), [stored], {})) == []
