"""The last task: stops what nobody waits for any more, and is red when anything is red."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.lifecycle.abandoned_batches import abandoned_steps, stop_batches
from bedrock_distill.lifecycle.abandoned_jobs import abandoned_training, stop_job
from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.run.task_ids import SUBMIT, UPLOAD, arm_task
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core.errors import IncompleteRunError, ServiceError
from include.distill.core.naming import job_name
from include.distill.training.job_identity import recipe_fingerprint

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunOutcomeOperator(DistillOperator):
    """
    Fail the run when any of its tasks failed, or was skipped in a run that was no dry run.

    As the last teardown it decides the run's colour. Without it, "mark run as failed" would end green while teardowns
    are pending: it fails the tasks under way, and when none is, only skips those to come. Before that it stops the job
    of a ``submit`` or ``trained`` that was marked failed, when the use case says so. Free; a clear looks again.

    :param may_be_skipped: tasks that are skipped also in a run in which nothing is amiss.
    :raises IncompleteRunError: names the failed tasks, and says what was stopped.
    """

    ui_color = "#fef7e0"

    def __init__(self, *, may_be_skipped: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.may_be_skipped = may_be_skipped

    def execute(self, context: Context) -> None:
        """Look at the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        failed = sorted(task for task, state in states.items() if state == "failed")
        held_up = sum(state == "upstream_failed" for state in states.values())
        skipped = 0 if context["params"].get("dry_run") else self._skipped(states)
        if failed or held_up or skipped:
            message = (
                f"The run is incomplete: {', '.join(failed) or 'no task'} failed, {held_up} could not start, {skipped}"
                " were skipped. The error of the failed task says what to do; where none failed, the run was marked by"
                " hand: clear what was skipped to go on."
            )
            stopped = [*self._stop_abandoned_jobs(states, ti), *self._stop_abandoned_batches(states, ti)]
            raise IncompleteRunError(" ".join([message, *stopped]))

    def _skipped(self, states: Mapping[str, Any]) -> int:
        return sum(state == "skipped" and task not in self.may_be_skipped for task, state in states.items())

    def _stop_abandoned_jobs(self, states: Mapping[str, Any], ti: Any) -> Iterator[str]:
        """Stop the jobs whose tasks were marked failed and say so; one that cannot be stopped does not keep others."""
        for arm, task in abandoned_training(states, ti):
            submitted = ti.xcom_pull(task_ids=arm_task(arm, SUBMIT))
            try:
                for name in self._jobs_of(arm, submitted, ti):
                    if message := stop_job(self.hook, name, at_most_usd=(submitted or {}).get("at_most_usd")):
                        yield message
            except ServiceError as error:
                yield f"{task} was marked failed; its job may run on, billed, for it could not be stopped: {error}"

    def _stop_abandoned_batches(self, states: Mapping[str, Any], ti: Any) -> Iterator[str]:
        """Stop the batch jobs of steps whose tasks were marked failed, and say so."""
        for step in abandoned_steps(states, ti):
            if self.use_case.batch.stop_when_marked_failed:
                yield from stop_batches(BatchJobs(self.hook), PendingBatchJobs(self.store, self.folder), step)

    def _jobs_of(self, arm: str, submitted: Manifest | None, ti: Any) -> list[str]:
        if not self.use_case.training.stop_when_marked_failed:
            return []
        return [submitted["job_name"]] if submitted else self._possible_jobs(arm, ti)

    def _possible_jobs(self, arm: str, ti: Any) -> list[str]:
        """Name the jobs that a ``submit`` which returned nothing may have bought or adopted."""
        dataset = ti.xcom_pull(task_ids=arm_task(arm, UPLOAD))
        if not dataset:
            return []
        fingerprint = recipe_fingerprint(self.use_case, dataset["sha256"])
        attempts = range(1, self.use_case.training.max_attempts + 1)
        return [job_name(self.use_case.name, arm, fingerprint, attempt) for attempt in attempts]
