"""Check that an evaluation job is bought once, whatever happens to the task, to the job or to its results."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import ConflictError, JobFailedError, RefusedError, TransientError
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze

DATA = "Unable to parse Amazon S3 file: dataset.jsonl. Data files must conform to JSONL format."


def see_the_end(store: MemoryStore, evaluations: FakeEvaluationJobs, arn: str) -> None:
    """Record the end of a job, as the task ``wait`` does."""
    job = evaluations.jobs[arn]
    EndedEvaluationJobs(store, FOLDER).add(
        {
            "job_name": job.name,
            "job_arn": arn,
            "status": job.status,
            "message": job.message,
            "output_uri": job.output_uri,
        }
    )


def set_clock(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Set the clock of the task to some minutes after a fixed time."""
    now = CREATED + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr("bedrock_distill.operators.evaluation_job.utc_now", lambda: now)


def hide_existing_jobs(monkeypatch: pytest.MonkeyPatch, evaluations: FakeEvaluationJobs) -> None:
    """Let the list of jobs be without the jobs that exist now."""
    hidden, find = [job.name for job in evaluations.jobs.values()], evaluations.find

    def create(request: Any) -> str:
        if request.name in hidden:
            raise ConflictError("The provided job name is currently in use.")
        return FakeEvaluationJobs.create(evaluations, request)

    monkeypatch.setattr(evaluations, "create", create)
    monkeypatch.setattr(evaluations, "find", lambda name: None if name in hidden else find(name))


class TestFound:
    @pytest.mark.parametrize("status", ["InProgress", "Stopping", "Completed"])
    def test_a_job_that_runs_or_has_results_is_not_bought_again(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, status: str
    ) -> None:
        first = submit_evaluation()
        evaluations.end(first["job_arn"], status)
        assert submit_evaluation() == {**first, "bought": False}
        assert len(evaluations.requests) == 1

    def test_a_purchase_whose_response_was_lost_is_found(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs
    ) -> None:
        evaluations.lose_next_answer = TransientError("connection lost")
        manifest = submit_evaluation()
        assert [manifest["job_arn"]] == list(evaluations.jobs)
        assert manifest["bought"]

    def test_a_task_that_died_after_buying_finds_its_job(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs
    ) -> None:
        evaluations.lose_next_answer = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            submit_evaluation()
        assert [submit_evaluation()["job_arn"]] == list(evaluations.jobs)

    def test_a_job_of_another_environment_is_not_used(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, bedrock: FakeBedrock
    ) -> None:
        arn = submit_evaluation()["job_arn"]
        bedrock.tags_of[arn]["environment"] = "prod"
        with pytest.raises(RefusedError, match=r"(?s)belongs to environment prod.*Nothing was bought"):
            submit_evaluation()

    @pytest.mark.parametrize("field", ["role_arn", "dataset_uri", "output_uri"])
    def test_a_job_with_other_locations_is_not_used(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, field: str
    ) -> None:
        evaluations.put(submit_evaluation()["job_arn"], **{field: "other"})
        with pytest.raises(RefusedError, match=r"its .* is other, expected"):
            submit_evaluation()


