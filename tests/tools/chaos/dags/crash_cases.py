"""Build one DAG per case of the crash table: the real operators, wired by the real `arms`, with short waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from airflow.sdk import DAG, BaseOperator, TaskGroup, get_parsing_context

from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.sensors.batch_jobs import BedrockBatchSensor
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockDeploymentSensor, BedrockProvisionedThroughputSensor
from bedrock_distill.task_groups import arms, evaluation, optimization
from bedrock_distill.task_groups import batch as batch_steps
from bedrock_distill.task_groups import synthesis as teaching
from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED, promotion_tasks
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_case, load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key
from tests.tools.chaos.promoting_report import PromotingReport
from tools.chaos.calibration import TAG, part_of
from tools.chaos.passive_tasks import make_passive

FOLDER = Path(os.environ["CHAOS_USE_CASES"])
QUICK = timedelta(seconds=1)


class NoRelease(BaseOperator):
    """Replacement for `release` and `undeploy` that releases nothing."""

    def __init__(self, *, arm: str, provisioned: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def execute(self, context: Any) -> None:
        """Do nothing."""


class Silent:
    """Let the trigger of a sensor stop and release nothing when the task is marked failed."""

    def trigger(self, **common: Any) -> Any:
        trigger = super().trigger(**common)  # type: ignore[misc]
        trigger.give_up_when_failed = False
        return trigger


class SilentSensor(Silent, BedrockProvisionedThroughputSensor):
    """Sensor for the throughput."""


class SilentDeploymentSensor(Silent, BedrockDeploymentSensor):
    """Sensor for the deployment."""


class SilentWait(Silent, BedrockCustomizationJobSensor):
    """Sensor for the training job."""


class SilentBatchWait(Silent, BedrockBatchSensor):
    """Sensor for batch jobs."""


class SilentEvaluationWait(Silent, BedrockEvaluationJobSensor):
    """Sensor for the evaluation job."""


class SilentOptimizationWait(Silent, BedrockPromptOptimizationSensor):
    """Sensor for the prompt optimization job."""


class LenientOutcome(RunOutcomeOperator):
    """Outcome task that stops no job."""

    def _jobs_of(self, *_: Any) -> list[str]:
        return []

    def _stop_abandoned_batches(self, *_: Any) -> Iterator[Any]:
        return iter(())

    def _stop_abandoned_evaluations(self, *_: Any) -> Iterator[Any]:
        return iter(())

    def _stop_abandoned_optimizations(self, *_: Any) -> Iterator[Any]:
        return iter(())


class PatientSensor(BedrockCustomizationJobSensor):
    """Sensor for the training job that waits in the worker."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, deferrable=False)


VARIANTS = {
    "silent_wait": {"BedrockCustomizationJobSensor": SilentWait},
    "in_worker": {"BedrockCustomizationJobSensor": PatientSensor},
}
SILENT_SENSORS = {"_PROVISIONED": SilentSensor, "_ON_DEMAND": SilentDeploymentSensor}


@contextmanager
def variants(tags: tuple[str, ...]) -> Iterator[None]:
    """Replace operators according to the use case's tags, to disable a safety net or to wait in the worker."""
    with ExitStack() as stack:
        for tag in set(tags) & set(VARIANTS):
            for name, replacement in VARIANTS[tag].items():
                stack.enter_context(mock.patch.object(arms, name, replacement))
        for name, sensor in SILENT_SENSORS.items():
            changes: dict[str, Any] = {"delete": NoRelease} if "no_release" in tags else {}
            changes |= {"wait": sensor} if "silent" in tags else {}
            stack.enter_context(mock.patch.object(arms, name, replace(getattr(arms, name), **changes)))
        yield


