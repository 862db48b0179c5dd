from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.distill.cleanup.evaluation_jobs import not_ended, not_our_job
from include.distill.cleanup.plan import ListedEvaluationJob, ResourceKind
from include.distill.core.naming import evaluation_name
from tests.distill.cleanup.test_rules import FINGERPRINT, HASH, NOW, OLD, ROOT, TAGS, objects, plan, root

JOB_TAGS = {**TAGS, "evaluator": "nova-pro"}
NAME = evaluation_name("prod", "docs", "tuned", "nova-pro", FINGERPRINT, 1)
SECOND = evaluation_name("prod", "docs", "tuned", "nova-pro", FINGERPRINT, 2)
JOB = ListedEvaluationJob(NAME, "arn:evaluation-job/1", OLD, JOB_TAGS, None, status="Completed")


def listed(**changes: Any) -> ListedEvaluationJob:
    return dataclasses.replace(JOB, **changes)


@pytest.mark.parametrize("name", [NAME, SECOND])
def test_a_job_with_the_name_of_its_tags_is_ours(name: str) -> None:
    assert not_our_job(listed(name=name), "prod") is None


def test_a_job_that_the_labeling_dag_bought_in_the_folder_of_another_run_is_ours() -> None:
    tags = {**JOB_TAGS, "dag-id": "distill_label__docs", "run-id": "manual"}
    assert not_our_job(listed(tags=tags), "prod") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tags": {}}, "no tag project"),
        ({"tags": {**JOB_TAGS, "environment": "test"}}, "belongs to environment 'test'"),
        ({"tags": {k: v for k, v in JOB_TAGS.items() if k != "environment"}}, "belongs to environment None"),
        ({"tags": {**JOB_TAGS, "arm": "base"}}, "its name does not match its tags"),
        ({"tags": {k: v for k, v in JOB_TAGS.items() if k != "fingerprint"}}, "its name does not match its tags"),
        ({"name": "mine"}, "its name does not match its tags"),
    ],
)
def test_any_other_job_is_left_alone(changes: dict[str, Any], reason: str) -> None:
    assert reason in str(not_our_job(listed(**changes), "prod"))


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", "InProgress", "Stopping", "Deleting", "New"])
def test_only_a_job_that_has_ended_can_be_deleted(status: str) -> None:
    assert (not_ended(listed(status=status)) is None) is (status in ("Completed", "Failed", "Stopped"))


class TestPlan:
    def reason(self, job: ListedEvaluationJob = JOB, **choice: Any) -> str | None:
        [item] = [
            item
            for item in plan(evaluation_jobs=[job], choice={"evaluation_jobs": True, **choice}).items
            if item.kind is ResourceKind.EVALUATION_JOB
        ]
        assert (item.name, item.arn, item.uris) == (job.name, job.arn, ())
        return item.keep_reason

    def test_a_job_is_deleted_only_on_request(self) -> None:
        assert self.reason() is None
        assert "'Evaluation jobs' was not ticked" in str(self.reason(evaluation_jobs=False))

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"status": "InProgress"}, "its status is InProgress"),
            ({"run_state": "running"}, "its run nightly is running"),
            ({"created": NOW.replace(year=2027)}, "newer than the listing"),
            ({"tags": {**JOB_TAGS, "environment": "test"}}, "belongs to environment"),
        ],
    )
    def test_a_job_that_is_needed_or_not_ours_is_kept(self, changes: dict[str, Any], reason: str) -> None:
        assert reason in str(self.reason(listed(**changes)))

    @pytest.mark.parametrize(
        "uri",
        [
            f"{ROOT}/evaluations/{HASH}/dataset.jsonl",
            f"{ROOT}/evaluations/0123456789abcdef/prod-docs-tuned-1/abc123def456/models/m/taskTypes/General/x.jsonl",
            f"{ROOT}/evaluations/0123456789abcdef/prod-docs-tuned-1/abc123def456/custom_metrics/grounded.json",
        ],
    )
    def test_files_of_jobs_are_deleted_with_the_paid_answers(self, uri: str) -> None:
        def items(**choice: Any) -> list[str | None]:
            made = plan(roots=[root(objects=objects(uri))], choice=choice)
            return [item.keep_reason for item in made.items if item.kind is ResourceKind.EVALUATION_FILES]

        assert items(paid_answers=True) == [None]
        assert items() == ["'Paid answers' was not ticked"]

    def test_other_files_and_the_records_of_ended_jobs_are_kept(self) -> None:
        other, record = f"{ROOT}/evaluations/notes.txt", f"{ROOT}/ended_evaluations/job.json"
        made = plan(roots=[root(objects=objects(other, record))], choice={"paid_answers": True})
        assert {item.kind: item.keep_reason for item in made.items if item.uris in ((other,), (record,))} == {
            ResourceKind.EVALUATION_FILES: "this pipeline did not choose their names, so they may be someone else's",
            ResourceKind.RECORDS: "it records how evaluation jobs ended, so that none is bought twice, and is deleted"
            " with its bucket",
        }
