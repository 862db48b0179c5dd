"""Say how batch jobs ended: which answers are stored and billed, which records are sent again, and at what price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.run.task_ids import PREFLIGHT
from include.distill.batch.pending_jobs import BatchOutcome
from include.distill.batch.records import BatchError
from include.distill.core.errors import JobFailedError
from include.distill.core.job_failures import job_failure
from include.distill.inference.quoted_requests import escaped

FULL_PRICE = "at the full on-demand price, which is twice the price of a batch job"


def describe_ending(job: BatchJob, outcome: BatchOutcome, errors: Iterable[BatchError], *, errors_uri: str) -> str:
    """
    Return the counts of an ended job, as sentences.

    :param errors: the records that Bedrock could not answer. Their messages may quote the questions, so only the
        reasons are counted.
    :param errors_uri: the file that contains the errors.
    """
    text = (
        f"Batch job {job.name} ended with status {job.status}: {outcome.answered} of {outcome.records} records are"
        " answered. Their answers are stored, and are billed at half the on-demand price."
    )
    if outcome.errors:
        reasons = Counter(error["reason"] for error in errors).most_common()
        causes = ", ".join(f"{reason}: {count}" for reason, count in reasons)
        text += f" Records with an error: {outcome.errors} ({causes}); the messages are in {errors_uri}."
    if outcome.unanswered:
        text += f" Records that the job did not process: {outcome.unanswered}."
    if job.successes > outcome.answered:
        text += (
            f" Bedrock counts {job.successes - outcome.answered} more records as answered. Their answers are missing or"
            " unreadable, and the report counts them as billed."
        )
    return text


def failed_jobs_error(jobs: Sequence[tuple[BatchJob, BatchOutcome]], *, submit: str) -> JobFailedError:
    """
    Return the error about jobs with the status Failed or Stopped.

    :param jobs: the jobs with these statuses, each with the counts of its records.
    :param submit: id of the task that submits the unanswered questions again.
    """
    happened = " ".join(
        f"Batch job {job.name} ended with status {job.status} after {outcome.answered} of {outcome.records} records:"
        f" {escaped((job.message or 'Bedrock gave no reason').strip()).rstrip('.')}."
        for job, outcome in jobs
    )
    answered = sum(outcome.answered for _, outcome in jobs)
    unanswered = sum(outcome.records - outcome.answered for _, outcome in jobs)
    return JobFailedError(
        happened,
        left=f"The answers that the jobs gave are stored: {answered}. Questions without an answer: {unanswered}.",
        billed="The stored answers, at half the on-demand price. Nothing more is billed for these jobs.",
        to_do=" ".join(dict.fromkeys(_next_step(job, submit) for job, _ in jobs)),
    )


def _next_step(job: BatchJob, submit: str) -> str:
    buy_again = (
        f"Clear {submit} with downstream to submit only the unanswered questions, again at half the on-demand price."
    )
    if job.status != "Failed":
        return buy_again
    failure = job_failure(job.message)
    if failure.is_final:
        return (
            f"The same questions would fail again. {failure.advice} Alternatively, set `inference: on_demand` for the"
            f" step, which sends only the unanswered questions, {FULL_PRICE}. Then clear {PREFLIGHT} with downstream."
        )
    return f"{failure.advice} {buy_again}"
