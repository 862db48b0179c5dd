"""
Stop the jobs of human workers that a labeling run left running although a person marked its tasks as failed.

The trigger of ``workers.wait`` stops such a job within seconds, and the task ``workers.stop`` checks again. Neither of
them does so if a person marks the whole labeling run as failed while no triggerer is running: Airflow then skips
``workers.stop``. A labeling DAG has no task ``outcome``, so the DAG ``distill_release_leftovers`` looks for these jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_evaluations import stop_workers_job
from bedrock_distill.lifecycle.abandoned_jobs import marked_task
from bedrock_distill.run.state import has_plain_ids, state_of_run
from bedrock_distill.run.task_ids import SUBMIT, WAIT, workers_task
from include.distill.cleanup.expiry import LIVE_STATES, PROJECT_TAG
from include.distill.cleanup.tag_values import from_tags
from include.distill.core.errors import NotFoundError
from include.distill.managed_evaluation.worker_jobs import LABELS, WORKERS

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from include.distill.config.use_case import UseCase


class RunningJob(NamedTuple):
    """A running job of human workers that this environment bought."""

    name: str
    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class LabelingRun:
    """
    A labeling run, whose tasks and XComs are read from a task of another DAG.

    :ivar ti: the task instance that reads them.
    """

    ti: Any
    dag_id: str
    run_id: str

    def states(self) -> Mapping[str, str | None]:
        """Return the states of the run's tasks; empty if Airflow has none."""
        states: Mapping[str, Mapping[str, str | None]] = self.ti.get_task_states(
            dag_id=self.dag_id, run_ids=[self.run_id]
        )
        return states.get(self.run_id, {})

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        """Return an XCom of one of the run's tasks."""
        return self.ti.xcom_pull(task_ids=task_ids, key=key, dag_id=self.dag_id, run_id=self.run_id)


def running_worker_jobs(hook: BedrockDistillHook, environment: str) -> Iterator[RunningJob]:
    """Yield the running jobs of human workers that an environment bought, in the Region of the hook."""
    for job in EvaluationJobs(hook).list():
        if EvaluationJob.statuses.get(job.status) is not Progress.RUNNING:
            continue
        try:
            tags = hook.tags(job.arn)
        except NotFoundError:  # the job was deleted in the meantime
            continue
        expected = {"project": PROJECT_TAG, "environment": environment, "arm": LABELS, "evaluator": WORKERS}
        if all(from_tags(tags, key) == value for key, value in expected.items()):
            yield RunningJob(job.name, job.arn, tags)


def stop_if_forgotten(
    hook: BedrockDistillHook, job: RunningJob, use_case: UseCase | None, context: Context
) -> tuple[bool, str]:
    """
    Stop a job if a person marked a task that submits it or waits for it as failed, and no run can still need it.

    :param use_case: the use case in the job's tags; ``None`` if it does not exist any more.
    :return: whether the job was stopped, and a message about it.
    :raises ServiceError: Bedrock refused the look-up or the stop, so the job may be running.
    :raises AirflowRuntimeError: Airflow refused a look-up, so the run may be running.
    """
    dag_id, run_id = from_tags(job.tags, "dag-id") or "", from_tags(job.tags, "run-id") or ""
    run = LabelingRun(context["ti"], dag_id, run_id)
    if reason := _reason_to_keep(run, use_case, context):
        return False, f"{job.name}: leave, {reason}"
    submitted = run.xcom_pull(workers_task(SUBMIT)) or {}
    at_most_usd = submitted.get("at_most_usd") if submitted.get("job_arn") == job.arn else None
    message = stop_workers_job(EvaluationJobs(hook), job.arn, at_most_usd=at_most_usd)
    return message is not None, message or f"{job.name}: leave, it has ended"


def _reason_to_keep(run: LabelingRun, use_case: UseCase | None, context: Context) -> str | None:
    settings = use_case.human_workers if use_case else None
    if settings is None:
        return "the use case does not exist or names no human workers, so it is not known whether to stop the job"
    if not settings.stop_when_marked_failed:
        return "evaluations.human.stop_when_marked_failed is false"
    if not has_plain_ids(run.dag_id, run.run_id):
        return "Airflow cannot look up the tasks of the run that its tags name"
    state = state_of_run(run.dag_id, run.run_id, context)
    if state is None or state in LIVE_STATES:
        return f"its run is {state or 'unknown'}"
    # Another run with the same examples finds this job and waits for its answers.
    if run.ti.get_dr_count(run.dag_id, states=sorted(LIVE_STATES)):
        return "another run of the labeling DAG may be waiting for its answers"
    states, wait = run.states(), workers_task(WAIT)
    if wait not in states or not marked_task(states, run, workers_task(SUBMIT), wait):
        return "nobody marked its tasks as failed, so the workers can still answer"
    return None
