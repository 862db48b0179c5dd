"""Fixtures for the tests of operators: an arm that answers, a model that is throttled, and a run with a winner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.execution_time import task_runner

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
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
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
SERVING = {
    "model_arn": MODEL_ARN,
    "invoke_id": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz",
    "student": "nova-micro",
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

    def run(arm: str = "tuned", serving: Any = SERVING, shard: int = 0, run_uri: str = RUN_URI) -> dict[str, Any]:
        task = equip(BedrockAnswerOperator(task_id="answer", run_uri=run_uri, arm=arm, shard=shard, serving=serving))
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


class SubmitEvaluation:
    """Submits an evaluation job with a new task. ``task`` is the last one."""

    def __init__(self, equip: Any, evaluations: FakeEvaluationJobs, context: Any) -> None:
        self.equip, self.evaluations, self.context = equip, evaluations, context
        self.task: Any = None

    def __call__(self, arm: str = "tuned", evaluator: str = "nova-pro") -> Any:
        task_id = f"evaluate.{arm}_by_{evaluator}.submit"
        self.task = self.equip(
            BedrockEvaluationJobOperator(task_id=task_id, run_uri=RUN_URI, arm=arm, evaluator=evaluator)
        )
        self.task.__dict__["jobs"] = self.evaluations
        return self.task.execute(self.context)


@pytest.fixture
def submit_evaluation(equip: Any, evaluations: FakeEvaluationJobs, context: Any) -> SubmitEvaluation:
    return SubmitEvaluation(equip, evaluations, context)
