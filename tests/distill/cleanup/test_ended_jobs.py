from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.distill.cleanup.ended_jobs import not_ended, not_our_job
from include.distill.cleanup.plan import ListedJob, ResourceKind
from include.distill.core.naming import evaluation_name, optimization_name
from tests.distill.cleanup.test_rules import (
    FINGERPRINT,
    HASH,
    NOW,
    OLD,
    ROOT,
    RUN,
    TAGS,
    objects,
    plan,
    root,
    run_objects,
)

JOB_TAGS = {**TAGS, "evaluator": "nova-pro"}
NAMES = [evaluation_name("prod", "docs", "tuned", "nova-pro", FINGERPRINT, attempt) for attempt in (1, 2)]
OPTIMIZATION_NAMES = [optimization_name("prod", "docs", "tuned", FINGERPRINT, attempt) for attempt in (1, 2)]
JOB = ListedJob(
    NAMES[0], "arn:evaluation-job/1", OLD, JOB_TAGS, None, kind=ResourceKind.EVALUATION_JOB, status="Completed"
)
OPTIMIZATION = ListedJob(
    OPTIMIZATION_NAMES[0],
    "arn:advanced-prompt-optimization-job/1",
    OLD,
    TAGS,
    None,
    kind=ResourceKind.OPTIMIZATION_JOB,
    status="Completed",
)
JOBS = pytest.mark.parametrize("job", [JOB, OPTIMIZATION], ids=["evaluation", "optimization"])
FIELDS = {ResourceKind.EVALUATION_JOB: "evaluation_jobs", ResourceKind.OPTIMIZATION_JOB: "optimization_jobs"}
TITLES = {
    ResourceKind.EVALUATION_JOB: "Evaluation jobs",
    ResourceKind.OPTIMIZATION_JOB: "Prompt optimization jobs",
}


def listed(job: ListedJob = JOB, **changes: Any) -> ListedJob:
    return dataclasses.replace(job, **changes)


@pytest.mark.parametrize(
    ("job", "name"), [*((JOB, name) for name in NAMES), *((OPTIMIZATION, name) for name in OPTIMIZATION_NAMES)]
)
def test_a_job_with_the_name_of_its_tags_is_ours(job: ListedJob, name: str) -> None:
    assert not_our_job(listed(job, name=name), "prod") is None


def test_a_job_with_the_name_of_a_job_of_another_kind_is_not_ours() -> None:
    assert not_our_job(listed(name=OPTIMIZATION.name), "prod")
    assert not_our_job(listed(OPTIMIZATION, name=JOB.name, tags=JOB_TAGS), "prod")


def test_a_job_that_the_labeling_dag_bought_in_the_folder_of_another_run_is_ours() -> None:
    tags = {**JOB_TAGS, "dag-id": "distill_label__docs", "run-id": "manual"}
    assert not_our_job(listed(tags=tags), "prod") is None


@JOBS
@pytest.mark.parametrize(
    ("changed", "removed", "reason"),
    [
        ({}, ("project",), "no tag project"),
        ({"environment": "test"}, (), "belongs to environment 'test'"),
        ({}, ("environment",), "belongs to environment None"),
        ({"arm": "base"}, (), "its name does not match its tags"),
        ({}, ("fingerprint",), "its name does not match its tags"),
    ],
)
def test_any_other_job_is_left_alone(
    job: ListedJob, changed: dict[str, str], removed: tuple[str, ...], reason: str
) -> None:
    tags = {key: value for key, value in {**job.tags, **changed}.items() if key not in removed}
    assert reason in str(not_our_job(listed(job, tags=tags), "prod"))


@JOBS
def test_a_job_with_a_name_that_a_person_chose_is_left_alone(job: ListedJob) -> None:
    assert "its name does not match its tags" in str(not_our_job(listed(job, name="mine"), "prod"))


ENDED = ("Completed", "PartiallyCompleted", "Failed", "Stopped")


@pytest.mark.parametrize("status", [*ENDED, "InProgress", "Stopping", "Deleting", "New"])
def test_only_a_job_that_has_ended_can_be_deleted(status: str) -> None:
    assert (not_ended(listed(status=status)) is None) is (status in ENDED)


