"""Check that a job of any kind is bought once, whatever happens to the task, to the job or to its results."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.core.errors import (
    ConflictError,
    EndedAttemptError,
    JobFailedError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

DATA = "Unable to parse Amazon S3 file: dataset.jsonl. Data files must conform to JSONL format."


@pytest.fixture(params=["submit_evaluation", "submit_optimization"])
def submit(request: pytest.FixtureRequest) -> Any:
    """Submits an evaluation job, and in another test a prompt optimization job."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def jobs(submit: Any) -> Any:
    return submit.jobs


def see_the_end(submit: Any, arn: str) -> None:
    """Record the end of a job, as the task ``wait`` does."""
    job = submit.jobs.jobs[arn]
    submit.task.ended_jobs.add(
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
    monkeypatch.setattr("bedrock_distill.operators.named_job.utc_now", lambda: now)


def hide_existing_jobs(monkeypatch: pytest.MonkeyPatch, jobs: Any) -> None:
    """Let the list of jobs be without the jobs that exist now."""
    hidden, find = [job.name for job in jobs.jobs.values()], jobs.find

    def create(request: Any) -> str:
        if request.name in hidden:
            raise ConflictError("The provided job name is currently in use.")
        return type(jobs).create(jobs, request)

    monkeypatch.setattr(jobs, "create", create)
    monkeypatch.setattr(jobs, "find", lambda name: None if name in hidden else find(name))


class TestFound:
    @pytest.mark.parametrize("status", ["InProgress", "Completed"])
    def test_a_job_that_runs_or_has_results_is_not_bought_again(self, submit: Any, jobs: Any, status: str) -> None:
        first = submit()
        jobs.end(first["job_arn"], status)
        assert submit() == {**first, "bought": False}
        assert len(jobs.requests) == 1

    def test_a_purchase_whose_response_was_lost_is_found(self, submit: Any, jobs: Any) -> None:
        jobs.lose_next_answer = TransientError("connection lost")
        manifest = submit()
        assert [manifest["job_arn"]] == list(jobs.jobs)
        assert manifest["bought"]

    def test_a_task_that_died_after_buying_finds_its_job(self, submit: Any, jobs: Any) -> None:
        jobs.lose_next_answer = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            submit()
        assert [submit()["job_arn"]] == list(jobs.jobs)

    def test_an_old_copy_buys_no_job(self, submit: Any, jobs: Any, context: Any) -> None:
        context["ti"].get_task_states = lambda **_: {"r": {"t": "success"}}
        with pytest.raises(EndedAttemptError, match="so this process did not buy"):
            submit()
        assert jobs.jobs == {}

    def test_a_job_of_another_environment_is_not_used(self, submit: Any, jobs: Any, bedrock: FakeBedrock) -> None:
        arn = submit()["job_arn"]
        bedrock.tags_of[arn]["environment"] = "prod"
        with pytest.raises(RefusedError, match=r"(?s)belongs to environment prod.*Nothing was bought"):
            submit()


class TestNextAttempt:
    @pytest.mark.parametrize("status", ["Stopping", "Stopped"])
    def test_a_job_that_another_run_bought_and_stopped_during_the_purchase_is_not_used(
        self, submit: Any, jobs: Any, status: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create = jobs.create

        def late(request: Any) -> str:
            if not jobs.jobs:
                jobs.end(create(request), status)
            return str(create(request))

        monkeypatch.setattr(jobs, "create", late)
        manifest = submit()
        assert [job.status for job in jobs.jobs.values()] == [status, "InProgress"]
        assert (manifest["job_arn"], manifest["attempt"]) == (list(jobs.jobs)[1], 2)

    @pytest.mark.parametrize("status", ["Stopping", "Stopped", "Failed", "Deleting"])
    def test_a_job_without_results_is_followed_by_the_next_attempt(self, submit: Any, jobs: Any, status: str) -> None:
        first = submit()
        jobs.end(first["job_arn"], status, "internal error")
        second = submit()
        assert second["job_name"] == f"{first['job_name']}-a2"
        assert (second["attempt"], second["bought"]) == (2, True)

    def test_a_job_whose_results_were_deleted_is_bought_again(self, submit: Any, jobs: Any, store: MemoryStore) -> None:
        arn = submit()["job_arn"]
        jobs.end(arn)
        for uri in store.list(jobs.folder(arn)):
            store.delete(uri)
        assert submit()["attempt"] == 2

    def test_a_job_that_failed_because_of_its_data_is_not_bought_again(self, submit: Any, jobs: Any) -> None:
        jobs.end(submit()["job_arn"], "Failed", DATA)
        with pytest.raises(JobFailedError, match=r"(?s)failed on the same data.*This task bought nothing.*preflight"):
            submit()
        assert len(jobs.requests) == 1

    def test_the_number_of_attempts_is_limited(self, submit: Any, jobs: Any) -> None:
        submit.set_max_attempts(2)
        for _ in range(2):
            jobs.end(submit()["job_arn"], "Stopped")
        with pytest.raises(JobFailedError, match=r"(?s)All 2 .* jobs of .*raise \S+\.max_attempts") as error:
            submit()
        assert f"raise {submit.task.settings_key}.max_attempts" in str(error.value)
        assert len(jobs.requests) == 2

    def test_after_the_last_attempt_deleted_results_are_to_be_restored_first(
        self, submit: Any, jobs: Any, store: MemoryStore
    ) -> None:
        submit.set_max_attempts(2)
        first = submit()
        jobs.end(first["job_arn"], "Stopped")
        second = submit()
        jobs.end(second["job_arn"])
        results = {uri: store.read(uri) for uri in store.list(jobs.folder(second["job_arn"]))}
        for uri in results:
            store.delete(uri)
        with pytest.raises(JobFailedError) as error:
            submit()
        text = str(error.value)
        assert f"({first['job_name']}, status Stopped: Bedrock gave no reason; {second['job_name']}, status" in text
        assert "status Completed: its results were deleted)" in text
        lost = f"those of {second['job_name']} in {second['output_uri']}"
        assert lost in text
        assert (
            f"clear {submit.group}.submit with downstream, which uses them and buys nothing. Otherwise, raise" in text
        )
        assert "which buys the next attempt, at most about $" in text
        assert "names" not in text  # Bedrock named no cause
        for uri, body in results.items():
            store.write(uri, body)
        assert submit() == {**second, "bought": False}

    def test_after_the_last_attempt_the_causes_that_bedrock_names_are_quoted(self, submit: Any, jobs: Any) -> None:
        submit.set_max_attempts(2)
        for reason in ("internal error 1", "internal error 2"):
            jobs.end(submit()["job_arn"], "Failed", reason)
        message = r"(?s)1; .* 2\)\..*To buy another job, remove the cause that Bedrock names, and raise"
        with pytest.raises(JobFailedError, match=message):
            submit()


class TestDeletedJob:
    def test_a_completed_job_that_was_deleted_is_not_bought_again_while_its_results_are_stored(
        self, submit: Any, jobs: Any, store: MemoryStore
    ) -> None:
        first = submit()
        jobs.end(first["job_arn"])
        see_the_end(submit, first["job_arn"])
        jobs.delete([first["job_arn"]])
        assert submit() == {**first, "bought": False}
        for uri in store.list(jobs.folder(first["job_arn"])):
            store.delete(uri)
        assert submit()["attempt"] == 2

    @pytest.mark.parametrize("status", ["Stopped", "Failed"])
    def test_the_request_token_of_a_deleted_job_is_not_used_again(self, submit: Any, jobs: Any, status: str) -> None:
        """AWS would answer the same token with the ARN of the deleted job."""
        first = submit()
        jobs.end(first["job_arn"], status)
        see_the_end(submit, first["job_arn"])
        jobs.delete([first["job_arn"]])
        second = submit()
        assert (second["attempt"], second["bought"]) == (2, True)
        assert second["job_arn"] in jobs.jobs

    def test_a_job_that_was_deleted_before_its_end_was_seen_is_followed_by_the_next_attempt(
        self, submit: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS may answer the same token with the ARN of the deleted job for ever."""
        first = submit()
        jobs.end(first["job_arn"], "Failed", "internal error")
        jobs.delete([first["job_arn"]])
        for minutes in (0, 4):
            set_clock(monkeypatch, minutes)
            with pytest.raises(TransientError, match=r"(?s)someone deleted it.*the next attempt is bought, at most"):
                submit()
        assert len(jobs.requests) == 1
        set_clock(monkeypatch, 5)
        second = submit()
        assert (second["attempt"], second["bought"]) == (2, True)
        assert submit() == {**second, "bought": False}

    def test_a_new_job_that_bedrock_shows_late_is_not_bought_twice(
        self, submit: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_clock(monkeypatch, 0)
        with monkeypatch.context() as late:
            late.setattr(jobs, "get", lambda arn: None)
            late.setattr(jobs, "find", lambda name: None)
            with pytest.raises(TransientError, match="not shown yet"):
                submit()
        set_clock(monkeypatch, 60)
        monkeypatch.setattr(jobs, "find", lambda name: None)  # the list of jobs is still incomplete
        assert [submit()["job_arn"]] == list(jobs.jobs)
        assert len(jobs.requests) == 1

    def test_a_refused_request_without_an_arn_uses_the_job_once_bedrock_lists_it(
        self, submit: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job of an earlier attempt or of another run is not listed yet, and Bedrock refuses to buy it again."""
        first = submit()
        set_clock(monkeypatch, 0)
        with monkeypatch.context() as late:
            hide_existing_jobs(late, jobs)
            with pytest.raises(TransientError, match=r"(?s)name is currently in use\)\. Either.*not shown yet.*Wait 5"):
                submit()
        set_clock(monkeypatch, 60)
        assert submit() == {**first, "bought": False}
        assert len(jobs.requests) == 1

    def test_a_deleted_job_whose_request_is_refused_without_an_arn_is_followed_by_the_next_attempt(
        self, submit: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit()
        hide_existing_jobs(monkeypatch, jobs)
        for minutes in (0, 4):
            set_clock(monkeypatch, minutes)
            with pytest.raises(TransientError, match=r"(?s)someone deleted it.*the next attempt is bought, at most"):
                submit()
        set_clock(monkeypatch, 5)
        second = submit()
        assert (second["attempt"], second["bought"]) == (2, True)

    def test_a_data_fault_of_a_deleted_job_is_remembered(self, submit: Any, jobs: Any) -> None:
        arn = submit()["job_arn"]
        jobs.end(arn, "Failed", DATA)
        see_the_end(submit, arn)
        jobs.delete([arn])
        with pytest.raises(JobFailedError, match="same data"):
            submit()


class TestRefused:
    def test_without_an_approved_spending_nothing_is_bought(
        self, submit: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(task: Any) -> None:
            raise RefusedError("not approved")

        monkeypatch.setattr("bedrock_distill.operators.named_job.require_approved_spending", refuse)
        with pytest.raises(RefusedError, match="not approved"):
            submit()
        assert jobs.requests == {}

    @pytest.mark.parametrize(
        ("error", "billed"),
        [
            (RefusedError("access denied"), "Bedrock refused the job, so nothing was bought"),
            (ConflictError("in use"), "If Bedrock accepted the job, its {} are billed, at most about"),
            (TransientError("lost"), "If Bedrock accepted the job, its {} are billed, at most about"),
        ],
    )
    def test_the_error_says_whether_a_job_may_be_billed(
        self, submit: Any, jobs: Any, error: Exception, billed: str
    ) -> None:
        def refuse() -> None:
            raise error

        jobs.before_create = refuse
        with pytest.raises(TransientError if isinstance(error, ConflictError) else type(error)):
            submit()
        assert billed.format(submit.task.results) in submit.task.billed_now(error)

    def test_before_the_request_nothing_can_be_billed(self, submit: Any, store: MemoryStore) -> None:
        store.delete(FOLDER.source(submit.rows))
        with pytest.raises(NotFoundError, match=submit.rows):
            submit()
        assert "This attempt bought nothing." in submit.task.billed_now(Exception())
        submit.task.attempt = 1
        assert "had not submitted the job yet" in submit.task.billed_now(Exception())
