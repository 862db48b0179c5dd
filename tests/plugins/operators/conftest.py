"""Fixtures for the tests of operators: an arm that answers, a model that is throttled, and a run with a winner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.execution_time import task_runner

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from bedrock_distill.operators.optimize_prompt import BedrockSubmitPromptOptimizationOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    ThrottledError,
)
from include.distill.evaluation.champion import save_champion_snapshot
from include.distill.inference.requests import ModelRequest
from tests.fakes.decided_report import ARMS
from tests.fakes.dialogue import between, say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
SERVING = {
    "model_arn": MODEL_ARN,
    "invoke_id": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz",
    "student": "nova-micro",
}
# A plain base arm and one whose prompt is optimized, in place of the arms of the use case.
PROMPTED: dict[str, Any] = {
    "arms": [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}],
    "comparisons": [{"candidate": "prompted", "baseline": "base"}],
    "promotion": {},
}
ROWS = [make_row(n) for n in range(101, 105)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """
    The questions that Airflow has stored: at most one.

    Like Airflow's API, it keeps the first question of a task instance, and answers every request with it.
    """
    stored: list[dict[str, Any]] = []

    class Supervisor:
        def send(self, msg: Any) -> Any:
            if not stored:
                stored.append(msg.model_dump())
            return SimpleNamespace(**stored[0])

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    return stored


def set_task_instance(context: Any) -> None:
    """Give the context what an operator needs that asks a person."""
    context["task_instance"] = context["ti"]
    context["ti"].id = UUID(int=1)


@pytest.fixture
def answer(equip: Any, bedrock: FakeBedrock, context: Any) -> Any:
    bedrock.say = say

    def run(arm: str = "tuned", serving: Any = SERVING, run_uri: str = RUN_URI, **inputs: Any) -> dict[str, Any]:
        given = {"shard": 0, "serving": serving, **inputs}
        task = equip(BedrockAnswerOperator(task_id="answer", run_uri=run_uri, arm=arm, **given))
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


def throttled_on(number: str, error: Exception | None = None) -> Any:
    def reply(request: ModelRequest) -> str:
        if number in between("question", request.user):
            raise error or ThrottledError("slow down")
        return say(request)

    return reply


@pytest.fixture
def prepared(store: MemoryStore, use_case: UseCase, bedrock: FakeBedrock) -> MemoryStore:
    """A run with a champion's arm and two trained arms. No model has been promoted yet."""
    freeze(store, use_case, arms=ARMS)
    save_champion_snapshot(store, FOLDER, None)
    bedrock.models |= {"arn:model/tuned", "arn:model/more"}
    return store


@pytest.fixture
def evaluations(store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, answer: Any) -> FakeEvaluationJobs:
    """Evaluation jobs of a use case with one evaluator, whose arms have answered all evaluation questions."""
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
    for shard in range(4):
        answer(shard=shard)
        answer(arm="base", serving=None, shard=shard)
    return FakeEvaluationJobs(store, bedrock)


class Submit:
    """
    Submits a job with a new task.

    :ivar task: the last task.
    :ivar jobs: the jobs that take the place of Bedrock's.
    :ivar group: the task group of the job.
    :ivar rows: the rows that the job needs.
    """

    group: str
    rows: str

    def __init__(
        self, equip: Any, jobs: FakeNamedJobs[Any, Any], context: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        self.equip, self.jobs, self.context = equip, jobs, context
        self.store, self.use_case = store, use_case
        self.task: Any = None

    def run(self, task: Any) -> Any:
        self.task = self.equip(task)
        self.task.__dict__["jobs"] = self.jobs
        return self.task.execute(self.context)


class SubmitEvaluation(Submit):
    group, rows = "evaluate.tuned_by_nova-pro", "evaluation"

    def __call__(self, arm: str = "tuned", evaluator: str = "nova-pro") -> Any:
        task_id = f"evaluate.{arm}_by_{evaluator}.submit"
        return self.run(BedrockEvaluationJobOperator(task_id=task_id, run_uri=RUN_URI, arm=arm, evaluator=evaluator))

    def set_max_attempts(self, number: int) -> None:
        settings = {"evaluators": ["nova-pro"], "max_attempts": number}
        freeze(self.store, self.use_case, evaluations={"pointwise": settings})


class SubmitOptimization(Submit):
    group, rows = "prompted.optimize", "train"

    def __call__(self, arm: str = "prompted") -> Any:
        task_id = f"{arm}.optimize.submit"
        return self.run(BedrockSubmitPromptOptimizationOperator(task_id=task_id, run_uri=RUN_URI, arm=arm))

    def set_max_attempts(self, number: int) -> None:
        freeze(self.store, self.use_case, **PROMPTED, prompt_optimization={"max_attempts": number})


@pytest.fixture
def submit_evaluation(
    equip: Any, evaluations: FakeEvaluationJobs, context: Any, store: MemoryStore, use_case: UseCase
) -> SubmitEvaluation:
    return SubmitEvaluation(equip, evaluations, context, store, use_case)


@pytest.fixture
def optimizations(store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase) -> FakePromptOptimizations:
    """Prompt optimization jobs of a use case with an arm whose prompt is optimized."""
    freeze(store, use_case, **PROMPTED)
    return FakePromptOptimizations(store, bedrock)


@pytest.fixture
def submit_optimization(
    equip: Any, optimizations: FakePromptOptimizations, context: Any, store: MemoryStore, use_case: UseCase
) -> SubmitOptimization:
    return SubmitOptimization(equip, optimizations, context, store, use_case)
