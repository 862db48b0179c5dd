"""Which runs have ended, which reports are kept, and when the training bucket can be deleted."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.cleanup.plan import ResourceKind, RunInfo
from include.distill.core.naming import run_key
from tests.distill.cleanup.test_rules import (
    KEY,
    LIST_ENTRY,
    NOW,
    OLD,
    ROOT,
    RUN,
    bucket,
    model,
    objects,
    only,
    plan,
    root,
    run_objects,
)

STATES = [
    pytest.param("success", {}, None, id="ended without a report, such as a dry run"),
    pytest.param("failed", {}, None, id="refused or failed"),
    pytest.param("running", {"include_unexpired": True}, "its run is running", id="running, ticked"),
    pytest.param("queued", {"include_unexpired": True}, "its run is queued", id="queued, ticked"),
    pytest.param(None, {}, "may run until", id="unknown"),
]


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(("state", "choice", "reason"), STATES)
def test_airflows_state_of_a_run_decides_whether_it_has_ended(
    state: str | None, choice: Any, reason: str | None, *, finished: bool
) -> None:
    """A run that has a report may still be running, for example while it waits for an approval."""
    stored = run_objects(finished=finished, modified=NOW - datetime.timedelta(hours=1))
    listed = root(objects=stored, runs={RUN: RunInfo("docs", 24, "prod", state)})
    made = plan(models=[model()], roots=[listed], choice={"newest_reports": True, **choice})
    kept = only(made, ResourceKind.RUN).keep_reason, only(made, ResourceKind.CUSTOM_MODEL).keep_reason
    if reason is None or (finished and state is None):
        assert kept == (None, None)
    else:
        assert reason in str(kept[0])
        assert f"run {KEY} has not ended" in str(kept[1])


class TestNewestReport:
    """A plain clean-up keeps the report that a person would miss."""

    OLDER = f"{ROOT}/runs/docs/{run_key('distill_docs', 'before')}"
    FAQ = f"{ROOT}/runs/faq/{run_key('distill_faq', 'nightly')}"

    def kept(self, *, champions: frozenset[str] = frozenset(), **choice: Any) -> dict[str, str | None]:
        earlier = OLD - datetime.timedelta(days=1)
        stored = [*run_objects(), *run_objects(self.OLDER, modified=earlier), *run_objects(self.FAQ, modified=earlier)]
        runs = {RUN: RunInfo("docs", 24), self.OLDER: RunInfo("docs", 24), self.FAQ: RunInfo("faq", 24)}
        listed = root(objects=stored, runs=runs, use_cases=frozenset({"docs", "faq"}), champions=champions)
        made = plan(roots=[listed], choice=choice)
        return {item.name: item.keep_reason for item in made.items if item.kind is ResourceKind.RUN}

    def test_the_newest_run_with_a_report_of_each_use_case_is_kept(self) -> None:
        kept = self.kept()
        assert kept[self.OLDER] is None
        assert "it is the newest run of docs with a report; tick 'Newest reports'" in str(kept[RUN])
        assert "it is the newest run of faq with a report" in str(kept[self.FAQ])

    def test_the_run_that_promoted_the_champion_is_kept(self) -> None:
        kept = self.kept(champions=frozenset({f"{self.OLDER}/report/report.json"}))
        assert "its report is the evidence for the champion" in str(kept[self.OLDER])

    @pytest.mark.parametrize("choice", [{"newest_reports": True}, {"confirm_buckets": "train"}])
    def test_they_are_deleted_if_the_form_says_so_or_names_their_bucket(self, choice: Any) -> None:
        assert set(self.kept(**choice, champions=frozenset({f"{RUN}/report/report.json"})).values()) == {None}

    @pytest.mark.parametrize(
        ("parts", "choice", "reason"),
        [
            ({"buckets": [bucket("s3://train/elsewhere/file")]}, {}, "outside this project's prefix"),
            ({"buckets": [bucket(tags={})]}, {}, "it does not belong to this project"),
            ({"buckets": [bucket(versioned=True)]}, {}, "older versions"),
            ({"buckets": [bucket(use_cases=frozenset({"docs", "faq"}))]}, {"use_case": "docs"}, "also uses it"),
            ({"buckets": [bucket(f"{ROOT}/champions/docs.json")]}, {}, "it still has 1 object"),
        ],
    )
    def test_they_are_kept_if_the_form_names_their_bucket_but_the_bucket_is_kept(
        self, parts: Any, choice: Any, reason: str
    ) -> None:
        """Naming a bucket that cannot be deleted must not cost a report."""
        champion = objects(f"{ROOT}/champions/docs.json")
        made = plan(
            roots=[root(objects=[*run_objects(), *champion])], choice={"confirm_buckets": "train", **choice}, **parts
        )
        assert reason in str(only(made, ResourceKind.BUCKET).keep_reason)
        assert "it is the newest run of docs with a report" in str(only(made, ResourceKind.RUN).keep_reason)

    def test_they_are_deleted_with_their_bucket(self) -> None:
        stored = run_objects()
        listed = bucket(*(one.uri for one in stored))
        made = plan(roots=[root(objects=stored)], buckets=[listed], choice={"confirm_buckets": "train"})
        assert {item.kind for item in made.items if item.keep_reason is None} == {ResourceKind.RUN, ResourceKind.BUCKET}

    def test_another_bucket_in_the_form_does_not_count(self) -> None:
        assert self.kept(confirm_buckets="other")[RUN] is not None

    def test_a_newer_run_without_a_report_does_not_count(self) -> None:
        stored = [*run_objects(), *run_objects(self.OLDER, finished=False, modified=NOW)]
        runs = {RUN: RunInfo("docs", 24), self.OLDER: RunInfo("docs", 24, state="failed")}
        made = plan(roots=[root(objects=stored, runs=runs)])
        assert [item.name for item in made.deletions(ResourceKind.RUN)] == [self.OLDER]


def test_a_bucket_is_deleted_with_the_records_that_the_pipeline_itself_wrote_there() -> None:
    orphan = LIST_ENTRY.replace(KEY, run_key("distill_docs", "deleted"))
    records = (f"{ROOT}/latest/docs.json", orphan, f"{ROOT}/splits/docs.jsonl")
    roots = [root(objects=[*run_objects(), *objects(*records)])]
    made = plan(roots=roots, buckets=[bucket(*records)], choice={"confirm_buckets": "train"})
    item = only(made, ResourceKind.BUCKET)
    assert (item.keep_reason, item.uris) == (None, records)
    kept = plan(roots=roots, buckets=[bucket(*records)], choice={"confirm_buckets": "train", "run_objects": False})
    assert only(kept, ResourceKind.BUCKET).keep_reason
    assert not {uri for item in plan(roots=roots).to_delete for uri in item.uris}.intersection(records)


def test_a_bucket_with_the_record_of_a_champion_is_kept() -> None:
    record = f"{ROOT}/champions/docs.json"
    made = plan(
        roots=[root(objects=[*run_objects(), *objects(record)])],
        buckets=[bucket(record)],
        choice={"confirm_buckets": "train"},
    )
    assert f"1 object ({record})" in str(only(made, ResourceKind.BUCKET).keep_reason)
