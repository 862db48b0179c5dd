"""
Remove one safety mechanism of the pipeline at a time, so that the checker must notice.

Each entry replaces the smallest piece of code that carries the mechanism. The part is the one whose schedules notice
the removal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.lifecycle import buy_once as purchases
from bedrock_distill.lifecycle.endpoints import DEPLOYMENT
from bedrock_distill.operators import batch, evaluation_job, optimize_prompt, outcome, promote, serve, train, winner
from bedrock_distill.operators.deploy import BedrockUndeployModelOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.serve import BedrockReleaseThroughputOperator
from bedrock_distill.operators.settle import SettleTask
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.run import old_copy
from bedrock_distill.triggers.batch import BatchJobsTrigger
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from bedrock_distill.triggers.polling import CustomizationJobTrigger, DeploymentTrigger, PollingTrigger
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core import naming
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.evaluation import champion
from include.distill.inference.answer_store import AnswerStore
from tools.simulate.mechanisms_of_other_dags import OTHER_DAGS
from tools.simulate.mechanisms_of_other_runs import OTHER_RUNS
from tools.simulate.mechanisms_of_spending import SPENDING
from tools.simulate.parts import (
    BATCH,
    DISTILLATION,
    EVALUATION,
    FORMER,
    LOSERS,
    ON_DEMAND,
    ON_DEMAND_PROMOTION,
    REJECTION,
    REPLACEMENT,
    SERVING,
    STALE,
    SYNTHESIS,
    TRAINING,
    Part,
)
from tools.simulate.parts_of_purchases import CHOSEN_THROUGHPUT, OPTIMIZATION


@dataclass(frozen=True)
class Mechanism:
    """
    A safety mechanism.

    :ivar part: the part of the DAG that it protects.
    :ivar removed: removes it inside a block.
    :ivar is_needed_by_every_run: whether a run without faults ends badly without it. For any other mechanism, such an
        end means that the replaced code breaks the pipeline.
    """

    name: str
    part: Part
    removed: Callable[[], AbstractContextManager[Any]]
    is_needed_by_every_run: bool = False


@contextmanager
def _no_lookup() -> Iterator[None]:
    def buy(name: str, *, find: Any, create: Any) -> Any:
        looked_up: list[str] = []

        def find_later(wanted: str) -> Any:
            looked_up.append(wanted)
            return None if len(looked_up) == 1 else find(wanted)

        return purchases.buy_once(name, find=find_later, create=create)

    with patch.object(train, "buy_once", buy), patch.object(serve, "buy_once", buy):
        yield


@contextmanager
def _other_name_each_time(module: Any, function: str) -> Iterator[None]:
    numbers = iter(range(10**9))
    original = getattr(naming, function)

    def names(*arguments: Any) -> Any:
        found = original(*arguments)
        return found._replace(name=f"{found.name}-{next(numbers)}")

    with patch.object(module, function, names):
        yield


@contextmanager
def _no_lookup_of_batch_jobs() -> Iterator[None]:
    """Bedrock would find the job by the token of the request alone."""
    numbers = iter(range(10**9))
    with (
        patch.object(BatchJobs, "find", lambda *_: None),
        patch.object(batch, "request_token", lambda name: f"{name}-{next(numbers)}"),
    ):
        yield


@contextmanager
def _champion_is_not_kept() -> Iterator[None]:
    original = promote.DeleteLosersOperator._delete

    def delete(task: Any, model_arn: str | None, kept: Any) -> bool:
        del kept
        return original(task, model_arn, ())

    with patch.object(promote.DeleteLosersOperator, "_delete", delete):
        yield


def _present_champion(*given: Any) -> Any:
    found = champion.read_champion(*given)
    return found and found.alone()


def _true(*_: Any) -> bool:
    return True


@contextmanager
def _other_name_of_an_evaluation_job_each_time() -> Iterator[None]:
    numbers = iter(range(10**9))
    original = naming.evaluation_name
    with patch.object(evaluation_job, "evaluation_name", lambda *given: f"{original(*given)}-{next(numbers)}"):
        yield


@contextmanager
def _other_name_of_an_optimization_job() -> Iterator[None]:
    """Each attempt gets another name."""
    numbers = iter(range(10**9))
    original = naming.optimization_name
    with patch.object(optimize_prompt, "optimization_name", lambda *given: f"{original(*given)}-{next(numbers)}"):
        yield


def _false(*_: Any) -> bool:
    return False


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


async def _failed(_: Any) -> str:
    return "failed"


def _of_jobs(part: Part, kind: str) -> tuple[Mechanism, ...]:
    """Return the mechanisms of the tasks that submit a customization job and wait for it."""
    return (
        Mechanism(f"look-up before create{kind}", part, _no_lookup),
        Mechanism(f"name from the content{kind}", part, lambda: _other_name_each_time(train, "job_names")),
        Mechanism(
            f"look-up of the former attempts{kind}",
            part,
            lambda: patch.object(BedrockSubmitCustomizationJobOperator, "_is_over", lambda *_: True),
        ),
        Mechanism(
            f"record of the purchase{kind}",
            part,
            lambda: patch.object(BoughtJobs, "add", _nothing),
            is_needed_by_every_run=True,
        ),
        Mechanism(
            f"the trigger's stop{kind}", part, lambda: patch.object(CustomizationJobTrigger, "give_up", _nothing)
        ),
        Mechanism(
            f"the trigger's question about a mark{kind}",
            part,
            lambda: patch.object(PollingTrigger, "_task_state", _failed),
        ),
        Mechanism(
            f"outcome's search for a job without a result{kind}",
            part,
            lambda: patch.object(RunOutcomeOperator, "_possible_jobs", _nothing),
        ),
        Mechanism(
            f"outcome's stop{kind}", part, lambda: patch.object(RunOutcomeOperator, "_stop_abandoned_jobs", _nothing)
        ),
    )


def _question_whether_the_task_runs(part: Part, kind: str) -> Mechanism:
    name = f"the question whether the task still runs{kind}"
    return Mechanism(name, part, lambda: patch.object(old_copy, "is_old_copy", _false))


MECHANISMS = (
    *_of_jobs(TRAINING, ""),
    _question_whether_the_task_runs(TRAINING, " (training)"),
    *(Mechanism(*one) for one in OTHER_RUNS),
    *_of_jobs(DISTILLATION, " (distillation)"),
    Mechanism("tombstone", SERVING, lambda: patch.object(serve, "write_json", _nothing)),
    Mechanism(
        "teardown",
        SERVING,
        lambda: patch.object(BedrockReleaseThroughputOperator, "execute", _nothing),
        is_needed_by_every_run=True,
    ),
    _question_whether_the_task_runs(SERVING, ""),
    Mechanism(
        "name of a deployment",  # by which `undeploy` finds it
        ON_DEMAND,
        lambda: _other_name_each_time(serve, "throughput_names"),
        is_needed_by_every_run=True,
    ),
    Mechanism("tombstone of a deployment", ON_DEMAND, lambda: patch.object(serve, "write_json", _nothing)),
    Mechanism(
        "teardown of a deployment",
        ON_DEMAND,
        lambda: patch.object(BedrockUndeployModelOperator, "execute", _nothing),
        is_needed_by_every_run=True,
    ),
    Mechanism(
        "the trigger's deletion of a deployment",
        ON_DEMAND,
        lambda: patch.object(DeploymentTrigger, "give_up", _nothing),
    ),
    Mechanism(
        "deletion of the throughput that estimate chose",
        CHOSEN_THROUGHPUT,
        lambda: patch.object(BedrockUndeployModelOperator, "kinds", (DEPLOYMENT,)),
        is_needed_by_every_run=True,
    ),
    Mechanism("look-up and request token of batch jobs", BATCH, _no_lookup_of_batch_jobs),
    Mechanism(
        "record of a batch job",
        BATCH,
        lambda: patch.object(PendingBatchJobs, "add", _nothing),
        is_needed_by_every_run=True,
    ),
    Mechanism("the trigger's stop of batch jobs", BATCH, lambda: patch.object(BatchJobsTrigger, "give_up", _nothing)),
    Mechanism(
        "outcome's stop of batch jobs",
        BATCH,
        lambda: patch.object(RunOutcomeOperator, "_stop_abandoned_batches", _nothing),
    ),
    _question_whether_the_task_runs(BATCH, " (batch jobs)"),
    Mechanism("look-up of stored answers", SYNTHESIS, lambda: patch.object(AnswerStore, "find", lambda *_: None)),
    Mechanism("name of an evaluation job from its content", EVALUATION, _other_name_of_an_evaluation_job_each_time),
    Mechanism(
        "the trigger's stop of an evaluation job",
        EVALUATION,
        lambda: patch.object(EvaluationJobTrigger, "give_up", _nothing),
    ),
    Mechanism(
        "outcome's stop of an evaluation job",
        EVALUATION,
        lambda: patch.object(RunOutcomeOperator, "_stop_abandoned_evaluations", _nothing),
    ),
    _question_whether_the_task_runs(EVALUATION, " (evaluation)"),
    _question_whether_the_task_runs(OPTIMIZATION, " (prompt optimization)"),
    Mechanism("name of a prompt optimization job from its content", OPTIMIZATION, _other_name_of_an_optimization_job),
    Mechanism(
        "the trigger's stop of a prompt optimization job",
        OPTIMIZATION,
        lambda: patch.object(PromptOptimizationTrigger, "give_up", _nothing),
    ),
    Mechanism(
        "outcome's stop of a prompt optimization job",
        OPTIMIZATION,
        lambda: patch.object(RunOutcomeOperator, "_stop_abandoned_optimizations", _nothing),
    ),
    Mechanism(
        "answers are stored",
        SYNTHESIS,
        lambda: patch.object(AnswerStore, "_write", _nothing),
        is_needed_by_every_run=True,
    ),
    Mechanism(
        "check of the approval", REJECTION, lambda: patch.object(winner, "approval_problem", lambda *_, **__: None)
    ),
    Mechanism(
        "outcome's search for a dropped promotion",
        REPLACEMENT,
        lambda: patch.object(outcome, "dropped_promotion", lambda *_: frozenset()),
    ),
    Mechanism(
        "settle", REPLACEMENT, lambda: patch.object(SettleTask, "execute", _nothing), is_needed_by_every_run=True
    ),
    Mechanism(
        "the promotion guard",
        STALE,
        lambda: patch.object(champion, "require_comparison", lambda winner, current, compared: current),
        is_needed_by_every_run=True,
    ),
    Mechanism("smoke test", ON_DEMAND_PROMOTION, lambda: patch.object(promote, "passed_smoke_test", _true)),
    Mechanism(
        "the champion is kept when losers are deleted", LOSERS, _champion_is_not_kept, is_needed_by_every_run=True
    ),
    Mechanism(
        "former champions are kept when losers are deleted",
        FORMER,
        lambda: patch.object(promote, "read_champion", _present_champion),
        is_needed_by_every_run=True,
    ),
    *(Mechanism(*one) for one in (*SPENDING, *OTHER_DAGS)),
)
