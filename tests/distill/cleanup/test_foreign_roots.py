"""Check that a clean-up deletes nothing below a root of another environment, and the owner's record only at the end."""

from __future__ import annotations

from include.distill.cleanup.plan import ForeignRoot, ResourceKind
from tests.distill.cleanup.test_rules import EVERYTHING, HASH, ROOT, RUN, bucket, objects, only, plan, root, run_objects

OWNER = f"{ROOT}/environment.json"


def test_the_object_that_names_the_owner_of_a_root_is_deleted_last_and_only_with_its_bucket() -> None:
    roots = [root(objects=[*run_objects(), *objects(OWNER)])]
    item = only(plan(roots=roots, buckets=[bucket(OWNER)], choice={"confirm_buckets": "train"}), ResourceKind.BUCKET)
    assert (item.keep_reason, item.uris, item.marks) == (None, (), (OWNER,))
    kept = plan(roots=roots, choice=EVERYTHING)
    assert OWNER not in {uri for item in kept.to_delete for uri in (*item.uris, *item.marks)}
    assert "owner" in str(only(kept, ResourceKind.OWNER).keep_reason)


def test_objects_below_a_root_of_others_are_kept_whatever_is_chosen_and_keep_their_bucket() -> None:
    theirs = objects(OWNER, f"{RUN}/use_case.yaml", f"{ROOT}/datasets/{HASH}/train.jsonl", f"{ROOT}/training/x/l.csv")
    foreign = ForeignRoot(ROOT, "it belongs to environment dev", theirs)
    made = plan(
        roots=[root(objects=[], runs={}, foreign=[foreign], is_owned=False)],
        buckets=[bucket(*(stored.uri for stored in theirs))],
        choice={**EVERYTHING, "include_unexpired": True, "confirm_buckets": "train"},
    )
    assert made.to_delete == []
    assert only(made, ResourceKind.OTHER).keep_reason == "it belongs to environment dev"
    assert "kept for the reasons above" in str(only(made, ResourceKind.BUCKET).keep_reason)
