"""The plan of a clean-up: what goes, what stays, and the reason that a person reads."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.plan import (
    CleanUpChoice,
    CleanUpPlan,
    Inventory,
    ListedBucket,
    ListedModel,
    ListedThroughput,
    PlanItem,
    ProjectRoot,
    ResourceKind,
    RunInfo,
    StoredObject,
    parse_clean_up_choice,
    plan_table,
)
from include.distill.cleanup.rules import plan_clean_up
from include.distill.core.errors import InputError

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
OLD = NOW - datetime.timedelta(days=10)
ROOT = "s3://train/distill"
RUN = f"{ROOT}/runs/nightly-00000001"
TAGS = {
    "project": PROJECT_TAG,
    "use-case": "docs",
    "run-key": "nightly-00000001",
    "arm": "tuned",
    "expires-at": "2026-11-13T02:00:00Z",
    "run-id": "nightly",
}
LIST_ENTRY = f"{ROOT}/reports/docs/20261112T030000Z-nightly-00000001.json"
UNEXPIRED = {**TAGS, "expires-at": "2026-11-23T00:00:00Z"}
EVERYTHING = {"datasets": True, "paid_answers": True}
HASH = "ab" + 62 * "0"


def throughput(**changes: Any) -> ListedThroughput:
    return dataclasses.replace(ListedThroughput("pt-1", "arn:pt-1", OLD, TAGS, None, "arn:m-1", 1), **changes)


def model(**changes: Any) -> ListedModel:
    return dataclasses.replace(ListedModel("m-1", "arn:m-1", OLD, TAGS, None), **changes)


def objects(*uris: str, modified: datetime.datetime = OLD) -> list[StoredObject]:
    return [StoredObject(uri, 1000, modified) for uri in uris]


def run_objects(uri: str = RUN, *, finished: bool = True, modified: datetime.datetime = OLD) -> list[StoredObject]:
    names = ["use_case.yaml", "source/train.jsonl", *(["report/report.json", "report/report.html"] if finished else [])]
    return objects(*(f"{uri}/{name}" for name in names), modified=modified)


def root(**changes: Any) -> ProjectRoot:
    return dataclasses.replace(
        ProjectRoot(ROOT, frozenset({"docs"}), run_objects(), {RUN: RunInfo("docs", 24)}), **changes
    )


def plan(*, now: datetime.datetime = NOW, known: frozenset[str] = frozenset({"docs"}), **parts: Any) -> CleanUpPlan:
    choice = parts.pop("choice", {})
    return plan_clean_up(Inventory(use_cases=known, **parts), CleanUpChoice(**choice), now=now)


def only(found: CleanUpPlan, kind: ResourceKind) -> PlanItem:
    (item,) = [item for item in found.items if item.kind is kind]
    return item


THROUGHPUTS = [
    pytest.param({}, {}, None, id="ours and expired"),
    pytest.param({"tags": {}}, {}, "no tag project=bedrock-distill", id="no tags"),
    pytest.param(
        {"tags": {**TAGS, "project": "theirs"}}, {"include_unexpired": True}, "not ours", id="another project"
    ),
    pytest.param(
        {"tags": {**TAGS, "use-case": "faq"}}, {"use_case": "docs"}, "belongs to use case faq", id="another use case"
    ),
    pytest.param({}, {"throughput": False}, "'Throughput' was not ticked", id="not ticked"),
    pytest.param({}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
    pytest.param({}, {"older_than_days": 9}, None, id="old enough"),
    pytest.param(
        {"created": NOW + datetime.timedelta(seconds=1)},
        {"include_unexpired": True},
        "newer than the listing",
        id="newer",
    ),
    pytest.param(
        {"tags": {**TAGS, "expires-at": "2026-11-22T12:00:01Z"}},
        {},
        "may need it until 2026-11-22T12:00:01Z",
        id="unexpired",
    ),
    pytest.param(
        {"tags": {**TAGS, "expires-at": "2026-11-22T12:00:01Z"}},
        {"include_unexpired": True},
        None,
        id="unexpired, ticked",
    ),
    pytest.param({"tags": UNEXPIRED, "run_state": "success"}, {}, None, id="unexpired, its run has ended"),
    pytest.param(
        {"run_state": "running"}, {"include_unexpired": True}, "its run nightly is running", id="its run is under way"
    ),
    pytest.param({"tags": {**TAGS, "expires-at": "soon"}}, {}, "expires-at is 'soon'", id="unreadable expiry"),
    pytest.param(
        {"tags": {**TAGS, "expires-at": "2026-11-13T02:00:00"}}, {}, "expires-at is", id="expiry without a zone"
    ),
    pytest.param(
        {"tags": {k: v for k, v in TAGS.items() if k != "expires-at"}}, {}, "expires-at is ''", id="no expiry"
    ),
]


@pytest.mark.parametrize(("changes", "choice", "reason"), THROUGHPUTS)
def test_throughput_goes_when_it_is_ours_chosen_and_expired(changes: Any, choice: Any, reason: str | None) -> None:
    left = only(plan(throughputs=[throughput(**changes)], choice=choice), ResourceKind.THROUGHPUT).keep_reason
    assert left is None if reason is None else reason in str(left)


UNDER_WAY = {"objects": run_objects(finished=False, modified=NOW - datetime.timedelta(hours=1))}
MODELS = [
    pytest.param({}, {}, None, id="ours and expired"),
    pytest.param({"models": [model(tags={})]}, {}, "not ours", id="no tags"),
    pytest.param({}, {"custom_models": False}, "'Custom models' was not ticked", id="not ticked"),
    pytest.param({"throughputs": [throughput()]}, {}, None, id="its throughput goes too"),
    pytest.param(
        {"throughputs": [throughput(tags=UNEXPIRED)]}, {}, "throughput pt-1 uses it", id="its throughput stays"
    ),
    pytest.param(
        {"throughputs": [throughput(tags={})]},
        {"include_unexpired": True},
        "pt-1 uses it",
        id="a stranger's throughput",
    ),
    pytest.param(
        {"throughputs": [throughput(tags={}, model_arn="arn:m-2")]}, {}, None, id="a throughput of another model"
    ),
    pytest.param(
        {"roots": [root(champions=frozenset({"arn:m-1"}))]},
        {"include_unexpired": True},
        "champion",
        id="champion by ARN",
    ),
    pytest.param(
        {"roots": [root(champions=frozenset({"m-1"}))]}, {"include_unexpired": True}, "champion", id="champion by name"
    ),
    pytest.param({"roots": [root(champions=frozenset({"m-10"}))]}, {}, None, id="another champion"),
    pytest.param({"known": frozenset({"faq"})}, {}, "cannot be known whether", id="its use case is gone"),
    pytest.param({"models": [model(tags=UNEXPIRED)]}, {}, "until 2026-11-23", id="unexpired"),
    pytest.param(
        {"roots": [root(**UNDER_WAY)]}, {}, "run nightly-00000001 has no report", id="a later run may adopt it"
    ),
    pytest.param({"roots": [root(**UNDER_WAY)]}, {"include_unexpired": True}, None, id="a later run, ticked"),
    pytest.param({"roots": [root(**UNDER_WAY, runs={RUN: RunInfo("faq", 24)})]}, {}, None, id="another use case's run"),
]


@pytest.mark.parametrize(("parts", "choice", "reason"), MODELS)
def test_a_model_goes_when_nothing_serves_it_and_it_is_no_champion(parts: Any, choice: Any, reason: str | None) -> None:
    left = only(
        plan(**{"models": [model()], "roots": [root()], **parts}, choice=choice), ResourceKind.CUSTOM_MODEL
    ).keep_reason
    assert left is None if reason is None else reason in str(left)


RUNS = [
    pytest.param({}, {}, {}, None, id="finished"),
    pytest.param({"runs": {}}, {}, {"include_unexpired": True}, "no use_case.yaml", id="no mark"),
    pytest.param({"runs": {RUN: RunInfo("faq", 24)}}, {}, {"use_case": "docs"}, "use case faq", id="another use case"),
    pytest.param({}, {}, {"run_objects": False}, "'Run objects' was not ticked", id="not ticked"),
    pytest.param({}, {}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
    pytest.param(UNDER_WAY, {}, {}, "may be under way until 2026-11-23 11:00", id="no report yet"),
    pytest.param(UNDER_WAY, {}, {"include_unexpired": True}, None, id="no report yet, ticked"),
    pytest.param({"objects": run_objects(finished=False)}, {}, {}, None, id="no report for ten days"),
    pytest.param({"objects": run_objects(modified=NOW + datetime.timedelta(seconds=1))}, {}, {}, "newer", id="newer"),
    pytest.param({}, {"throughputs": [throughput(tags=UNEXPIRED)]}, {}, "throughput pt-1 stays", id="throughput stays"),
    pytest.param({}, {"throughputs": [throughput()]}, {}, None, id="throughput goes"),
]


@pytest.mark.parametrize(("changes", "parts", "choice", "reason"), RUNS)
def test_a_runs_folder_goes_when_the_run_is_over(changes: Any, parts: Any, choice: Any, reason: str | None) -> None:
    item = only(plan(roots=[root(**changes)], choice=choice, **parts), ResourceKind.RUN)
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)


def test_what_makes_a_run_known_is_kept_for_last() -> None:
    item = only(plan(roots=[root()]), ResourceKind.RUN)
    assert item.marks == (f"{RUN}/use_case.yaml", f"{RUN}/report/report.json")
    assert sorted([*item.uris, *item.marks]) == sorted(found.uri for found in run_objects())


def test_a_runs_entry_in_the_list_of_reports_goes_with_it_and_one_of_no_run_stays() -> None:
    orphan = LIST_ENTRY.replace("00000001", "00000002")
    found = plan(roots=[root(objects=[*run_objects(), *objects(LIST_ENTRY, orphan)])])
    assert LIST_ENTRY in only(found, ResourceKind.RUN).uris
    assert only(found, ResourceKind.OTHER).uris == (orphan,)
    assert "a run that is gone" in str(only(found, ResourceKind.OTHER).keep_reason)


SHARED = [
    pytest.param(f"datasets/{HASH}/train.jsonl", {}, {}, None, id="a data set"),
    pytest.param(f"responses/nova-micro/ab/{HASH}.json", {}, {}, None, id="a paid answer"),
    pytest.param(
        f"datasets/{HASH}/train.jsonl", {}, {"datasets": False}, "'Data sets' was not", id="data sets not ticked"
    ),
    pytest.param(
        f"responses/nova-micro/ab/{HASH}.json", {}, {"paid_answers": False}, "'Paid answers'", id="answers not ticked"
    ),
    pytest.param("datasets/mine.csv", {}, {}, "not named as", id="a file of someone's own"),
    pytest.param(f"datasets/{HASH}/notes.txt", {}, {}, "not named as", id="a note beside a data set"),
    pytest.param(f"batches/{HASH}/input.jsonl", {}, {}, None, id="the questions of a batch job"),
    pytest.param("batches/landed/name-judge-0a-a2.json", {}, {}, None, id="what came of a batch job"),
    pytest.param(f"batches/{HASH[:16]}/abcdefghijkl/input.jsonl.out", {}, {}, None, id="what a batch job wrote"),
    pytest.param(
        f"batches/{HASH}/input.jsonl", {}, {"paid_answers": False}, "'Paid answers'", id="batch files not ticked"
    ),
    pytest.param("batches/mine.jsonl", {}, {}, "not named as", id="a file beside batch jobs"),
    pytest.param(f"responses/nova-micro/ab/{HASH}.json.bak", {}, {}, "not named as", id="a copy of an answer"),
    pytest.param(
        f"datasets/{HASH}/train.jsonl",
        {"use_cases": frozenset({"docs", "faq"})},
        {"use_case": "docs"},
        "faq shares it",
        id="shared",
    ),
    pytest.param(
        f"datasets/{HASH}/train.jsonl", {"use_cases": frozenset({"docs", "faq"})}, {}, None, id="shared, all chosen"
    ),
    pytest.param(f"datasets/{HASH}/train.jsonl", {}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
]


@pytest.mark.parametrize(("name", "changes", "choice", "reason"), SHARED)
def test_what_runs_share_goes_by_choice_only(name: str, changes: Any, choice: Any, reason: str | None) -> None:
    found = plan(roots=[root(**{"objects": objects(f"{ROOT}/{name}"), **changes})], choice={**EVERYTHING, **choice})
    (item,) = [
        item
        for item in found.items
        if item.kind in (ResourceKind.DATASETS, ResourceKind.PAID_ANSWERS, ResourceKind.BATCH_FILES)
    ]
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)
    assert item.uris == (f"{ROOT}/{name}",)


def test_what_runs_share_stays_while_one_of_them_may_be_under_way() -> None:
    stored = [*UNDER_WAY["objects"], *objects(f"{ROOT}/datasets/{HASH}/train.jsonl")]
    assert "may need it" in str(
        only(plan(roots=[root(objects=stored)], choice=EVERYTHING), ResourceKind.DATASETS).keep_reason
    )


@pytest.mark.parametrize("name", ["champions/docs.json", "training/0123/loss.csv", "notes.txt", "runs-of-mine/x"])
def test_everything_else_is_listed_and_left(name: str) -> None:
    (item, _) = plan(roots=[root(objects=objects(f"{ROOT}/{name}"), runs={})], choice=EVERYTHING).items
    assert item.keep_reason
    assert item.uris == (f"{ROOT}/{name}",)


def bucket(*more: str, **changes: Any) -> ListedBucket:
    uris = frozenset([*(found.uri for found in run_objects()), *more])
    return dataclasses.replace(
        ListedBucket("train", {"project": PROJECT_TAG}, False, frozenset({"docs"}), uris), **changes
    )


BUCKETS = [
    pytest.param({}, {}, None, id="everything in it goes"),
    pytest.param({"tags": {}}, {}, "not ours", id="no tags"),
    pytest.param({"versioned": True}, {}, "older versions", id="versioned"),
    pytest.param(
        {"use_cases": frozenset({"docs", "faq"})}, {"use_case": "docs"}, "faq uses it too", id="another use case"
    ),
    pytest.param(
        {"more": ["s3://train/elsewhere/a.csv"]}, {}, "1 objects (s3://train/elsewhere/a.csv) outside", id="outside"
    ),
    pytest.param({"more": ["s3://train/distillery/a.csv"]}, {}, "outside", id="a prefix that begins like ours"),
    pytest.param({}, {"run_objects": False}, "4 objects (", id="runs stay"),
]


@pytest.mark.parametrize(("changes", "choice", "reason"), BUCKETS)
def test_a_bucket_goes_when_nothing_would_be_left_in_it(changes: Any, choice: Any, reason: str | None) -> None:
    more = changes.get("more", [])
    found = bucket(*more, **{name: value for name, value in changes.items() if name != "more"})
    item = only(
        plan(roots=[root()], buckets=[found], choice={"confirm_buckets": "train", **choice}), ResourceKind.BUCKET
    )
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)


def test_a_bucket_stays_while_a_use_case_cannot_be_read() -> None:
    parts = {"roots": [root()], "buckets": [bucket()], "broken": ["faq.yaml: bad"]}
    assert "faq.yaml: bad" in str(
        only(plan(choice={"confirm_buckets": "train"}, **parts), ResourceKind.BUCKET).keep_reason
    )


def test_what_bedrock_wrote_of_jobs_goes_with_its_bucket_and_not_without() -> None:
    metrics = f"{ROOT}/training/0123/loss.csv"
    roots = [root(objects=[*run_objects(), *objects(metrics)])]
    going = only(plan(roots=roots, buckets=[bucket(metrics)], choice={"confirm_buckets": "train"}), ResourceKind.BUCKET)
    assert (going.keep_reason, going.uris) == (None, (metrics,))
    assert metrics not in {uri for item in plan(roots=roots).to_delete for uri in item.uris}


def test_a_bucket_whose_name_was_not_typed_is_left() -> None:
    assert only(plan(roots=[root()]), ResourceKind.BUCKET).keep_reason == "its name was not typed in"


def test_things_go_in_the_order_of_their_uses() -> None:
    stored = [*run_objects(), *objects(f"{ROOT}/datasets/{HASH}/train.jsonl", f"{ROOT}/responses/m/ab/{HASH}.json")]
    found = plan(
        throughputs=[throughput()],
        models=[model()],
        roots=[root(objects=stored)],
        buckets=[bucket(*(found.uri for found in stored))],
        choice={**EVERYTHING, "confirm_buckets": " train ,"},
    )
    assert [item.kind for item in found.to_delete] == [
        ResourceKind.THROUGHPUT, ResourceKind.CUSTOM_MODEL, ResourceKind.RUN, ResourceKind.DATASETS,
        ResourceKind.PAID_ANSWERS, ResourceKind.BUCKET,
    ]  # fmt: skip
    assert found.to_keep == []


def test_a_release_is_noted_in_a_run_that_stays_and_only_there() -> None:
    stays = plan(throughputs=[throughput()], roots=[root()], choice={"run_objects": False})
    assert only(stays, ResourceKind.THROUGHPUT).release_record == f"{RUN}/serving/tuned/released-s1.json"
    assert only(plan(throughputs=[throughput()], roots=[root()]), ResourceKind.THROUGHPUT).release_record is None


def test_a_second_release_is_noted_under_the_next_ordinal() -> None:
    stored = [*run_objects(), *objects(f"{RUN}/serving/tuned/released-s1.json")]
    found = plan(throughputs=[throughput()], roots=[root(objects=stored)], choice={"run_objects": False})
    assert only(found, ResourceKind.THROUGHPUT).release_record == f"{RUN}/serving/tuned/released-s2.json"


def test_the_list_says_of_everything_what_happens_and_why() -> None:
    lines = plan_table(plan(throughputs=[throughput(), throughput(name="pt-2", tags={})]))
    assert lines[0].startswith("DELETE  throughput      pt-1  1 units, billed since 2026-11-12 12:00 UTC")
    assert lines[1].startswith("LEFT    throughput      pt-2")
    assert lines[1].endswith("it carries no tag project=bedrock-distill: not ours")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param({"dryrun": False}, "dryrun: Extra inputs", id="misspelt"),
        pytest.param({"older_than_days": -1}, "older_than_days", id="out of range"),
    ],
)
def test_a_form_that_cannot_be_used_is_refused(raw: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_clean_up_choice(raw)


def test_nothing_is_deleted_by_default_that_was_not_asked_for() -> None:
    choice = parse_clean_up_choice({})
    assert choice.dry_run
    assert (choice.datasets, choice.paid_answers, choice.include_unexpired) == (False, False, False)
    assert choice.named_buckets == frozenset()


owners = st.sampled_from([TAGS, UNEXPIRED, {}, {**TAGS, "project": "theirs"}, {**TAGS, "use-case": "faq"}])
choices = st.builds(
    dict,
    use_case=st.sampled_from(["all", "docs"]),
    throughput=st.booleans(),
    custom_models=st.booleans(),
    run_objects=st.booleans(),
    include_unexpired=st.booleans(),
    older_than_days=st.sampled_from([0, 5, 20]),
    confirm_buckets=st.sampled_from(["", "train"]),
    **{name: st.booleans() for name in EVERYTHING},
)


@given(throughput_tags=owners, model_tags=owners, mark=st.sampled_from(["docs", "faq", None]), choice=choices)
def test_whatever_is_chosen_what_is_not_ours_stays_and_every_object_is_listed_once(
    throughput_tags: Any, model_tags: Any, mark: str | None, choice: Any
) -> None:
    strange = objects(
        f"{ROOT}/reports/docs/a.json", f"{ROOT}/datasets/mine.csv", f"{ROOT}/notes.txt", f"{ROOT}/champions/docs.json"
    )
    stored = [
        *run_objects(),
        *objects(LIST_ENTRY),
        *strange,
        *objects(f"{ROOT}/datasets/{HASH}/train.jsonl", f"{ROOT}/training/x/loss.csv"),
    ]
    found = plan(
        throughputs=[throughput(tags=throughput_tags)],
        models=[model(tags=model_tags)],
        roots=[root(objects=stored, runs={RUN: RunInfo(mark, 24)} if mark else {})],
        buckets=[bucket(*(entry.uri for entry in stored))],
        choice=choice,
    )
    gone = {item.arn for item in found.to_delete if item.arn}
    assert "arn:pt-1" not in gone or throughput_tags.get("project") == PROJECT_TAG
    assert "arn:m-1" not in gone or (model_tags.get("project") == PROJECT_TAG and {"arn:pt-1"} <= gone)
    deleted = {uri for item in found.to_delete for uri in (*item.uris, *item.marks)}
    assert not deleted & {entry.uri for entry in strange}
    assert only(found, ResourceKind.BUCKET).keep_reason
    listed = [uri for item in found.items if item.kind is not ResourceKind.BUCKET for uri in (*item.uris, *item.marks)]
    assert sorted(listed) == sorted(entry.uri for entry in stored)
