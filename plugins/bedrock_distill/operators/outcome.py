"""Decide whether the run succeeded, and stop jobs that no task waits for any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.lifecycle.abandoned_batches import abandoned_steps, stop_batches
from bedrock_distill.lifecycle.abandoned_evaluations import abandoned_evaluations, stop_abandoned_evaluations
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, abandoned_training, stop_job
from bedrock_distill.lifecycle.abandoned_optimizations import abandoned_optimizations, stop_abandoned_optimizations
from bedrock_distill.lifecycle.other_runs import asked_of, not_stopped
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.operators.winner import promotion_of
from bedrock_distill.run.approved_spending import refused_spending
from bedrock_distill.run.dropped_promotion import dropped_promotion
from bedrock_distill.run.failed_tasks import RunStates, next_steps, steps_after_skips, without_note
from bedrock_distill.run.metrics import counted_run
from bedrock_distill.run.running_purchases import unreleased_arms
from bedrock_distill.run.task_ids import (
    APPROVE,
    APPROVE_SPENDING,
    ESTIMATE,
    OUTCOME,
    PROMOTE,
    REPORT,
    SETTLE,
    SUBMIT,
    SWITCH,
    TRAINED,
    UPLOAD,
    WAIT,
    arm_task,
    arms_with_optimized_prompt,
    arms_with_task,
    batch_task,
    evaluation_groups,
    optimize_task,
)
from bedrock_distill.run.task_results import ResultT, read_result
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import DistillError, IncompleteRunError, ServiceError
from include.distill.core.naming import job_names
from include.distill.evaluation.approval import REJECT, responder
from include.distill.evaluation.champion import winning_decision
from include.distill.evaluation.endpoint_records import SettleManifest
from include.distill.evaluation.records import PromotionManifest
from include.distill.inference.records import ThroughputManifest
from include.distill.managed_evaluation.records import EvaluationJobManifest
from include.distill.prompt_optimization.records import OptimizationJobManifest
from include.distill.report.records import ReportManifest
from include.distill.report.stored_report import read_decided_report
from include.distill.training.job_identity import recipe_fingerprint
from include.distill.training.records import DatasetManifest, TrainingJobManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.operators.spent import Spent


class RunOutcomeOperator(DistillOperator):
    """
    Fail the run if a task failed or was skipped. In a dry run, the tasks after ``estimate`` may be skipped.

    This task is the last teardown, so it decides the state of the run. Without it, a run that a person marked as failed
    could end as successful. This happens if no task is running when the run is marked, because Airflow then only skips
    the later tasks. The log says which model was promoted, or why none was. This task also stops a job if a person
    marked the job's task ``submit``, ``trained`` or ``wait`` as failed and the use case sets
    ``stop_when_marked_failed``. It records the end of the run, and what the run has spent, in the history of the use
    case. The task costs nothing. Clearing the task checks again.

    :param may_be_skipped: ids of the tasks that may be skipped in any run, unless a person approved the promotion or
        ``switch`` has begun it.
    :raises IncompleteRunError: nobody approved the spending, or a task failed or was skipped; the message names the
        failed tasks, the stopped jobs and what the run has spent.
    """

    ui_color = "#fef7e0"
    waits_for = "the check of the run's tasks and jobs"

    def __init__(self, *, may_be_skipped: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.may_be_skipped = may_be_skipped

    @counted_run
    def execute(self, context: Context) -> None:
        """Check the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        run = self._run_states(states)
        failed = run.failed
        held_up = sum(state == "upstream_failed" for state in states.values())
        may_be_skipped = set(self.may_be_skipped) - dropped_promotion(states, ti)
        skipped = sum(state == "skipped" and task not in may_be_skipped for task, state in states.items())
        # In a dry run, `estimate` skips the later tasks, which is not a failure. If it did not succeed, the tasks are
        # skipped because a person marked the run as failed.
        if context["params"].get("dry_run") and states.get(ESTIMATE) == "success":
            skipped = 0
        if skipped and not failed and not held_up and (refusal := self._refused_spending(states)):
            spent = self._end_of_failure(states, context)
            raise IncompleteRunError(
                f"The run was not approved. {refusal} All later tasks were skipped.",
                left="The rows, the estimate and everything that earlier runs bought are stored.",
                billed=f"Nothing was bought after the question. {spent}",
                to_do=f"Clear {APPROVE_SPENDING} with downstream to ask again, or trigger a run with other settings.",
            )
        if failed or held_up or skipped:
            stopped = self._stop_abandoned(states, ti)
            resubmitted_by = self._resubmitted_by(states, ti)
            spent = self._end_of_failure(states, context)
            self.described = [task.rpartition(".")[0] for task in resubmitted_by]
            raise IncompleteRunError(
                f"The run is incomplete. Failed tasks: {', '.join(map(str, failed)) or 'none'}. Number of tasks that"
                f" could not start: {held_up}. Number of tasks that were skipped: {skipped}."
                f"{_marked(run, ti, skipped)}{_still_running(run)}",
                left=" ".join(
                    [
                        "Everything that the other tasks stored or bought is kept, and is not bought again.",
                        *self._settled(states, ti),
                    ]
                ),
                billed=" ".join([*(result.text for result in stopped), spent]),
                to_do=" ".join(
                    [
                        *(result.by_hand for result in stopped if result.by_hand),
                        *([next_steps(run, ti, resubmitted_by)] if failed or unreleased_arms(states) else []),
                        *([steps_after_skips(run, may_be_skipped, resubmitted_by)] if skipped else []),
                    ]
                ),
            )
        self._log_promotion(ti, states)
        self._record_end(context, "succeeded", lambda: self._bill(states, ti))

    def _settled(self, states: Mapping[str, str | None], ti: Any) -> Iterator[str]:
        """Yield a sentence about what ``settle`` did to the standing endpoint, if it changed anything."""
        has_settled = SETTLE in states and states[SETTLE] == "success"
        settled = self._result(ti, SettleManifest, SETTLE) if has_settled else None
        if settled and settled["action"] == "restored":
            yield f"The standing endpoint {settled['arn']} answers with the champion {settled['model_arn']} again."
        elif settled and settled["action"] == "deleted":
            yield "The standing endpoint was deleted, because no champion was recorded for it."

    def _refused_spending(self, states: Mapping[str, str | None]) -> str | None:
        """Return who rejected the spending, or that nobody answered, as a sentence; ``None`` if neither happened."""
        if states.get(APPROVE_SPENDING) != "success":
            return None
        try:
            return refused_spending(self)
        except DistillError as error:  # the message about the skipped tasks is more important than this error
            self.log.warning("The recorded approval cannot be read: %s", error)
            return None

    def billed_now(self, error: Exception) -> str:
        """Return a sentence about billing: this task stopped no job and buys nothing."""
        return "This task stopped no job and buys nothing."

    def _end_of_failure(self, states: Mapping[str, str | None], context: Context) -> str:
        """
        Record that the run has failed, and say what the run has spent.

        An incomplete run may have no report that states its costs.
        """
        from bedrock_distill.operators.spent import spent_sentence

        bill: Spent | None = None
        try:
            bill = self._bill(states, context["ti"])
            sentence = spent_sentence(bill)
        except Exception as error:  # the message about the failed tasks is more important than any error here
            sentence = f"What this run has spent cannot be read: {error}"
        self._record_end(context, "failed", lambda: bill, failed_tasks=list(map(str, self._run_states(states).failed)))
        return sentence

    def _record_end(
        self,
        context: Context,
        state: Literal["succeeded", "failed"],
        purchases: Callable[[], Spent | None],
        failed_tasks: Sequence[str] = (),
    ) -> None:
        """Record the end of the run in the history of its use case. A dry run has no record."""
        from bedrock_distill.operators.ended_run import record_end

        reported = self._result(context["ti"], ReportManifest, REPORT)
        record_end(
            self,
            context,
            state,
            report_uri=reported.get("report_json_uri") if reported else None,
            purchases=purchases,
            failed_tasks=failed_tasks,
        )

    def _bill(self, states: Mapping[str, str | None], ti: Any) -> Spent:
        """Return what the run has spent, from its stored purchases."""
        from bedrock_distill.operators.spent import spent
        from include.distill.cost.job_price import tokens_of

        jobs = (
            (arm, job, tokens_of(dataset))
            for arm in arms_with_task(states, TRAINED)
            if (dataset := self._result(ti, DatasetManifest, arm_task(arm, UPLOAD)))
            for job in self._possible_jobs(arm, ti)
        )
        unreleased = {
            arm: self._result(ti, ThroughputManifest, arm_task(arm, tasks.create))
            for arm, tasks in unreleased_arms(states).items()
        }
        evaluations = [
            submitted
            for group in evaluation_groups(states)
            if (submitted := self._result(ti, EvaluationJobManifest, f"{group}.{SUBMIT}"))
        ]
        optimizations = [
            optimization
            for arm in arms_with_optimized_prompt(states)
            if (optimization := self._result(ti, OptimizationJobManifest, optimize_task(arm, SUBMIT)))
        ]
        return spent(self, jobs, unreleased, evaluations, optimizations)

    def _run_states(self, states: Mapping[str, str | None]) -> RunStates:
        if not self.has_dag():
            return RunStates(states)
        tasks = self.dag.topological_sort()
        return RunStates(
            states,
            [task.task_id for task in tasks],
            [task.task_id for task in tasks if task.is_mapped],
            {task.task_id: task.upstream_task_ids for task in tasks},
        )

    def _log_promotion(self, ti: Any, states: Mapping[str, str | None]) -> None:
        """Log which model was promoted, or why none was. A report that cannot be read does not fail the run."""
        from include.distill.evaluation.standing_promotion import promotion_summary

        reported = self._result(ti, ReportManifest, REPORT)
        if not reported:
            return
        promoted = self._result(ti, PromotionManifest, PROMOTE)
        # Airflow keeps the result of an earlier attempt when the cleared task is skipped.
        if promoted and states.get(PROMOTE) != "skipped":
            self.log.info("%s was promoted: %s is the champion.", promoted.get("arm"), promoted.get("model_arn"))
            self._log_endpoint(promoted)
            return
        try:
            promotion = promotion_of(read_decided_report(self.store, reported["report_json_uri"]), self.use_case)
        except DistillError as error:
            self.log.warning("Nothing was promoted. The reasons cannot be read: %s", error)
            return
        if winner := winning_decision(promotion):
            skipped = SWITCH if states.get(SWITCH) == "skipped" else PROMOTE
            reason = _why_skipped(ti.xcom_pull(task_ids=APPROVE), skipped)
            self.log.info("Nothing was promoted: the rule accepts %s, but %s", winner["candidate"], reason)
        else:
            self.log.info("%s", promotion_summary(promotion))

    def _log_endpoint(self, promoted: PromotionManifest) -> None:
        if not (arn := promoted.get("endpoint_arn")):
            return
        before = promoted.get("previous_model_arn")
        self.log.info(
            "Applications call %s, which answers with %s (before: %s). It is %s.",
            arn,
            promoted.get("model_arn"),
            before or "no champion",
            "billed by the hour until a person deletes it"
            if promoted.get("endpoint_kind") == "provisioned"
            else "billed by the token",
        )

    def _result(self, ti: Any, kind: type[ResultT], task: str) -> ResultT | None:
        """Return the result of a task, whichever version of the pipeline wrote it; ``None`` if there is no result."""
        result = ti.xcom_pull(task_ids=task)
        return read_result(result, kind, task=task, reader=self.task_id) if result else None

    def _stop_abandoned(self, states: Mapping[str, str | None], ti: Any) -> list[StopResult]:
        return [
            *self._stop_abandoned_jobs(states, ti),
            *self._stop_abandoned_batches(states, ti),
            *self._stop_abandoned_evaluations(states, ti),
            *self._stop_abandoned_optimizations(states, ti),
        ]

    def _stop_abandoned_jobs(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the training jobs whose tasks were marked as failed; yield a result for each job that was running."""
        for arm, task in abandoned_training(states, ti):
            submitted = self._result(ti, TrainingJobManifest, arm_task(arm, SUBMIT))
            name = (submitted.get("job_arn") or submitted["job_name"]) if submitted else ""
            try:
                at_most_usd, estimated_usd = _prices(submitted)
                for job in self._jobs_of(arm, submitted, ti):
                    name = job.arn
                    if run := asked_of(arm_task(arm, TRAINED), ti).get(name):
                        yield StopResult(not_stopped(job.name, run))
                    elif message := stop_job(self.hook, job.arn, at_most_usd=at_most_usd, estimated_usd=estimated_usd):
                        yield StopResult(message)
            except ServiceError as error:
                what = f"{task} was marked as failed, but its job {name}"
                yield StopResult.failed(what, ByHand.TRAINING_JOB, name, self.region_name, error)

    def _stop_abandoned_batches(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the batch jobs whose tasks were marked as failed; yield a result for each job that was running."""
        for step, _ in abandoned_steps(states, ti):
            if self.use_case.batch.stop_when_marked_failed:
                jobs, pending = BatchJobs(self.hook), PendingBatchJobs(self.store, self.folder)
                awaited = asked_of(batch_task(step, WAIT), ti)
                yield from stop_batches(jobs, pending, step, region=self.region_name, awaited=awaited)

    def _stop_abandoned_evaluations(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the evaluation jobs whose tasks were marked as failed; yield a result for each job that was running."""
        return stop_abandoned_evaluations(self, states, ti)

    def _stop_abandoned_optimizations(self, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
        """Stop the prompt optimization jobs whose tasks were marked as failed; yield a result for each running job."""
        return stop_abandoned_optimizations(self, states, ti)

    def _resubmitted_by(self, states: Mapping[str, str | None], ti: Any) -> dict[str, str]:
        """Return the task ``submit`` of each task that was marked as failed, if its job is stopped for this reason."""
        training, evaluations = list(abandoned_training(states, ti)), list(abandoned_evaluations(states, ti))
        optimizations = list(abandoned_optimizations(states, ti))
        found: dict[str, str] = {}
        try:
            if training and self.use_case.training.stop_when_marked_failed:
                found |= {marked: arm_task(arm, SUBMIT) for arm, marked in training}
            if evaluations and self.use_case.evaluations.pointwise_settings.stop_when_marked_failed:
                found |= {job.marked: job.submit for job in evaluations}
            if self.use_case.batch.stop_when_marked_failed:
                steps = abandoned_steps(states, ti)
                found |= {marked: batch_task(step, SUBMIT) for step, marked in steps}
            if optimizations and self.use_case.prompt_optimization.stop_when_marked_failed:
                found |= {job.marked: job.submit for job in optimizations}
        except DistillError as error:  # the message about the failed tasks is more important than this error
            self.log.warning("It is not known whether the jobs of marked tasks are to be stopped: %s", error)
        return found

    def _jobs_of(self, arm: str, submitted: TrainingJobManifest | None, ti: Any) -> Iterator[CustomizationJob]:
        if not self.use_case.training.stop_when_marked_failed:
            return
        if submitted is None:
            yield from self._possible_jobs(arm, ti)
        elif job := self.ownership.find_submitted_job(submitted["job_name"], submitted["fingerprint"]):
            yield job

    def _possible_jobs(self, arm: str, ti: Any) -> Iterator[CustomizationJob]:
        """Yield the jobs that the arm's task ``submit`` may have bought or found, even if it stored no result."""
        dataset = self._result(ti, DatasetManifest, arm_task(arm, UPLOAD))
        if not dataset:
            return
        fingerprint = recipe_fingerprint(self.use_case, arm, dataset["sha256"])
        for attempt in range(1, self.use_case.training.max_attempts + 1):
            names = job_names(self.use_case.environment, self.use_case.name, arm, fingerprint, attempt)
            job = self.ownership.find_job(names, fingerprint=fingerprint, training_uri=dataset["train_uri"])
            if job is not None:
                yield job


def _prices(submitted: TrainingJobManifest | None) -> tuple[float | None, float | None]:
    """Return the highest price of a job and, for a distillation job, its estimated price; ``None`` if unknown."""
    return (submitted.get("at_most_usd"), submitted.get("estimated_usd")) if submitted else (None, None)


def _marked(run: RunStates, ti: Any, skipped: int) -> str:
    """Say that a person probably marked the run or a task as failed, if skipped tasks or missing notes suggest it."""
    silent = ", ".join(map(str, without_note(run, ti)))
    if skipped:  # Airflow skips the tasks that had not started when a person marks a run as failed
        which = f"the run or these tasks as failed: {silent}" if silent else "the run as failed"
        return f" Probably a person marked {which}."
    return f" No error was recorded for {silent}: a person marked it as failed, or Airflow ended it." if silent else ""


def _still_running(run: RunStates) -> str:
    if not run.running:
        return ""
    names = ", ".join(map(str, run.running))
    incomplete = "This list and the cost are therefore incomplete. When these tasks have ended, clear"
    return f" Still running: {names}. {incomplete} {OUTCOME}."


def _why_skipped(approval: HumanResponse | None, task: str) -> str:
    """
    Return why the winner was not promoted, as the end of a sentence.

    :param task: the first task of the promotion that was skipped.
    """
    if approval is None or REJECT not in approval["chosen_options"]:
        return f"{task} was skipped, as its log explains."
    person = responder(approval)
    return f"{person} rejected it." if person else "nobody approved it in time."
