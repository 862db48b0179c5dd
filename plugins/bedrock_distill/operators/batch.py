"""Send the questions of a step in batch jobs, and store the answers where the step looks for them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobRequest, BatchJobs
from bedrock_distill.hooks.statuses import STOPPED, Progress
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt
from bedrock_distill.lifecycle.buy_once import buy_once, not_listed_yet
from bedrock_distill.lifecycle.job_keys import other_key_warning
from bedrock_distill.lifecycle.ownership import is_job_of
from bedrock_distill.lifecycle.running_questions import RunningQuestions, being_stopped
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.batch_endings import FULL_PRICE, describe_ending, failed_jobs_error
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.task_ids import PREFLIGHT, SUBMIT, WAIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.batch.claims import BatchClaims
from include.distill.batch.input_files import BatchInputFile, build_input_files, request_keys, unanswered
from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome, PendingBatchJobs
from include.distill.batch.records import BatchCollectManifest, BatchError, BatchStep, BatchSubmitManifest
from include.distill.batch.results import collect
from include.distill.config.catalog import BatchInference, Model
from include.distill.config.layout import Layout, RunFolder
from include.distill.core.errors import ConflictError, JobFailedError, UseCaseError, WaitTimeoutError
from include.distill.core.job_failures import job_failure, stated_reason
from include.distill.core.naming import Names, batch_names, request_token
from include.distill.core.storage import stream_jsonl
from include.distill.dataset.records import ShardNumbers
from include.distill.inference.quoted_requests import escaped
from include.distill.inference.requests import WIRE_FORMATS, ModelRequest
from include.distill.report.run_metrics import purchase_samples

if TYPE_CHECKING:
    from airflow.sdk import Context


class BatchOperator(DistillOperator):
    """
    Base class of the operators for a step's batch jobs.

    :param step: the step whose questions are sent: ``synthesize`` or ``judge``.
    """

    ui_color = "#fce8e6"
    waits_for = "the questions of {task.step} to be matched with batch jobs and their answers"

    def __init__(self, *, step: BatchStep, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def state_left(self, error: Exception) -> str:
        """Return a sentence for the log: answers and jobs are not lost."""
        return "All answers that were collected are stored. Jobs are found again by their names, and not bought twice."

    def billed_now(self, error: Exception) -> str:
        """Return what may be billed now: the records that running batch jobs answer."""
        return f"Each record that a running batch job of {self.step} answers, at half the on-demand price."

    def cost_so_far(self) -> str:
        """Return how batch jobs are billed."""
        return "each record that a batch job answers, at half the on-demand price"

    @cached_property
    def batch_jobs(self) -> BatchJobs:
        """The client for Bedrock's batch jobs. It uses the task's connection."""
        return BatchJobs(self.hook)

    @cached_property
    def pending_jobs(self) -> PendingBatchJobs:
        """All batch jobs whose answers are not stored yet, whichever run bought them."""
        return PendingBatchJobs(self.store, self.folder)

    def collect(self, plan: BatchJobPlan, job: BatchJob) -> BatchOutcome:
        """Store the answers of a job that has ended, and record that they are stored."""
        buyer = Layout(self.use_case.storage).run_uri(plan.use_case or self.use_case.name, plan.run_key)
        outcome = collect(
            plan,
            job.id,
            answers=self.answers,
            errors_uri=self.folder.batch_errors(plan.name),
            lost_calls_uri=RunFolder(buyer).lost_calls,
            successes=job.successes,
            simulated=job.simulated,
            threads=self.use_case.fan_out.concurrency,
        )
        self.pending_jobs.mark_collected(plan, outcome)
        errors_uri = self.folder.batch_errors(plan.name)
        errors = stream_jsonl(self.store, errors_uri, BatchError)
        is_complete = outcome.answered == outcome.records
        self.log.log(
            logging.INFO if is_complete else logging.WARNING,
            "%s",
            describe_ending(job, outcome, errors, errors_uri=errors_uri),
        )
        return outcome


class BedrockSubmitBatchOperator(BatchOperator):
    """
    Submit a step's unanswered questions as batch jobs, at half the price.

    First, the task stores the answers of all jobs that have ended, whichever run bought them. If a running job already
    contains a question, the question is not submitted again, and this run waits for that job. A job's name contains a
    hash of the environment, the use case and the questions, so a retry, a cleared task or another worker finds the job.
    A job of another environment is not used. If there are too few questions for a batch job, the step sends them on
    demand.

    :param shards: indices of the row shards for the teacher; empty for the judges. (templated)
    :return: ``{"job_arns", "records", "left_to_ask_on_demand", "bought"}``; ``records`` is the number of
        questions in the jobs. This includes jobs that an earlier attempt or run bought for exactly the same questions.
    :raises JobFailedError: an earlier job with the same questions failed for a reason that would make a new job fail,
        too; no job was bought for these questions.
    :raises RefusedError: access is missing, or a quota does not allow the job; the refused job was not bought.
    """

    template_fields: Sequence[str] = (*BatchOperator.template_fields, "shards")

    def __init__(self, *, shards: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards: ShardNumbers = shards

    def execute(self, context: Context) -> BatchSubmitManifest:
        """Find or buy the batch jobs for every model that the step calls."""
        from include.distill.batch.step_requests import models_of_step

        submitted: BatchSubmitManifest = {"job_arns": [], "records": 0, "left_to_ask_on_demand": 0, "bought": 0}
        with record_attempt(context):
            for model in models_of_step(self.use_case, self.step):
                self._submit(model, context, submitted)
        self.log.info(
            "Batch jobs: %d, of which this task bought %d. Records in the jobs: %d. Calls left to ask on demand: %d.",
            *(len(submitted["job_arns"]), submitted["bought"], submitted["records"]),
            submitted["left_to_ask_on_demand"],
        )
        emit(purchase_samples(self.use_case.name, "batch job", submitted["bought"]))
        return submitted

    def _submit(self, model: Model, context: Context, submitted: BatchSubmitManifest) -> None:
        from include.distill.batch.step_requests import StepRequests

        running = self._collect_ended(model)
        questions = StepRequests(self.use_case, self.store, self.folder, self.prompts, list(self.shards))
        missing = unanswered(
            questions.first_requests(self.step, model),
            self.answers,
            claim=running.claim,
            threads=self.use_case.fan_out.concurrency,
        )
        self._submit_files(model, missing, context, submitted)
        submitted["job_arns"] += sorted(running.claimed_arns)
        running.require_not_stopped()

    def _submit_files(
        self, model: Model, missing: Iterable[ModelRequest], context: Context, submitted: BatchSubmitManifest
    ) -> None:
        limits = batch_limits(model)
        for file in build_input_files(missing, limits):
            count = len(file.keys)
            job = self._buy(model, file, context, submitted) if count >= limits.minimum_records else None
            if job is None:
                self.log.info("Number of questions for %s that the step sends on demand: %d", model.key, count)
                submitted["left_to_ask_on_demand"] += count
                continue
            submitted["job_arns"].append(job.arn)
            submitted["records"] += count

    def _collect_ended(self, model: Model) -> RunningQuestions:
        """Store the answers of the jobs that have ended; return the questions that running jobs will answer."""
        running = RunningQuestions()
        for plan in self.pending_jobs.all():
            job = self.batch_jobs.find(plan.name) if plan.identity == model.inference_id else None
            # Skip the plan if it is for another model, its job was never bought, or another environment owns the job.
            if job is None or not is_job_of(plan, job):
                continue
            if job.progress is Progress.RUNNING:
                running.add(job, request_keys(self.store, plan.input_uri))
            else:
                self.collect(plan, job)
        return running

    def _buy(
        self, model: Model, file: BatchInputFile, context: Context, submitted: BatchSubmitManifest
    ) -> BatchJob | None:
        """Find or buy the job for a file of questions; return ``None`` if batch jobs cannot answer them."""
        names = self._attempt(file.sha256)
        if names is None:
            return None
        own, names = names, self._claimed(names, file.sha256)
        plan = self._plan(names.name, model, file)
        if not self.store.exists(plan.input_uri):
            file.store(self.store, plan.input_uri)
        created: list[str] = []

        def find(_: str) -> BatchJob | None:
            # A look-up by name reads Bedrock's list of jobs, which may not contain a new job yet.
            return self.batch_jobs.get(created[0]) if created else self._find(names, file.sha256)

        def create(_: str) -> None:
            require_approved_spending(self)
            if names is own or not self.pending_jobs.find(plan.name):  # keep the note of another use case
                self.pending_jobs.add(plan)
            require_running(
                context,
                f"buy batch job {names.name}",
                left="The jobs that other attempts bought, and their answers, are unchanged.",
                if_still=f"{self.step} still needs answers",
            )
            created.append(self.batch_jobs.create(self._request(plan, model, context)))

        try:
            purchase = buy_once(names.name, find=find, create=create)
        except ConflictError as error:
            raise not_listed_yet("batch job", names.name, error) from error
        job = purchase.resource
        if job.status in STOPPED:  # another run has bought it, and a person has marked that run
            raise being_stopped([job.name])
        if not self.pending_jobs.find(job.name):  # a clean-up deleted the record of a running job
            self.pending_jobs.add(replace(plan, name=job.name))
        submitted["bought"] += purchase.bought
        verb = "Bought" if purchase.bought else "Found"
        if warning := other_key_warning(f"Batch job {job.name}", job.kms_key_arn, self.use_case.output_key):
            self.log.warning("%s", warning)
        self.log.info("%s batch job %s with %d records", verb, job.name, plan.records)
        return job

    def _claimed(self, names: Names, sha256: str) -> Names:
        """Return the name under which the job is bought: that of another use case that is buying it, or the own one."""

        def has_ended(name: str) -> bool:
            job = self.batch_jobs.find(name)
            return job is not None and job.progress is not Progress.RUNNING

        claims = BatchClaims(self.store, self.folder)
        name = claims.name_to_buy(sha256, names.name, self.use_case.aws.role_arn, has_ended=has_ended)
        return names if name == names.name else Names(name, None)

    def _find(self, names: Names, sha256: str) -> BatchJob | None:
        return self.ownership.find_batch_job(
            names,
            self.batch_jobs,
            input_uri=self.folder.batch_input(sha256),
            output_uri=Layout(self.use_case.storage).batch_output(sha256),
        )

    def _attempt(self, sha256: str) -> Names | None:
        """
        Return the names (current and former) of the first attempt whose job is running or has not been bought yet.

        Return ``None`` if an earlier job answered none of the questions, or if all attempts have ended. The step then
        sends the questions on demand.

        Each attempt has a job of its own, for the same questions. None of the questions has a stored answer. So if an
        attempt has ended, it did not answer them, or its answers were deleted.
        """
        for attempt in range(1, self.use_case.batch.max_attempts + 1):
            names = batch_names(self.use_case.environment, self.use_case.name, self.step, sha256, attempt)
            job = self._find(names, sha256)
            if job is None or job.progress is Progress.RUNNING:
                return names
            failure = job_failure(job.message)
            if job.status == "Failed" and failure.is_final:
                raise JobFailedError(
                    f"Batch job {job.name}, which had the same questions, failed earlier:"
                    f" {escaped(stated_reason(job.message))}.",
                    left="It is not bought again, because the same questions would fail again. Stored answers are"
                    " kept.",
                    billed="Nothing for these questions.",
                    to_do=(
                        f"{failure.advice} Or set inference: on_demand for {self.step}, which sends the questions"
                        f" {FULL_PRICE}."
                    ),
                    then_clear=task_to_clear(PREFLIGHT),
                )
            if job.status == "Failed":
                self.log.warning("%s failed: %s. %s", job.name, escaped(stated_reason(job.message)), failure.advice)
            if job.status == "Completed" and not self._answers_were_lost(job.name):
                self.log.warning(
                    "%s answered none of its questions; %s sends them %s.", job.name, self.step, FULL_PRICE
                )
                return None
        self.log.warning(
            "All %d attempts (batch.max_attempts) have ended (last: %s); %s sends the questions %s.",
            *(self.use_case.batch.max_attempts, names.name, self.step, FULL_PRICE),
        )
        return None

    def _answers_were_lost(self, name: str) -> bool:
        """Return whether a job's answers were stored and later deleted by a lifecycle rule or a clean-up."""
        outcome = self.pending_jobs.outcome(name)
        return outcome is None or outcome.answered > 0

    def _plan(self, name: str, model: Model, file: BatchInputFile) -> BatchJobPlan:
        return BatchJobPlan(
            name=name,
            step=self.step,
            model=model.key,
            identity=file.identity,
            sha256=file.sha256,
            records=len(file.keys),
            max_tokens=file.max_tokens,
            run_key=self.folder.run_key,
            input_uri=self.folder.batch_input(file.sha256),
            output_uri=Layout(self.use_case.storage).batch_output(file.sha256),
            use_case=self.use_case.name,
        )

    def _request(self, plan: BatchJobPlan, model: Model, context: Context) -> BatchJobRequest:
        return BatchJobRequest(
            name=plan.name,
            token=request_token(plan.name),
            model_id=model.inference_id,
            invocation_type=WIRE_FORMATS[model.api].invocation_type,
            role_arn=self.use_case.aws.role_arn,
            input_uri=plan.input_uri,
            output_uri=plan.output_uri,
            timeout_hours=self.use_case.batch.timeout_hours,
            tags=purchase_tags(self.use_case, self.folder, context["dag_run"], step=self.step, fingerprint=plan.sha256),
            kms_key_arn=self.use_case.output_key,
            vpc=self.use_case.aws.vpc,
        )


