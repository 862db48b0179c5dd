"""Stop the job of human workers if a person marked its tasks as failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.lifecycle.abandoned_evaluations import stop_workers_job
from bedrock_distill.lifecycle.abandoned_jobs import marked_task
from bedrock_distill.lifecycle.marked_jobs import own_job, running_jobs
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.task_ids import SUBMIT, WAIT, workers_task
from bedrock_distill.run.workers_task import WorkersTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.managed_evaluation.records import EvaluationJobManifest


class StopWorkersOperator(WorkersTask, DistillOperator):
    """
    Stop the job of human workers if a person marked ``submit`` or ``wait`` as failed, so that no more answers are paid.

    The trigger of ``wait`` usually stops the job within seconds. This task also stops it if no triggerer was running,
    or if ``submit`` was marked as failed just after it had bought the job. It runs only if one of these tasks failed,
    and buys nothing. Retrying or clearing the task looks for the job again.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, whose current section ``evaluations.human`` is used.
    :param run_uri: not used, because the sample names the run. (templated)
    :return: the ARNs of the jobs that were stopped
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "sample")
    ui_color = "#fce8e6"
    waits_for = "the job of human workers to be stopped"

    def pre_execute(self, context: Context) -> None:
        """Find the run of the sample. Without a sample, no job was bought."""
        if not self.sample:
            raise AirflowSkipException("No sample was drawn, so no worker was asked.")
        super().pre_execute(context)

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: a job that may be running."""
        return "The job of the human workers was not stopped."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence that says how the answers are billed."""
        return "If the job is running, each answer of a worker."

    def execute(self, context: Context) -> list[str]:
        """Look for the job and stop it."""
        ti: Any = context["ti"]
        states: Mapping[str, str | None] = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        settings = self.use_case.human_workers
        if settings is None or not settings.stop_when_marked_failed or not _is_marked(states, ti):
            raise AirflowSkipException("No job has to be stopped.")
        submitted: EvaluationJobManifest | None = ti.xcom_pull(task_ids=workers_task(SUBMIT))
        from include.distill.managed_evaluation.worker_jobs import LABELS
        from include.distill.managed_evaluation.worker_jobs import WORKERS as ASKED

        jobs, stopped, tags = EvaluationJobs(self.hook), [], {"arm": LABELS, "evaluator": ASKED}
        running = list(running_jobs(self, jobs, EvaluationJob, tags)) if not submitted else []
        for arn in own_job(self, submitted["job_arn"]) if submitted else running:
            at_most_usd = submitted.get("at_most_usd") if submitted else None
            if message := stop_workers_job(jobs, arn, at_most_usd=at_most_usd):
                self.log.warning("%s", message)
                stopped.append(arn)
        return stopped


def _is_marked(states: Mapping[str, str | None], ti: Any) -> bool:
    return marked_task(states, ti, workers_task(SUBMIT), workers_task(WAIT)) is not None
