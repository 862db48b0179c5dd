from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.plan import (
    CleanUpPlan,
    ForeignRoot,
    Inventory,
    ListedBucket,
    ListedEndpoint,
    ListedModel,
    PlanItem,
    ProjectRoot,
    ResourceKind,
    RunInfo,
    StoredObject,
)
from include.distill.cleanup.rules import plan_clean_up
from include.distill.core.naming import former_run_key, job_names, run_key, throughput_names

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
OLD = NOW - datetime.timedelta(days=10)
ROOT = "s3://train/distill"
KEY = run_key("distill_docs", "nightly")
FINGERPRINT = "0123456789abcdef" * 4
RUN = f"{ROOT}/runs/docs/{KEY}"
TAGS = {
    "project": PROJECT_TAG,
    "environment": "prod",
    "use-case": "docs",
    "run-key": KEY,
    "arm": "tuned",
    "fingerprint": FINGERPRINT,
    "expires-at": "2026-11-13T02:00:00Z",
    "dag-id": "distill_docs",
    "run-id": "nightly",
}
PT = throughput_names("prod", "docs", "tuned", KEY, 1).name
MODEL = job_names("prod", "docs", "tuned", FINGERPRINT, 1).name
LIST_ENTRY = f"{ROOT}/reports/docs/20261112T030000Z-{KEY}.json"
UNEXPIRED = {**TAGS, "expires-at": "2026-11-23T00:00:00Z"}
EVERYTHING = {"datasets": True, "paid_answers": True}
HASH = "ab" + 62 * "0"


def throughput(**changes: Any) -> ListedEndpoint:
    return dataclasses.replace(ListedEndpoint(PT, "arn:pt-1", OLD, TAGS, None, "arn:m-1", 1), **changes)


def model(**changes: Any) -> ListedModel:
    trained_on = f"{ROOT}/datasets/{HASH}/train.jsonl"
    return dataclasses.replace(ListedModel(MODEL, "arn:m-1", OLD, TAGS, None, training_uri=trained_on), **changes)


def objects(*uris: str, modified: datetime.datetime = OLD) -> list[StoredObject]:
    return [StoredObject(uri, 1000, modified) for uri in uris]


def run_objects(uri: str = RUN, *, finished: bool = True, modified: datetime.datetime = OLD) -> list[StoredObject]:
    names = ["use_case.yaml", "source/train.jsonl", *(["report/report.json", "report/report.html"] if finished else [])]
    return objects(*(f"{uri}/{name}" for name in names), modified=modified)


def root(**changes: Any) -> ProjectRoot:
    return dataclasses.replace(
        ProjectRoot(ROOT, frozenset({"docs"}), run_objects(), {RUN: RunInfo("docs", 24)}), **changes
    )


def plan(*, now: datetime.datetime = NOW, use_cases: frozenset[str] = frozenset({"docs"}), **parts: Any) -> CleanUpPlan:
    choice = parts.pop("choice", {})
    return plan_clean_up(Inventory("prod", use_cases=use_cases, **parts), CleanUpChoice(**choice), now=now)


def only(made: CleanUpPlan, kind: ResourceKind) -> PlanItem:
    (item,) = [item for item in made.items if item.kind is kind]
    return item


