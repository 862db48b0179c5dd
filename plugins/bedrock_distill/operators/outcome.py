"""Decide whether the run succeeded, and stop jobs for which no task waits any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.lifecycle.abandoned_batches import abandoned_steps, stop_batches
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, abandoned_training, stop_job
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.promote import promotion_of
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.run.failure_notes import read_note
from bedrock_distill.run.task_ids import (
    APPROVE,
    ESTIMATE,
    PROMOTE,
    REPORT,
    SUBMIT,
    TRAINED,
    UPLOAD,
    arm_task,
    arms_with_task,
)
from bedrock_distill.run.task_results import ResultT, read_result
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import DistillError, IncompleteRunError, ServiceError, then_clear
from include.distill.core.naming import job_names
from include.distill.evaluation.approval import REJECT, responder
from include.distill.evaluation.champion import winning_decision
from include.distill.evaluation.records import PromotionManifest
from include.distill.report.records import ReportManifest
from include.distill.report.stored_report import read_decided_report
from include.distill.training.job_identity import recipe_fingerprint
from include.distill.training.records import DatasetManifest, TrainingJobManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

_NAMES_SHOWN = 5


class RunOutcomeOperator(DistillOperator):
    """
    Fail the run if a task failed or was skipped. In a dry run, the tasks after ``estimate`` may be skipped.

    This task is the last teardown, so it decides the state of the run. Without this task, a run that a person marked as
    failed could end as successful: if no task is running when the run is marked, Airflow only skips the later tasks.
    The log says which model was promoted, or why none was. This task also stops a job if its task ``submit``,
    ``trained`` or ``wait`` was marked as failed and ``stop_when_marked_failed`` is set in the use case. The task costs
    nothing. Clearing the task checks again.

    :param may_be_skipped: ids of the tasks that may be skipped in any run.
    :raises IncompleteRunError: a task failed or was skipped; the message names the failed tasks, the stopped jobs and
        what the run has spent.
    """

    ui_color = "#fef7e0"
    waits_for = "the check of the run's tasks and jobs"

    def __init__(self, *, may_be_skipped: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.may_be_skipped = may_be_skipped

    def execute(self, context: Context) -> None:
        """Check the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        failed = sorted(task for task, state in states.items() if state == "failed")
        held_up = sum(state == "upstream_failed" for state in states.values())
        skipped = sum(state == "skipped" and task not in self.may_be_skipped for task, state in states.items())
        # `estimate` skips the later tasks of a dry run. If it did not succeed, a person marked the run as failed.
        if context["params"].get("dry_run") and states.get(ESTIMATE) == "success":
            skipped = 0
        if failed or held_up or skipped:
            stopped = [*self._stop_abandoned_jobs(states, ti), *self._stop_abandoned_batches(states, ti)]
            raise IncompleteRunError(
                f"The run is incomplete. Failed tasks: {', '.join(failed) or 'none'}. Number of tasks that could not"
                f" start: {held_up}. Number of tasks that were skipped: {skipped}.",
                left="Everything that the other tasks stored or bought is kept, and is not bought again.",
                billed=" ".join([*(result.text for result in stopped), self._spent(states, ti)]),
                to_do=" ".join(
                    [*(result.by_hand for result in stopped if result.by_hand), self._next_steps(failed, states, ti)]
                ),
            )
        self._log_promotion(ti)

    def billed_now(self, error: Exception) -> str:
        """Return that no job had to be stopped."""
        return "This task stopped no job and buys nothing."

    def _spent(self, states: Mapping[str, str | None], ti: Any) -> str:
        """Say what the run has spent. It has no report, so it is in no other bill."""
        from bedrock_distill.operators.spent import spent_lines, spent_sentence

        try:
            jobs = (
                (arm, job, self.use_case.epochs * dataset["tokens"])
                for arm in arms_with_task(states, TRAINED)
                if (dataset := self._result(ti, DatasetManifest, arm_task(arm, UPLOAD)))
                for job in self._possible_jobs(arm, ti)
            )
            return spent_sentence(spent_lines(self, jobs))
        except Exception as error:  # whatever it is, the message about the failed tasks is more important
            return f"What this run has spent cannot be read: {error}"

    def _next_steps(self, failed: Sequence[str], states: Mapping[str, str | None], ti: Any) -> str:
        """Return what each failed task said about what to do; if a task was killed, which task to clear."""
        if not failed:
            return "A person probably marked the run as failed. Clear the skipped tasks with downstream to continue."
        mapped = [task.task_id for task in self.dag.tasks if task.is_mapped] if self.has_dag() else []
        tasks_by_step: dict[str, list[str]] = {}
        for name in failed:
            task_id, number = _instance(name, mapped)
            note = read_note(ti, task_id, number)
            step = note["to_do"] if note else then_clear("", task_to_clear(task_id, tasks=states.keys()))
            tasks_by_step.setdefault(step, []).append(name)
        if len(tasks_by_step) == 1:
            return next(iter(tasks_by_step))
        steps = [f"For {_shortened(names)}: {step}" for step, names in tasks_by_step.items()]
        return " ".join([*steps, "If one of these tasks comes before another one, begin with it."])

    def _log_promotion(self, ti: Any) -> None:
        """Log which model was promoted, or why none was. A report that cannot be read does not fail the run."""
        from include.distill.evaluation.standing_promotion import promotion_summary

        reported = self._result(ti, ReportManifest, REPORT)
        if not reported:
            return
        promoted = self._result(ti, PromotionManifest, PROMOTE)
        if promoted:
            self.log.info("%s was promoted: %s is the champion.", promoted.get("arm"), promoted.get("model_arn"))
            return
        try:
            promotion = promotion_of(read_decided_report(self.store, reported["report_json_uri"]), self.use_case)
        except DistillError as error:
            self.log.warning("Nothing was promoted. The reasons cannot be read: %s", error)
            return
        if winner := winning_decision(promotion):
            reason = _why_skipped(ti.xcom_pull(task_ids=APPROVE))
            self.log.info("Nothing was promoted: the rule accepts %s, but %s", winner["candidate"], reason)
        else:
            self.log.info("%s", promotion_summary(promotion))

    def _result(self, ti: Any, kind: type[ResultT], task: str) -> ResultT | None:
        """Return the result of a task, whichever version wrote it; ``None`` if there is none."""
        result = ti.xcom_pull(task_ids=task)
        return read_result(result, kind, task=task, reader=self.task_id) if result else None

    def _stop_abandoned_jobs(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the training jobs whose tasks were marked as failed; yield a result for each job that was running."""
        for arm, task in abandoned_training(states, ti):
            submitted = self._result(ti, TrainingJobManifest, arm_task(arm, SUBMIT))
            name = (submitted.get("job_arn") or submitted["job_name"]) if submitted else ""
            try:
                at_most_usd = submitted.get("at_most_usd") if submitted else None
                for job in self._jobs_of(arm, submitted, ti):
                    name = job.arn
                    if message := stop_job(self.hook, job.arn, at_most_usd=at_most_usd):
                        yield StopResult(message)
            except ServiceError as error:
                what = f"{task} was marked as failed, but its job {name}"
                yield StopResult.failed(what, ByHand.TRAINING_JOB, name, self.region_name, error)

    def _stop_abandoned_batches(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the batch jobs whose tasks were marked as failed; yield a result for each job that was running."""
        for step in abandoned_steps(states, ti):
            if self.use_case.batch.stop_when_marked_failed:
                jobs, pending = BatchJobs(self.hook), PendingBatchJobs(self.store, self.folder)
                yield from stop_batches(jobs, pending, step, region=self.region_name)

    def _jobs_of(self, arm: str, submitted: TrainingJobManifest | None, ti: Any) -> Iterator[CustomizationJob]:
        if not self.use_case.training.stop_when_marked_failed:
            return
        if submitted is None:
            yield from self._possible_jobs(arm, ti)
        elif job := self.ownership.find_submitted_job(submitted["job_name"], submitted["fingerprint"]):
            yield job

    def _possible_jobs(self, arm: str, ti: Any) -> Iterator[CustomizationJob]:
        """Yield all jobs that a ``submit`` without a result may have bought or found."""
        dataset = self._result(ti, DatasetManifest, arm_task(arm, UPLOAD))
        if not dataset:
            return
        fingerprint = recipe_fingerprint(self.use_case, dataset["sha256"])
        for attempt in range(1, self.use_case.training.max_attempts + 1):
            names = job_names(self.use_case.environment, self.use_case.name, arm, fingerprint, attempt)
            job = self.ownership.find_job(names, fingerprint=fingerprint, training_uri=dataset["train_uri"])
            if job is not None:
                yield job


def _instance(name: str, mapped: Collection[str]) -> tuple[str, int | None]:
    """Return the task id and the number of an instance, which Airflow calls ``synthesize_3`` if a task is mapped."""
    task_id, _, number = name.rpartition("_")
    return (task_id, int(number)) if task_id in mapped and number.isdecimal() else (name, None)


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(names[:_NAMES_SHOWN])}{more}"


def _why_skipped(approval: HumanResponse | None) -> str:
    """Return why the task ``promote`` did not promote the winner, as the end of a sentence."""
    if approval is None or REJECT not in approval["chosen_options"]:
        return f"{PROMOTE} was skipped, as its log explains."
    person = responder(approval)
    return f"{person} rejected it." if person else "nobody approved it in time."
