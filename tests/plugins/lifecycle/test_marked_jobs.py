"""Check how ``outcome`` stops the evaluation and prompt optimization jobs of tasks that a person marked as failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.lifecycle.abandoned_evaluations import stop_abandoned_evaluations
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS, StopResult
from bedrock_distill.lifecycle.abandoned_optimizations import stop_abandoned_optimizations
from bedrock_distill.operators.outcome import RunOutcomeOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, TransientError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

Jobs = FakeNamedJobs[Any, Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """What differs between the kinds of jobs."""

    fake: Callable[[MemoryStore, FakeBedrock], Jobs]
    client: str
    job: EvaluationJob | OptimizationJob
    group: str
    tags: dict[str, str]
    settings: Callable[[bool], dict[str, Any]]
    stop: Callable[..., Any]
    noun: str
    billed: str
    command: str


EVALUATION = Kind(
    fake=FakeEvaluationJobs,
    client="bedrock_distill.lifecycle.abandoned_evaluations.EvaluationJobs",
    job=EvaluationJob("job", "arn:job", "InProgress", CREATED, "o", "r", "d"),
    group="evaluate.tuned_by_nova-pro",
    tags={"arm": "tuned", "evaluator": "nova-pro"},
    settings=lambda stops: {
        "evaluations": {"pointwise": {"evaluators": ["nova-pro"], "stop_when_marked_failed": stops}}
    },
    stop=stop_abandoned_evaluations,
    noun="an evaluation job of evaluate.tuned_by_nova-pro",
    billed="its scores are billed",
    command="stop-evaluation-job",
)
OPTIMIZATION = Kind(
    fake=FakePromptOptimizations,
    client="bedrock_distill.lifecycle.abandoned_optimizations.PromptOptimizationJobs",
    job=OptimizationJob("job", "arn:job", "InProgress", CREATED, "o", "i", ("m",)),
    group="prompted.optimize",
    tags={"arm": "prompted"},
    settings=lambda stops: {"prompt_optimization": {"stop_when_marked_failed": stops}},
    stop=stop_abandoned_optimizations,
    noun="a prompt optimization job of arm prompted",
    billed="its tokens are billed",
    command="stop-advanced-prompt-optimization-job",
)


@pytest.fixture(params=[EVALUATION, OPTIMIZATION], ids=["evaluation", "optimization"])
def kind(request: pytest.FixtureRequest, store: MemoryStore, use_case: UseCase) -> Kind:
    made: Kind = request.param
    freeze(store, use_case, **made.settings(True))
    return made


@pytest.fixture
def task(kind: Kind, equip: Any) -> RunOutcomeOperator:
    made: RunOutcomeOperator = equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI))
    return made


@pytest.fixture
def jobs(kind: Kind, store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    fake = kind.fake(store, bedrock)
    for name in ("own", "other run", "other arm", "ended"):
        fake.jobs[f"arn:{name}"] = dataclasses.replace(kind.job, name=name, arn=f"arn:{name}")
        bedrock.tags_of[f"arn:{name}"] = {
            "environment": "test",
            "run-key": FOLDER.run_key if name != "other run" else "x",
            **kind.tags,
            **({"arm": "small"} if name == "other arm" else {}),
        }
    fake.put("arn:ended", status="Stopped")
    monkeypatch.setattr(kind.client, lambda _: fake)
    return fake


class TestStop:
    @pytest.fixture
    def stop(self, kind: Kind, task: RunOutcomeOperator) -> Callable[..., list[StopResult]]:
        def run(
            submitted: Any, *, submit: str = "success", wait: str = "failed", other_waits: str = "success"
        ) -> list[StopResult]:
            pulled = {f"{kind.group}.submit": submitted}
            others = {"other": {f"{kind.group}.submit": "success", f"{kind.group}.wait": other_waits}}
            ti = SimpleNamespace(
                dag_id="d",
                run_id="r",
                get_task_states=lambda **_: others,
                xcom_pull=lambda task_ids, key="return_value", run_id="r": (
                    IN_PROGRESS if key == ATTEMPT_KEY else pulled[task_ids]
                ),
            )
            states = {f"{kind.group}.submit": submit, f"{kind.group}.wait": wait}
            return list(kind.stop(task, states, ti))

        return run

    def test_the_submitted_job_is_stopped(self, stop: Any, jobs: Jobs) -> None:
        [result] = stop({"job_arn": "arn:own", "at_most_usd": 0.5})
        assert jobs.stopped == ["arn:own"]
        assert "so far are billed, at most about $0.50 in all." in result.text

    def test_a_job_for_which_another_run_waits_is_not_stopped(self, stop: Any, jobs: Jobs) -> None:
        [result] = stop({"job_arn": "arn:own"}, other_waits="deferred")
        assert jobs.stopped == []
        assert "arn:own is not stopped" in result.text

    def test_without_a_result_the_runs_own_running_job_is_found_by_its_tags(self, stop: Any, jobs: Jobs) -> None:
        [result] = stop(None, submit="failed", wait="upstream_failed")
        assert jobs.stopped == ["arn:own"]
        assert not result.by_hand

    def test_a_job_of_another_environment_that_an_edited_result_names_is_not_stopped(
        self, stop: Any, jobs: Jobs, bedrock: FakeBedrock
    ) -> None:
        bedrock.tags_of["arn:own"]["environment"] = "prod"
        assert stop({"job_arn": "arn:own"}) == []
        assert jobs.stopped == []

    def test_the_use_case_can_let_jobs_continue(
        self, stop: Any, jobs: Jobs, store: MemoryStore, use_case: UseCase, kind: Kind
    ) -> None:
        freeze(store, use_case, **kind.settings(False))
        assert stop({"job_arn": "arn:own"}) == []
        assert jobs.stopped == []

    def test_a_job_that_cannot_be_stopped_is_named_with_the_way_to_stop_it_by_hand(
        self, stop: Any, jobs: Jobs, kind: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(arn: str) -> None:
            raise TransientError("no connection")

        monkeypatch.setattr(jobs, "stop", fail)
        [result] = stop({"job_arn": "arn:own"})
        what = f"{kind.group}.wait was marked as failed, but its {kind.job.noun} arn:own could not be stopped"
        assert what in result.text
        assert f"{kind.command} --job-identifier arn:own" in result.by_hand


class TestErrorOfTheRun:
    @pytest.fixture
    def end(self, kind: Kind, task: RunOutcomeOperator, context: Any) -> Callable[[], str]:
        def run() -> str:
            """Return the error of ``outcome`` after a person marked ``wait`` as failed."""
            left = {
                (f"{kind.group}.submit", "return_value"): {"job_arn": "arn:own", "job_name": "own"},
                (f"{kind.group}.wait", ATTEMPT_KEY): IN_PROGRESS,
            }
            states = {f"{kind.group}.submit": "success", f"{kind.group}.wait": "failed"}
            context["ti"].xcom_pull = lambda task_ids, key="return_value": left.get((task_ids, key))
            context["ti"].get_task_states = lambda dag_id, run_ids=("r",), **_: {run_ids[0]: states}
            with pytest.raises(IncompleteRunError) as error:
                task.execute(context)
            return str(error.value)

        return run

    @pytest.mark.parametrize("status", ["InProgress", "Stopped"])
    def test_it_says_to_clear_submit_and_not_to_stop_the_job_again(
        self, end: Callable[[], str], jobs: Jobs, kind: Kind, status: str
    ) -> None:
        """The trigger of ``wait`` may have stopped the job before ``outcome`` looks it up."""
        jobs.put("arn:own", status=status)
        message = end()
        assert (f"Stopped {kind.job.noun} own" in message) is (status == "InProgress")
        clear = f"Clear {kind.group}.submit with downstream, which buys the next attempt if the job was stopped."
        assert clear in message
        assert f"Clear {kind.group}.wait" not in message
        assert f"If {kind.noun}" not in message

    def test_it_says_to_clear_wait_if_the_job_continues(
        self, end: Callable[[], str], jobs: Jobs, kind: Kind, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, **kind.settings(False))
        message = end()
        assert jobs.stopped == []
        assert f"Clear {kind.group}.wait with downstream." in message
        assert f"If {kind.noun} is running, {kind.billed}" in message