THROUGHPUTS = [
    pytest.param({}, {}, None, id="ours and expired"),
    pytest.param({"tags": {}}, {}, "no tag project=bedrock-distill", id="no tags"),
    pytest.param(
        {"tags": {**TAGS, "environment": "dev"}},
        {"include_unexpired": True},
        "belongs to environment 'dev'",
        id="another environment",
    ),
    pytest.param({"tags": {"project": PROJECT_TAG}}, {"include_unexpired": True}, "owner is unknown", id="a bare tag"),
    pytest.param({"name": "theirs"}, {"include_unexpired": True}, "does not match its tags", id="copied tags"),
    pytest.param(
        {"tags": {**TAGS, "project": "theirs"}},
        {"include_unexpired": True},
        "does not belong to this project",
        id="another project",
    ),
    pytest.param(
        {"tags": {**TAGS, "use-case": "faq"}, "name": throughput_names("prod", "faq", "tuned", KEY, 1).name},
        {"use_case": "docs"},
        "belongs to use case faq",
        id="another use case",
    ),
    pytest.param({}, {"throughput": False}, "'Throughput' was not ticked", id="not ticked"),
    pytest.param({}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
    pytest.param({}, {"older_than_days": 9}, None, id="old enough"),
    pytest.param({}, {"older_than_days": 10}, None, id="exactly old enough"),
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
        {"run_state": "running"}, {"include_unexpired": True}, "its run nightly is running", id="its run is in progress"
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
def test_a_throughput_with_our_tag_is_deleted_when_it_is_chosen_and_expired(
    changes: Any, choice: Any, reason: str | None
) -> None:
    kept = only(plan(endpoints=[throughput(**changes)], choice=choice), ResourceKind.THROUGHPUT).keep_reason
    assert kept is None if reason is None else reason in str(kept)


FORMER_KEY = str(former_run_key(KEY))
FORMER_MODEL = ListedModel(
    str(job_names("prod", "docs", "tuned", FINGERPRINT, 1).former),
    "arn:m-1",
    OLD,
    {key: value for key, value in TAGS.items() if key != "environment"} | {"run-key": FORMER_KEY},
    None,
    training_uri=f"{ROOT}/datasets/{HASH}/train.jsonl",
)
UNFINISHED = {"objects": run_objects(finished=False, modified=NOW - datetime.timedelta(hours=1))}
MODELS = [
    pytest.param({}, {}, None, id="ours and expired"),
    pytest.param({"models": [model(tags={})]}, {}, "does not belong to this project", id="no tags"),
    pytest.param(
        {"models": [model(tags={**TAGS, "environment": "dev"})]}, {}, "environment 'dev'", id="another environment"
    ),
    pytest.param({"models": [model(name="theirs")]}, {}, "does not match its tags", id="copied tags"),
    pytest.param({"models": [FORMER_MODEL]}, {}, None, id="of an earlier version, trained on our data"),
    pytest.param(
        {"models": [dataclasses.replace(FORMER_MODEL, training_uri="s3://train/dev/datasets/ab/train.jsonl")]},
        {},
        "not proven that this environment owns it",
        id="of an earlier version, trained on data of others",
    ),
    pytest.param(
        {"models": [FORMER_MODEL], "roots": [root(is_owned=False, runs={}, objects=[])]},
        {},
        "not proven",
        id="of an earlier version, its root has no owner",
    ),
    pytest.param(
        {"roots": [root(is_owned=False, runs={}, objects=[], foreign=[ForeignRoot(ROOT, "owned by dev", ())])]},
        {},
        "it may be the champion, because the champion's record was not read; the use case's root is kept: owned by dev",
        id="the root of its use case belongs to others",
    ),
    pytest.param({}, {"custom_models": False}, "'Custom models' was not ticked", id="not ticked"),
    pytest.param({"endpoints": [throughput()]}, {}, None, id="its throughput is deleted too"),
    pytest.param(
        {"endpoints": [throughput(tags=UNEXPIRED)]}, {}, f"throughput {PT} uses it", id="its throughput is kept"
    ),
    pytest.param(
        {"endpoints": [throughput(tags={})]},
        {"include_unexpired": True},
        f"{PT} uses it",
        id="a throughput that is not ours uses it",
    ),
    pytest.param(
        {"endpoints": [throughput(tags={}, model_arn="arn:m-2")]}, {}, None, id="a throughput of another model"
    ),
    pytest.param(
        {"roots": [root(champions=frozenset({"arn:m-1"}))]},
        {"include_unexpired": True},
        "champion",
        id="champion by ARN",
    ),
    pytest.param(
        {"roots": [root(champions=frozenset({MODEL}))]}, {"include_unexpired": True}, "champion", id="champion by name"
    ),
    pytest.param({"roots": [root(champions=frozenset({f"{MODEL}0"}))]}, {}, None, id="another champion"),
    pytest.param({"use_cases": frozenset({"faq"})}, {}, "unknown whether", id="its use case is gone"),
    pytest.param({"models": [model(tags=UNEXPIRED)]}, {}, "until 2026-11-23", id="unexpired"),
    pytest.param({"roots": [root(**UNFINISHED)]}, {}, f"run {KEY} has not ended", id="a later run may adopt it"),
    pytest.param({"roots": [root(**UNFINISHED)]}, {"include_unexpired": True}, None, id="a later run, ticked"),
    pytest.param(
        {"roots": [root(**UNFINISHED, runs={RUN: RunInfo("faq", 24)})]}, {}, None, id="another use case's run"
    ),
]


@pytest.mark.parametrize(("parts", "choice", "reason"), MODELS)
def test_a_model_is_deleted_when_nothing_serves_it_and_it_is_not_the_champion(
    parts: Any, choice: Any, reason: str | None
) -> None:
    kept = only(
        plan(**{"models": [model()], "roots": [root()], **parts}, choice=choice), ResourceKind.CUSTOM_MODEL
    ).keep_reason
    assert kept is None if reason is None else reason in str(kept)


RUNS = [
    pytest.param({}, {}, {}, None, id="finished"),
    pytest.param({"runs": {}}, {}, {"include_unexpired": True}, "no use_case.yaml", id="no use case file"),
    pytest.param({"runs": {RUN: RunInfo("faq", 24)}}, {}, {"use_case": "docs"}, "use case faq", id="another use case"),
    pytest.param({}, {}, {"run_objects": False}, "'Run objects' was not ticked", id="not ticked"),
    pytest.param({"runs": {RUN: RunInfo("docs", 24, "prod")}}, {}, {}, None, id="of this environment"),
    pytest.param(
        {"runs": {RUN: RunInfo("docs", 24, "dev")}}, {}, {}, "belongs to environment 'dev'", id="another environment"
    ),
    pytest.param({}, {}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
    pytest.param(UNFINISHED, {}, {}, "may run until 2026-11-23 11:00", id="no report yet"),
    pytest.param(UNFINISHED, {}, {"include_unexpired": True}, None, id="no report yet, ticked"),
    pytest.param({"objects": run_objects(finished=False)}, {}, {}, None, id="no report for ten days"),
    pytest.param({"objects": run_objects(modified=NOW + datetime.timedelta(seconds=1))}, {}, {}, "newer", id="newer"),
    pytest.param(
        {}, {"endpoints": [throughput(tags=UNEXPIRED)]}, {}, f"throughput {PT} is kept", id="throughput is kept"
    ),
    pytest.param({}, {"endpoints": [throughput()]}, {}, None, id="throughput is deleted"),
    pytest.param(
        {},
        {"endpoints": [throughput(tags={**UNEXPIRED, "environment": "dev"})]},
        {},
        None,
        id="the run of another environment with the same key has throughput",
    ),
]


@pytest.mark.parametrize(("changes", "parts", "choice", "reason"), RUNS)
def test_the_folder_of_a_run_is_deleted_when_the_run_has_ended(
    changes: Any, parts: Any, choice: Any, reason: str | None
) -> None:
    item = only(plan(roots=[root(**changes)], choice={"newest_reports": True, **choice}, **parts), ResourceKind.RUN)
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)


def test_the_objects_that_identify_a_run_are_deleted_last() -> None:
    item = only(plan(roots=[root()]), ResourceKind.RUN)
    assert item.marks == (f"{RUN}/use_case.yaml", f"{RUN}/report/report.json")
    assert sorted([*item.uris, *item.marks]) == sorted(stored.uri for stored in run_objects())


def test_the_report_list_entry_of_a_run_is_deleted_with_the_run_and_other_entries_are_kept() -> None:
    orphan = LIST_ENTRY.replace(KEY, run_key("distill_docs", "deleted"))
    made = plan(roots=[root(objects=[*run_objects(), *objects(LIST_ENTRY, orphan)])], choice={"newest_reports": True})
    assert LIST_ENTRY in only(made, ResourceKind.RUN).uris
    assert only(made, ResourceKind.RECORDS).uris == (orphan,)
    assert "a deleted run" in str(only(made, ResourceKind.RECORDS).keep_reason)


SHARED = [
    pytest.param(f"datasets/{HASH}/train.jsonl", {}, {}, None, id="a data set"),
    pytest.param(f"responses/nova-micro/ab/{HASH}.json", {}, {}, None, id="a paid answer"),
    pytest.param(
        f"datasets/{HASH}/train.jsonl", {}, {"datasets": False}, "'Data sets' was not", id="data sets not ticked"
    ),
    pytest.param(
        f"responses/nova-micro/ab/{HASH}.json", {}, {"paid_answers": False}, "'Paid answers'", id="answers not ticked"
    ),
    pytest.param("datasets/mine.csv", {}, {}, "did not choose their names", id="a file that a person put there"),
    pytest.param(f"datasets/{HASH}/notes.txt", {}, {}, "did not choose their names", id="a note next to a data set"),
    pytest.param(f"batches/{HASH}/input.jsonl", {}, {}, None, id="the input of a batch job"),
    pytest.param(f"batches/{HASH}/claim.json", {}, {}, None, id="the claim of a batch job"),
    pytest.param("batches/landed/name-judge-0a-a2.json", {}, {}, None, id="the outcome of a batch job"),
    pytest.param(f"batches/{HASH[:16]}/abcdefghijkl/input.jsonl.out", {}, {}, None, id="the output of a batch job"),
    pytest.param(
        f"batches/{HASH}/input.jsonl", {}, {"paid_answers": False}, "'Paid answers'", id="batch files not ticked"
    ),
    pytest.param("batches/mine.jsonl", {}, {}, "did not choose their names", id="a file next to batch jobs"),
    pytest.param(
        f"responses/nova-micro/ab/{HASH}.json.bak", {}, {}, "did not choose their names", id="a copy of an answer"
    ),
    pytest.param(
        f"datasets/{HASH}/train.jsonl",
        {"use_cases": frozenset({"docs", "faq"})},
        {"use_case": "docs"},
        "faq also uses it",
        id="shared",
    ),
    pytest.param(
        f"datasets/{HASH}/train.jsonl", {"use_cases": frozenset({"docs", "faq"})}, {}, None, id="shared, all chosen"
    ),
    pytest.param(f"datasets/{HASH}/train.jsonl", {}, {"older_than_days": 11}, "not older than 11 days", id="too young"),
]


@pytest.mark.parametrize(("name", "changes", "choice", "reason"), SHARED)
def test_objects_that_runs_share_are_deleted_only_when_their_kind_is_chosen(
    name: str, changes: Any, choice: Any, reason: str | None
) -> None:
    made = plan(roots=[root(**{"objects": objects(f"{ROOT}/{name}"), **changes})], choice={**EVERYTHING, **choice})
    (item,) = [
        item
        for item in made.items
        if item.kind in (ResourceKind.DATASETS, ResourceKind.PAID_ANSWERS, ResourceKind.BATCH_FILES)
    ]
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)
    assert item.uris == (f"{ROOT}/{name}",)


def test_objects_that_runs_share_are_kept_while_a_run_may_need_them() -> None:
    stored = [*UNFINISHED["objects"], *objects(f"{ROOT}/datasets/{HASH}/train.jsonl")]
    assert "may need it" in str(
        only(plan(roots=[root(objects=stored)], choice=EVERYTHING), ResourceKind.DATASETS).keep_reason
    )


@pytest.mark.parametrize(
    ("name", "is_foreign"),
    [
        ("champions/docs.json", False),
        ("training/0123/loss.csv", False),
        ("splits/docs.jsonl", False),
        ("latest/docs.json", False),
        ("history/docs/2026-11.json", False),
        ("notifications/unsent/prod/docs/a.json", False),
        ("notes.txt", True),
        ("runs-of-mine/x", True),
    ],
)
def test_an_object_outside_the_runs_is_kept_and_is_called_foreign_only_if_the_pipeline_never_writes_it(
    name: str, is_foreign: bool
) -> None:
    (item, _) = plan(roots=[root(objects=objects(f"{ROOT}/{name}"), runs={})], choice=EVERYTHING).items
    assert item.keep_reason
    assert ("not written by this pipeline" in item.keep_reason) == is_foreign
    assert item.uris == (f"{ROOT}/{name}",)


def bucket(*more: str, **changes: Any) -> ListedBucket:
    uris = frozenset([*(stored.uri for stored in run_objects()), *more])
    return dataclasses.replace(
        ListedBucket("train", {"project": PROJECT_TAG}, False, frozenset({"docs"}), uris), **changes
    )


BUCKETS = [
    pytest.param({}, {}, None, id="everything in it is deleted"),
    pytest.param({"tags": {}}, {}, "does not belong to this project", id="no tags"),
    pytest.param({"versioned": True}, {}, "older versions", id="versioned"),
    pytest.param({"tags": {"project": PROJECT_TAG, "environment": "prod"}}, {}, None, id="of this environment"),
    pytest.param(
        {"tags": {"project": PROJECT_TAG, "environment": "dev"}}, {}, "environment 'dev'", id="another environment"
    ),
    pytest.param(
        {"use_cases": frozenset({"docs", "faq"})}, {"use_case": "docs"}, "faq also uses it", id="another use case"
    ),
    pytest.param(
        {"more": ["s3://train/elsewhere/a.csv"]},
        {},
        "1 object (s3://train/elsewhere/a.csv) outside",
        id="objects outside the project root",
    ),
    pytest.param({"more": ["s3://train/distillery/a.csv"]}, {}, "outside", id="a prefix that begins like ours"),
    pytest.param({}, {"run_objects": False}, "4 objects (", id="runs are kept"),
]


@pytest.mark.parametrize(("changes", "choice", "reason"), BUCKETS)
def test_a_bucket_is_deleted_when_the_clean_up_leaves_nothing_in_it(
    changes: Any, choice: Any, reason: str | None
) -> None:
    more = changes.get("more", [])
    listed = bucket(*more, **{name: value for name, value in changes.items() if name != "more"})
    item = only(
        plan(roots=[root()], buckets=[listed], choice={"confirm_buckets": "train", **choice}), ResourceKind.BUCKET
    )
    assert item.keep_reason is None if reason is None else reason in str(item.keep_reason)


def test_a_bucket_is_kept_while_a_use_case_cannot_be_read() -> None:
    parts = {"roots": [root()], "buckets": [bucket()], "broken": ["faq.yaml: bad"]}
    assert "faq.yaml: bad" in str(
        only(plan(choice={"confirm_buckets": "train"}, **parts), ResourceKind.BUCKET).keep_reason
    )


def test_files_that_bedrock_wrote_about_training_jobs_are_deleted_only_with_their_bucket() -> None:
    metrics = f"{ROOT}/training/0123/loss.csv"
    roots = [root(objects=[*run_objects(), *objects(metrics)])]
    item = only(plan(roots=roots, buckets=[bucket(metrics)], choice={"confirm_buckets": "train"}), ResourceKind.BUCKET)
    assert (item.keep_reason, item.uris) == (None, (metrics,))
    assert metrics not in {uri for item in plan(roots=roots).to_delete for uri in item.uris}


def test_a_bucket_whose_name_was_not_typed_is_kept() -> None:
    assert only(plan(roots=[root()]), ResourceKind.BUCKET).keep_reason == "its name was not entered in the form"


def test_a_resource_is_deleted_before_the_resources_that_it_uses() -> None:
    stored = [*run_objects(), *objects(f"{ROOT}/datasets/{HASH}/train.jsonl", f"{ROOT}/responses/m/ab/{HASH}.json")]
    made = plan(
        endpoints=[throughput()],
        models=[model()],
        roots=[root(objects=stored)],
        buckets=[bucket(*(entry.uri for entry in stored))],
        choice={**EVERYTHING, "confirm_buckets": " train ,"},
    )
    assert [item.kind for item in made.to_delete] == [
        ResourceKind.THROUGHPUT, ResourceKind.CUSTOM_MODEL, ResourceKind.RUN, ResourceKind.DATASETS,
        ResourceKind.PAID_ANSWERS, ResourceKind.BUCKET,
    ]  # fmt: skip
    assert made.to_keep == []


def test_a_release_record_is_planned_only_for_a_run_that_is_kept() -> None:
    kept = plan(endpoints=[throughput()], roots=[root()], choice={"run_objects": False})
    assert only(kept, ResourceKind.THROUGHPUT).release_record == f"{RUN}/serving/tuned/released-s1.json"
    deleted = plan(endpoints=[throughput()], roots=[root()], choice={"newest_reports": True})
    assert only(deleted, ResourceKind.THROUGHPUT).release_record is None


def test_a_second_release_record_gets_the_next_ordinal() -> None:
    stored = [*run_objects(), *objects(f"{RUN}/serving/tuned/released-s1.json")]
    made = plan(endpoints=[throughput()], roots=[root(objects=stored)], choice={"run_objects": False})
    assert only(made, ResourceKind.THROUGHPUT).release_record == f"{RUN}/serving/tuned/released-s2.json"


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
def test_foreign_resources_are_kept_whatever_is_chosen_and_every_object_is_listed_once(
    throughput_tags: Any, model_tags: Any, mark: str | None, choice: Any
) -> None:
    strange = objects(
        f"{ROOT}/mine/docs/a.json", f"{ROOT}/datasets/mine.csv", f"{ROOT}/notes.txt", f"{ROOT}/champions/docs.json"
    )
    stored = [
        *run_objects(),
        *objects(LIST_ENTRY),
        *strange,
        *objects(f"{ROOT}/datasets/{HASH}/train.jsonl", f"{ROOT}/training/x/loss.csv"),
    ]
    made = plan(
        endpoints=[throughput(tags=throughput_tags)],
        models=[model(tags=model_tags)],
        roots=[root(objects=stored, runs={RUN: RunInfo(mark, 24)} if mark else {})],
        buckets=[bucket(*(entry.uri for entry in stored))],
        choice=choice,
    )
    deleted_arns = {item.arn for item in made.to_delete if item.arn}
    assert "arn:pt-1" not in deleted_arns or throughput_tags.get("project") == PROJECT_TAG
    assert "arn:m-1" not in deleted_arns or (model_tags.get("project") == PROJECT_TAG and {"arn:pt-1"} <= deleted_arns)
    deleted = {uri for item in made.to_delete for uri in (*item.uris, *item.marks)}
    assert not deleted & {entry.uri for entry in strange}
    assert only(made, ResourceKind.BUCKET).keep_reason
    listed = [uri for item in made.items if item.kind is not ResourceKind.BUCKET for uri in (*item.uris, *item.marks)]
    assert sorted(listed) == sorted(entry.uri for entry in stored)
