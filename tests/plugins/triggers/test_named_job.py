"""Check the triggers for jobs of all kinds. No trigger calls AWS here: fake jobs take the place of the hooks."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from bedrock_distill.triggers.named_job import NamedJobTrigger
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger
from include.distill.core.errors import ContractError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore

HOOK: Any = object()  # the fake jobs do not use the hook
ARN = "arn:job"


@dataclass(frozen=True)
class Kind:
    """A kind of jobs: its trigger, the client that the trigger creates, a fake of this client, and its words."""

    trigger: type[NamedJobTrigger]
    client: str
    fake: type[FakeNamedJobs[Any, Any]]
    job: Callable[[], Any]
    noun: str
    results: str
    submit: str


KINDS = [
    Kind(
        EvaluationJobTrigger,
        "EvaluationJobs",
        FakeEvaluationJobs,
        lambda: EvaluationJob("job", ARN, "InProgress", CREATED, "o", "r", "d"),
        "Evaluation job",
        "scores",
        "the task `submit` of the job",
    ),
    Kind(
        PromptOptimizationTrigger,
        "PromptOptimizationJobs",
        FakePromptOptimizations,
        lambda: OptimizationJob("job", ARN, "InProgress", CREATED, "o", "i", ("m",)),
        "Prompt optimization job",
        "tokens",
        "the arm's task `optimize.submit`",
    ),
]


@pytest.fixture(params=KINDS, ids=[kind.noun for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def jobs(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> FakeNamedJobs[Any, Any]:
    fake = kind.fake(MemoryStore(), FakeBedrock())
    fake.jobs[ARN] = kind.job()
    monkeypatch.setattr(importlib.import_module(kind.trigger.__module__), kind.client, lambda _: fake)
    return fake


@pytest.fixture
def trigger(kind: Kind, jobs: FakeNamedJobs[Any, Any]) -> NamedJobTrigger:
    return kind.trigger(
        name=ARN,
        deadline="2100-01-01T00:00:00+00:00",
        poll_interval_seconds=1,
        aws_conn_id="aws_default",
        region_name="eu-west-1",
        give_up_when_failed=False,
        at_most_usd=0.25,
    )


def test_the_triggerer_makes_the_same_trigger_from_the_stored_arguments(trigger: NamedJobTrigger) -> None:
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    made = getattr(importlib.import_module(module), name)(**arguments)
    assert type(made) is type(trigger)
    assert made.serialize() == (path, arguments)
    assert (arguments["name"], arguments["at_most_usd"], arguments["region_name"]) == (ARN, 0.25, "eu-west-1")
    assert arguments["give_up_when_failed"] is False


def test_the_path_of_a_stored_trigger_stays_the_same() -> None:
    assert EvaluationJobTrigger.__module__ == "bedrock_distill.triggers.evaluation"


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("InProgress", False),
        ("Stopping", False),
        ("Completed", True),
        ("Failed", True),
        ("Stopped", True),
        ("Deleting", True),
    ],
)
def test_the_wait_ends_with_the_job(
    kind: Kind, trigger: NamedJobTrigger, jobs: FakeNamedJobs[Any, Any], status: str, ended: bool
) -> None:
    jobs.put(ARN, status=status)
    assert trigger.has_ended(HOOK) is ended
    assert f"{kind.noun} job is {status}" in trigger.checks.status


def test_the_wait_ends_if_the_job_was_deleted(trigger: NamedJobTrigger, jobs: FakeNamedJobs[Any, Any]) -> None:
    jobs.jobs.clear()
    assert trigger.has_ended(HOOK) is True


def test_an_unknown_status_does_not_count_as_ended(trigger: NamedJobTrigger, jobs: FakeNamedJobs[Any, Any]) -> None:
    jobs.put(ARN, status="Paused")
    with pytest.raises(ContractError, match="'Paused'"):
        trigger.has_ended(HOOK)


def test_giving_up_stops_the_job_and_logs_what_is_billed(
    kind: Kind, trigger: NamedJobTrigger, jobs: FakeNamedJobs[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    trigger.give_up(HOOK)
    assert jobs.stopped == [ARN]
    logged = capsys.readouterr().out
    assert f"Stopped {kind.noun.lower()} job because its task was marked as failed" in logged
    assert f"Its {kind.results} so far are billed, at most about $0.25 in all" in logged
    assert f"clear {kind.submit} with downstream" in logged


def test_giving_up_leaves_a_job_that_has_ended_alone(trigger: NamedJobTrigger, jobs: FakeNamedJobs[Any, Any]) -> None:
    jobs.put(ARN, status="Completed")
    trigger.give_up(HOOK)
    assert jobs.stopped == []


def test_the_cost_is_what_is_billed_so_far(kind: Kind, trigger: NamedJobTrigger) -> None:
    assert trigger.cost_so_far(60) == f"the {kind.results} so far, at most about $0.25 in all"