def default_args(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of every task of a case."""
    return {
        "owner": "chaos",
        "retries": 2,
        "retry_delay": QUICK,
        "retry_policy": RETRY_POLICY,
        "region_name": use_case.aws.region,
        "run_uri": Layout(use_case.storage).runs(use_case.name) + "{{ run_key(dag.dag_id, run_id) }}",
    }


def empty_dag(use_case: UseCase) -> DAG:
    """Return a DAG without tasks, with the settings of every case."""
    return DAG(
        dag_id=use_case.dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=4,
        user_defined_macros={"run_key": run_key},
        default_args=default_args(use_case),
    )


def case_dag(use_case: UseCase) -> DAG:
    """Return the shortest DAG that trains, serves, answers and releases: no teacher, no judge."""
    with empty_dag(use_case) as dag:
        preflight = BedrockPreflightOperator(task_id="preflight", use_case_name=use_case.name, use_cases=FOLDER)
        ingest = IngestCsvOperator(task_id="ingest")
        shards = ShardRowsOperator(task_id="evaluation_shards", rows="evaluation", max_tasks=1)
        with variants(use_case.tags):
            arm = arms.tuned_arm(use_case.arm("tuned"), use_case, shards, after=None, synthesis=[])
        outcome = last_task(use_case)
        preflight >> ingest >> shards
        arm.last >> outcome
    return quickened(dag)


def last_task(use_case: UseCase) -> Any:
    """Return the task that decides the state of the run."""
    outcome = LenientOutcome if "lenient_outcome" in use_case.tags else RunOutcomeOperator
    return outcome(task_id="outcome", retries=0).as_teardown(on_failure_fail_dagrun=True)


def batch_dag(use_case: UseCase) -> DAG:
    """Return the shortest DAG that calls the teacher in batch jobs: no arm, no judge."""
    with empty_dag(use_case) as dag:
        preflight = BedrockPreflightOperator(task_id="preflight", use_case_name=use_case.name, use_cases=FOLDER)
        ingest = IngestCsvOperator(task_id="ingest")
        sensor = SilentBatchWait if "silent_wait" in use_case.tags else BedrockBatchSensor
        with mock.patch.object(batch_steps, "BedrockBatchSensor", sensor):
            curated = teaching.synthesis_tasks(use_case, after=ingest)
        outcome = last_task(use_case)
        preflight >> ingest
        curated[0].operator >> outcome
    return quickened(dag)


def evaluation_dag(use_case: UseCase) -> DAG:
    """Return the shortest DAG that lets an evaluator score answers: those of the base student, without a judge."""
    with empty_dag(use_case) as dag:
        preflight = BedrockPreflightOperator(task_id="preflight", use_case_name=use_case.name, use_cases=FOLDER)
        ingest = IngestCsvOperator(task_id="ingest")
        shards = ShardRowsOperator(task_id="evaluation_shards", rows="evaluation", max_tasks=1)
        base = arms.base_arm(use_case.arm("base"), use_case, shards)
        sensor = SilentEvaluationWait if "silent_wait" in use_case.tags else BedrockEvaluationJobSensor
        with mock.patch.object(evaluation, "BedrockEvaluationJobSensor", sensor):
            scores = evaluation.evaluation_tasks(use_case, {"base": base})
        outcome = last_task(use_case)
        preflight >> ingest >> shards
        scores.operator >> outcome
    return quickened(dag)


def optimization_dag(use_case: UseCase) -> DAG:
    """Return the shortest DAG that lets Bedrock optimize a prompt, and answers with it: no other arm, no judge."""
    with empty_dag(use_case) as dag:
        preflight = BedrockPreflightOperator(task_id="preflight", use_case_name=use_case.name, use_cases=FOLDER)
        ingest = IngestCsvOperator(task_id="ingest")
        shards = ShardRowsOperator(task_id="evaluation_shards", rows="evaluation", max_tasks=1)
        (arm,) = (use_case.arm(name) for name in use_case.optimized_arms)
        sensor = SilentOptimizationWait if "silent_wait" in use_case.tags else BedrockPromptOptimizationSensor
        with mock.patch.object(optimization, "BedrockPromptOptimizationSensor", sensor):
            answered = arms.base_arm(arm, use_case, shards)
        outcome = last_task(use_case)
        preflight >> ingest >> shards
        answered.last >> outcome
    return quickened(dag)


def promotion_dag(use_case: UseCase) -> DAG:
    """Return the shortest DAG that trains and promotes: no teacher, no endpoint of an arm, no judge."""
    with empty_dag(use_case) as dag:
        preflight = BedrockPreflightOperator(task_id="preflight", use_case_name=use_case.name, use_cases=FOLDER)
        ingest = IngestCsvOperator(task_id="ingest")
        with TaskGroup("tuned"):
            merge = MergeDatasetOperator(task_id="merge", arm="tuned", synthesis=[])
            upload = UploadDatasetOperator(task_id="upload", arm="tuned", merged=merge.output)
            submit = BedrockSubmitCustomizationJobOperator(task_id="submit", arm="tuned", dataset=upload.output)
            trained = BedrockCustomizationJobSensor(
                task_id="trained", submitted=submit.output, poll_interval_seconds=2, timeout_seconds=3600
            )
        report = PromotingReport(task_id="report")
        preflight >> ingest >> merge >> upload >> submit >> trained >> report
        tasks = arms.ArmTasks(answer=trained, last=trained, ended=trained, manifests={"trained": trained.output})
        promoted = promotion_tasks(use_case, report, {"tuned": tasks})
        outcome = RunOutcomeOperator(task_id="outcome", retries=0, may_be_skipped=MAY_BE_SKIPPED)
        [promoted, *(task for task in dag.tasks if task.is_teardown)] >> outcome
        outcome.as_teardown(on_failure_fail_dagrun=True)
    return quickened(dag)


def quickened(dag: DAG) -> DAG:
    """Let every retry start within a second."""
    for task in dag.tasks:
        if hasattr(task, "partial_kwargs"):
            task.partial_kwargs["retry_delay"] = QUICK
        else:
            task.retry_delay = QUICK
    return dag


def whole_dag(use_case: UseCase) -> DAG:
    """Return the real DAG with quick retries, reading its use case from the folder of the cases."""
    from dags.distill import distill_dag

    dag = quickened(distill_dag(use_case))
    dag.get_task("preflight").use_cases = FOLDER
    return dag


def calibrated_dag(use_case: UseCase) -> DAG:
    """Return the real DAG with quick retries, in which only the tasks of one part of the simulation do anything."""
    part = part_of(use_case.tags)
    return make_passive(whole_dag(use_case), {*part.before, *part.tasks})


KINDS = {
    TAG: calibrated_dag,
    "whole": whole_dag,
    "batch": batch_dag,
    "evaluation": evaluation_dag,
    "optimization": optimization_dag,
    "promotion": promotion_dag,
}

# Airflow sets this in workers, which need only one DAG.
ONLY_DAG = get_parsing_context().dag_id
for case in (
    [load_use_case(FOLDER / f"{ONLY_DAG.removeprefix('distill_')}.yaml")] if ONLY_DAG else load_use_cases(FOLDER).valid
):
    build = next((build for tag, build in KINDS.items() if tag in case.tags), case_dag)
    globals()[case.dag_id] = build(case)
