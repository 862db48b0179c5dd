from __future__ import annotations

from dataclasses import replace

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.operators.batch_endings import describe_ending, failed_jobs_error
from include.distill.batch.pending_jobs import BatchOutcome
from include.distill.batch.records import BatchError

ERRORS: list[BatchError] = [
    {"record_id": str(number), "reason": reason, "message": "the question 'Secret?' is bad"}
    for number, reason in enumerate(["400", "400", "no_answer"])
]
URI = "s3://b/batches/job-errors.jsonl"


def ended(status: str, message: str | None = None) -> BatchJob:
    return BatchJob("job", "arn:job", status, message)


class TestDescription:
    def test_a_complete_job_has_no_errors(self) -> None:
        assert describe_ending(ended("Completed"), BatchOutcome(120, 120, 0), [], errors_uri=URI) == (
            "Batch job job ended with status Completed: 120 of 120 records are answered. Their answers are stored, and"
            " are billed at half the on-demand price."
        )

    def test_errors_are_counted_by_reason_and_their_messages_are_not_logged(self) -> None:
        text = describe_ending(ended("PartiallyCompleted"), BatchOutcome(120, 70, 3), ERRORS, errors_uri=URI)
        assert "Records with an error: 3 (400: 2, no_answer: 1); the messages are in s3://b/batches/job-e" in text
        assert text.endswith("did not process: 47.")
        assert "Secret" not in text

    def test_an_expired_job_has_only_records_that_were_not_processed(self) -> None:
        text = describe_ending(ended("Expired"), BatchOutcome(120, 70, 0), [], errors_uri=URI)
        assert "error" not in text
        assert text.endswith("did not process: 50.")

    def test_answers_that_bedrock_counts_but_that_cannot_be_stored_are_billed(self) -> None:
        job = replace(ended("Completed"), successes=100)
        text = describe_ending(job, BatchOutcome(120, 70, 0), [], errors_uri=URI)
        assert "Bedrock counts 30 more records as answered." in text
        assert text.endswith("the report counts them as billed.")


class TestFailure:
    def test_the_counts_of_all_failed_jobs_are_added(self) -> None:
        jobs = [(ended("Stopped"), BatchOutcome(120, 70, 3)), (ended("Failed", "Broke.\n"), BatchOutcome(100, 0, 0))]
        error = failed_jobs_error(jobs, submit="judge_batch.submit")
        assert "after 70 of 120 records: Bedrock gave no reason." in error.happened
        assert "after 0 of 100 records: Broke." in error.happened
        assert error.left == "The answers that the jobs gave are stored: 70. Questions without an answer: 150."
        assert error.billed.startswith("The stored answers, at half the on-demand price.")

    @pytest.mark.parametrize(
        ("status", "message", "step"),
        [
            (
                "Stopped",
                None,
                "Clear judge_batch.submit with downstream to submit only the unanswered",
            ),
            ("Failed", "Internal server error", "Clear judge_batch.submit with downstream"),
            ("Failed", "Batch job contains less records (1) than the required minimum of: 100", "clear preflight"),
        ],
    )
    def test_the_next_step_depends_on_who_can_remove_the_cause(
        self, status: str, message: str | None, step: str
    ) -> None:
        error = failed_jobs_error([(ended(status, message), BatchOutcome(120, 0, 0))], submit="judge_batch.submit")
        assert step in error.to_do
        assert ("twice the price of a batch job" in error.to_do) is (step == "clear preflight")