class TestNextAttempt:
    @pytest.mark.parametrize("status", ["Stopped", "Failed", "Deleting"])
    def test_a_job_without_results_is_followed_by_the_next_attempt(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, status: str
    ) -> None:
        first = submit_evaluation()
        evaluations.end(first["job_arn"], status, "internal error")
        second = submit_evaluation()
        assert second["job_name"] == f"{first['job_name']}-a2"
        assert (second["attempt"], second["bought"]) == (2, True)

    def test_a_job_whose_results_were_deleted_is_bought_again(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore
    ) -> None:
        arn = submit_evaluation()["job_arn"]
        evaluations.end(arn)
        for uri in store.list(evaluations.folder(arn)):
            store.delete(uri)
        assert submit_evaluation()["attempt"] == 2

    def test_a_job_that_failed_because_of_its_data_is_not_bought_again(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs
    ) -> None:
        evaluations.end(submit_evaluation()["job_arn"], "Failed", DATA)
        with pytest.raises(JobFailedError, match=r"(?s)failed on the same data.*This task bought nothing.*preflight"):
            submit_evaluation()
        assert len(evaluations.requests) == 1

    def test_the_number_of_attempts_is_limited(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"], "max_attempts": 2}})
        for _ in range(2):
            evaluations.end(submit_evaluation()["job_arn"], "Stopped")
        with pytest.raises(JobFailedError, match=r"(?s)All 2 evaluation jobs.*evaluations\.pointwise\.max_attempts"):
            submit_evaluation()
        assert len(evaluations.requests) == 2


class TestDeletedJob:
    def test_a_completed_job_that_was_deleted_is_not_bought_again_while_its_results_are_stored(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore
    ) -> None:
        first = submit_evaluation()
        evaluations.end(first["job_arn"])
        see_the_end(store, evaluations, first["job_arn"])
        evaluations.delete([first["job_arn"]])
        assert submit_evaluation() == {**first, "bought": False}
        for uri in store.list(evaluations.folder(first["job_arn"])):
            store.delete(uri)
        assert submit_evaluation()["attempt"] == 2

    @pytest.mark.parametrize("status", ["Stopped", "Failed"])
    def test_the_request_token_of_a_deleted_job_is_not_used_again(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore, status: str
    ) -> None:
        """AWS would answer the same token with the ARN of the deleted job."""
        first = submit_evaluation()
        evaluations.end(first["job_arn"], status)
        see_the_end(store, evaluations, first["job_arn"])
        evaluations.delete([first["job_arn"]])
        second = submit_evaluation()
        assert (second["attempt"], second["bought"]) == (2, True)
        assert second["job_arn"] in evaluations.jobs

    def test_a_job_that_was_deleted_before_its_end_was_seen_is_followed_by_the_next_attempt(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS may answer the same token with the ARN of the deleted job for ever."""
        first = submit_evaluation()
        evaluations.end(first["job_arn"], "Failed", "internal error")
        evaluations.delete([first["job_arn"]])
        for minutes in (0, 4):
            set_clock(monkeypatch, minutes)
            with pytest.raises(TransientError, match=r"(?s)someone deleted it.*the next attempt is bought, at most"):
                submit_evaluation()
        assert len(evaluations.requests) == 1
        set_clock(monkeypatch, 5)
        second = submit_evaluation()
        assert (second["attempt"], second["bought"]) == (2, True)
        assert submit_evaluation() == {**second, "bought": False}

    def test_a_new_job_that_bedrock_shows_late_is_not_bought_twice(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_clock(monkeypatch, 0)
        with monkeypatch.context() as late:
            late.setattr(evaluations, "get", lambda arn: None)
            late.setattr(evaluations, "find", lambda name: None)
            with pytest.raises(TransientError, match="not shown yet"):
                submit_evaluation()
        set_clock(monkeypatch, 60)
        monkeypatch.setattr(evaluations, "find", lambda name: None)  # the list of jobs is still incomplete
        assert [submit_evaluation()["job_arn"]] == list(evaluations.jobs)
        assert len(evaluations.requests) == 1

    def test_a_refused_request_without_an_arn_uses_the_job_once_bedrock_lists_it(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job of an earlier attempt or of another run is not listed yet, and Bedrock refuses to buy it again."""
        first = submit_evaluation()
        set_clock(monkeypatch, 0)
        with monkeypatch.context() as late:
            hide_existing_jobs(late, evaluations)
            with pytest.raises(TransientError, match=r"(?s)name is currently in use\)\. Either.*not shown yet.*Wait 5"):
                submit_evaluation()
        set_clock(monkeypatch, 60)
        assert submit_evaluation() == {**first, "bought": False}
        assert len(evaluations.requests) == 1

    def test_a_deleted_job_whose_request_is_refused_without_an_arn_is_followed_by_the_next_attempt(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit_evaluation()
        hide_existing_jobs(monkeypatch, evaluations)
        for minutes in (0, 4):
            set_clock(monkeypatch, minutes)
            with pytest.raises(TransientError, match=r"(?s)someone deleted it.*the next attempt is bought, at most"):
                submit_evaluation()
        set_clock(monkeypatch, 5)
        second = submit_evaluation()
        assert (second["attempt"], second["bought"]) == (2, True)

    def test_a_data_fault_of_a_deleted_job_is_remembered(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore
    ) -> None:
        arn = submit_evaluation()["job_arn"]
        evaluations.end(arn, "Failed", DATA)
        see_the_end(store, evaluations, arn)
        evaluations.delete([arn])
        with pytest.raises(JobFailedError, match="same data"):
            submit_evaluation()


class TestRefused:
    def test_without_an_approved_spending_nothing_is_bought(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(task: Any) -> None:
            raise RefusedError("not approved")

        monkeypatch.setattr("bedrock_distill.operators.evaluation_job.require_approved_spending", refuse)
        with pytest.raises(RefusedError, match="not approved"):
            submit_evaluation()
        assert evaluations.requests == {}

    @pytest.mark.parametrize(
        ("error", "billed"),
        [
            (RefusedError("access denied"), "Bedrock refused the job, so nothing was bought"),
            (ConflictError("in use"), "If Bedrock accepted the job, its scores are billed, at most about"),
            (TransientError("lost"), "If Bedrock accepted the job, its scores are billed, at most about"),
        ],
    )
    def test_the_error_says_whether_a_job_may_be_billed(
        self, submit_evaluation: Any, evaluations: FakeEvaluationJobs, error: Exception, billed: str
    ) -> None:
        def refuse() -> None:
            raise error

        evaluations.before_create = refuse
        with pytest.raises(TransientError if isinstance(error, ConflictError) else type(error)):
            submit_evaluation()
        assert billed in submit_evaluation.task.billed_now(error)

    def test_before_the_request_nothing_can_be_billed(self, submit_evaluation: Any, store: MemoryStore) -> None:
        store.delete(FOLDER.source("evaluation"))
        with pytest.raises(Exception, match="evaluation"):
            submit_evaluation()
        assert "This attempt bought nothing." in submit_evaluation.task.billed_now(Exception())
        submit_evaluation.task.attempt = 1
        assert "had not submitted the job yet" in submit_evaluation.task.billed_now(Exception())