class BedrockCollectBatchOperator(BatchOperator):
    """
    Store the answers of a step's batch jobs, whatever their final status.

    The step then sends the unanswered questions on demand. This task costs nothing. Retrying or clearing the task
    stores the answers that are not stored yet.

    :param submitted: manifest of the step's task ``submit``. (templated)
    :return: ``{"jobs", "records", "answered", "errors", "left_to_ask_on_demand"}``
    :raises JobFailedError: a job has the status Failed or Stopped; the message quotes Bedrock's reason. The
        job's answers are stored.
    :raises WaitTimeoutError: a job is still running, which is possible if a person marked ``wait`` as successful.
    """

    template_fields: Sequence[str] = (*BatchOperator.template_fields, "submitted")
    submitted = ResultOf[BatchSubmitManifest](SUBMIT)

    def __init__(self, *, submitted: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted

    def execute(self, context: Context) -> BatchCollectManifest:
        """Store all answers, then fail if a job failed."""
        jobs = [self.batch_jobs.get(arn) for arn in self.submitted["job_arns"]]
        ended = [(job, self._outcome(job)) for job in jobs if job.progress is not Progress.RUNNING]
        outcomes = [outcome for _, outcome in ended]
        if running := [job.name for job in jobs if job.progress is Progress.RUNNING]:
            raise WaitTimeoutError(
                f"These batch jobs have not ended: {', '.join(running)}.",
                left=f"They are running, but no task waits for them. Jobs whose answers are stored: {len(ended)}.",
                billed="Each record that they answer is billed, at half the on-demand price.",
                then_clear=task_to_clear(sibling_task(self.task_id, WAIT)),
            )
        if failed := [(job, outcome) for job, outcome in ended if job.progress is Progress.FAILED]:
            raise failed_jobs_error(failed, submit=sibling_task(self.task_id, SUBMIT))
        records, answered = sum(part.records for part in outcomes), sum(part.answered for part in outcomes)
        if answered < records:
            self.log.warning("%s sends %d questions again, %s.", self.step, records - answered, FULL_PRICE)
        return {
            "jobs": len(jobs),
            "records": records,
            "answered": answered,
            "errors": sum(part.errors for part in outcomes),
            "left_to_ask_on_demand": records - answered + self.submitted["left_to_ask_on_demand"],
        }

    def _outcome(self, job: BatchJob) -> BatchOutcome:
        if plan := self.pending_jobs.find(job.name):
            return self.collect(plan, job)
        return self.pending_jobs.outcome(job.name) or BatchOutcome(0, 0, 0)


def batch_limits(model: Model) -> BatchInference:
    """Return the limits of a batch job for ``model``.

    :raises UseCaseError: Bedrock does not accept batch jobs for the model.
    """
    if model.batch is None:
        raise UseCaseError(
            f"Bedrock does not accept batch jobs for {model.key}.",
            billed="Nothing was bought for this model.",
            to_do="Set inference: on_demand for the step that calls it.",
            then_clear=task_to_clear(PREFLIGHT),
        )
    return model.batch
