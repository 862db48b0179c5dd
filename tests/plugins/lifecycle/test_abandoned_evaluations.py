"""Check how evaluation jobs that no task waits for are found and stopped."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.abandoned_evaluations import (
    abandoned_evaluations,
    stop_abandoned_evaluations,
    stop_evaluation,
    stop_workers_job,
)
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS, StopResult
from bedrock_distill.operators.outcome import RunOutcomeOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, TransientError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

GROUP = "evaluate.tuned_by_nova-pro"
JOB = EvaluationJob("job", "arn:job", "InProgress", CREATED, "o", "r", "d")


def test_only_groups_of_evaluation_jobs_are_returned_with_the_task_that_was_marked() -> None:
    states = {f"{GROUP}.submit": "success", f"{GROUP}.wait": "failed", "judge_batch.wait": "failed"}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: IN_PROGRESS if key == ATTEMPT_KEY else None)
    assert list(abandoned_evaluations(states, ti)) == [(GROUP, f"{GROUP}.wait")]


class TestStop:
    @pytest.fixture
    def jobs(self) -> FakeEvaluationJobs:
        fake = FakeEvaluationJobs(MemoryStore(), FakeBedrock())
        fake.jobs[JOB.arn] = JOB
        return fake

    def test_a_running_job_is_stopped_and_the_message_says_what_is_billed(self, jobs: FakeEvaluationJobs) -> None:
        message = stop_evaluation(jobs, JOB.arn, at_most_usd=1.5)  # type: ignore[arg-type]
        assert jobs.stopped == [JOB.arn]
        assert message
        assert "scores so far are billed, at most about $1.50 in all" in message
        assert "clear the task `submit` of the job with downstream" in message

    def test_for_a_job_of_human_workers_the_message_is_about_their_answers(self, jobs: FakeEvaluationJobs) -> None:
        message = stop_workers_job(jobs, JOB.arn, at_most_usd=1.5)  # type: ignore[arg-type]
        assert jobs.stopped == [JOB.arn]
        assert message
        assert "The workers' answers so far are billed, at most about $1.50 in all." in message
        assert "clear `workers.submit` with downstream" in message
        assert "scores" not in message

    @pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", "Deleting"])
    def test_a_job_that_has_ended_is_left_alone(self, jobs: FakeEvaluationJobs, status: str) -> None:
        jobs.put(JOB.arn, status=status)
        assert stop_evaluation(jobs, JOB.arn, at_most_usd=None) is None  # type: ignore[arg-type]
        assert jobs.stopped == []

    def test_a_job_that_is_gone_is_not_stopped(self, jobs: FakeEvaluationJobs) -> None:
        assert stop_evaluation(jobs, "arn:other", at_most_usd=None) is None  # type: ignore[arg-type]


class TestStopAbandoned:
    """The run's task ``outcome`` stops the jobs of tasks that a person marked as failed."""

    @pytest.fixture
    def task(self, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, equip: Any) -> RunOutcomeOperator:
        freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
        task: RunOutcomeOperator = equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI))
        return task

    @pytest.fixture
    def jobs(self, store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> FakeEvaluationJobs:
        fake = FakeEvaluationJobs(store, bedrock)
        for name in ("own", "other run", "ended"):
            fake.jobs[f"arn:{name}"] = dataclasses.replace(JOB, name=name, arn=f"arn:{name}")
            bedrock.tags_of[f"arn:{name}"] = {
                "environment": "test",
                "run-key": FOLDER.run_key if name != "other run" else "x",
                "arm": "tuned",
                "evaluator": "nova-pro",
            }
        fake.put("arn:ended", status="Stopped")
        monkeypatch.setattr("bedrock_distill.lifecycle.abandoned_evaluations.EvaluationJobs", lambda _: fake)
        return fake

    def stop(self, task: Any, submitted: Any, *, submit: str = "success", wait: str = "failed") -> list[StopResult]:
        pulled = {f"{GROUP}.submit": submitted}
        ti = SimpleNamespace(
            xcom_pull=lambda task_ids, key="return_value": IN_PROGRESS if key == ATTEMPT_KEY else pulled[task_ids]
        )
        states = {f"{GROUP}.submit": submit, f"{GROUP}.wait": wait}
        return list(stop_abandoned_evaluations(task, states, ti))

    def test_the_submitted_job_is_stopped(self, task: Any, jobs: FakeEvaluationJobs) -> None:
        [result] = self.stop(task, {"job_arn": "arn:own", "at_most_usd": 0.5})
        assert jobs.stopped == ["arn:own"]
        assert "at most about $0.50" in result.text

    def test_without_a_result_the_runs_own_running_job_is_found_by_its_tags(
        self, task: Any, jobs: FakeEvaluationJobs
    ) -> None:
        [result] = self.stop(task, None, submit="failed", wait="upstream_failed")
        assert jobs.stopped == ["arn:own"]
        assert not result.by_hand

    def test_a_job_of_another_environment_that_an_edited_result_names_is_not_stopped(
        self, task: Any, jobs: FakeEvaluationJobs
    ) -> None:
        task.hook.tags_of["arn:own"] = {**task.hook.tags_of["arn:own"], "environment": "prod"}
        assert self.stop(task, {"job_arn": "arn:own"}) == []
        assert jobs.stopped == []

    def test_the_use_case_can_let_jobs_continue(
        self, task: Any, jobs: FakeEvaluationJobs, store: MemoryStore, use_case: UseCase
    ) -> None:
        section = {"evaluators": ["nova-pro"], "stop_when_marked_failed": False}
        freeze(store, use_case, evaluations={"pointwise": section})
        assert self.stop(task, {"job_arn": "arn:own"}) == []
        assert jobs.stopped == []

    def test_a_job_that_cannot_be_stopped_is_named_with_the_way_to_stop_it_by_hand(
        self, task: Any, jobs: FakeEvaluationJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(arn: str) -> None:
            raise TransientError("no connection")

        monkeypatch.setattr(jobs, "stop", fail)
        [result] = self.stop(task, {"job_arn": "arn:own"})
        assert f"{GROUP}.wait was marked as failed, but its evaluation job arn:own could not be stopped" in result.text
        assert "stop-evaluation-job --job-identifier arn:own" in result.by_hand

    @pytest.mark.parametrize("status", ["InProgress", "Stopped"])
    def test_the_runs_error_says_to_clear_submit_and_not_to_stop_the_job_again(
        self, task: Any, jobs: FakeEvaluationJobs, context: Any, status: str
    ) -> None:
        """The trigger of ``wait`` may have stopped the job before ``outcome`` looks it up."""
        jobs.put("arn:own", status=status)
        message = self.end(task, context)
        assert ("Stopped evaluation job own" in message) is (status == "InProgress")
        assert f"Clear {GROUP}.submit with downstream, which buys the next attempt if the job was stopped." in message
        assert f"Clear {GROUP}.wait" not in message
        assert "If an evaluation job of" not in message

    def test_the_runs_error_says_to_clear_wait_if_the_job_continues(
        self, task: Any, jobs: FakeEvaluationJobs, context: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        section = {"evaluators": ["nova-pro"], "stop_when_marked_failed": False}
        freeze(store, use_case, evaluations={"pointwise": section})
        message = self.end(task, context)
        assert f"Clear {GROUP}.wait with downstream." in message
        assert f"If an evaluation job of {GROUP} is running, its scores are billed" in message

    def end(self, task: Any, context: Any) -> str:
        """Return the error of ``outcome`` after a person marked ``wait`` as failed."""
        left = {
            (f"{GROUP}.submit", "return_value"): {"job_arn": "arn:own", "job_name": "own"},
            (f"{GROUP}.wait", ATTEMPT_KEY): IN_PROGRESS,
        }
        states = {f"{GROUP}.submit": "success", f"{GROUP}.wait": "failed"}
        context["ti"].xcom_pull = lambda task_ids, key="return_value": left.get((task_ids, key))
        context["ti"].get_task_states = lambda dag_id, run_ids: {run_ids[0]: states}
        with pytest.raises(IncompleteRunError) as error:
            task.execute(context)
        return str(error.value)