class TestPlan:
    def reason(self, job: ListedJob, **choice: Any) -> str | None:
        [item] = [
            item for item in plan(jobs=[job], choice={FIELDS[job.kind]: True, **choice}).items if item.kind is job.kind
        ]
        assert (item.name, item.arn, item.uris) == (job.name, job.arn, ())
        return item.keep_reason

    @JOBS
    def test_a_job_is_deleted_only_on_request(self, job: ListedJob) -> None:
        assert self.reason(job) is None
        refused = str(self.reason(job, **{FIELDS[job.kind]: False}))
        assert f"'{TITLES[job.kind]}' was not ticked" in refused

    @JOBS
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"status": "InProgress"}, "its status is InProgress"),
            ({"run_state": "running"}, "its run nightly is running"),
            ({"created": NOW.replace(year=2027)}, "newer than the listing"),
            ({"tags": {**JOB_TAGS, "environment": "test"}}, "belongs to environment"),
        ],
    )
    def test_a_job_that_is_needed_or_not_ours_is_kept(
        self, job: ListedJob, changes: dict[str, Any], reason: str
    ) -> None:
        assert reason in str(self.reason(listed(job, **changes)))

    @pytest.mark.parametrize(
        ("kind", "key"),
        [
            (ResourceKind.EVALUATION_FILES, f"evaluations/{HASH}/dataset.jsonl"),
            (
                ResourceKind.EVALUATION_FILES,
                "evaluations/0123456789abcdef/prod-docs-tuned-1/abc123def456/models/m/taskTypes/General/x.jsonl",
            ),
            (
                ResourceKind.EVALUATION_FILES,
                "evaluations/0123456789abcdef/prod-docs-tuned-1/abc123def456/custom_metrics/grounded.json",
            ),
            (ResourceKind.OPTIMIZATION_FILES, f"prompt_optimizations/{HASH}/input.jsonl"),
            (
                ResourceKind.OPTIMIZATION_FILES,
                "prompt_optimizations/0123456789abcdef/abc123def456/advanced_prompt_optimization_results.jsonl",
            ),
        ],
    )
    def test_files_of_jobs_are_deleted_with_the_paid_answers(self, kind: ResourceKind, key: str) -> None:
        def items(**choice: Any) -> list[str | None]:
            made = plan(roots=[root(objects=objects(f"{ROOT}/{key}"))], choice=choice)
            return [item.keep_reason for item in made.items if item.kind is kind]

        assert items(paid_answers=True) == [None]
        assert items() == ["'Paid answers' was not ticked"]

    @pytest.mark.parametrize(
        ("kind", "other", "record", "jobs"),
        [
            (ResourceKind.EVALUATION_FILES, "evaluations/notes.txt", "ended_evaluations/job.json", "evaluation jobs"),
            (
                ResourceKind.OPTIMIZATION_FILES,
                f"prompt_optimizations/{HASH}/notes.txt",
                "ended_optimizations/job.missing.json",
                "prompt optimization jobs",
            ),
        ],
    )
    def test_other_files_and_the_records_of_ended_jobs_are_kept(
        self, kind: ResourceKind, other: str, record: str, jobs: str
    ) -> None:
        uris = [f"{ROOT}/{other}", f"{ROOT}/{record}"]
        made = plan(roots=[root(objects=objects(*uris))], choice={"paid_answers": True})
        assert {item.kind: item.keep_reason for item in made.items if set(item.uris) & set(uris)} == {
            kind: "this pipeline did not choose their names, so they may be someone else's",
            ResourceKind.RECORDS: f"it records how {jobs} ended, so that none is bought twice, and is deleted with its"
            " bucket",
        }

    def test_the_optimized_prompts_of_a_run_are_deleted_with_its_folder(self) -> None:
        prompt = f"{RUN}/optimized_prompts/prompted.json"
        made = plan(roots=[root(objects=[*run_objects(), *objects(prompt)])], choice={"newest_reports": True})
        [run] = made.deletions(ResourceKind.RUN)
        assert prompt in run.uris
