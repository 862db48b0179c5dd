"""Check how ``outcome`` handles, at the end of a run, batch jobs that no task waits for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.lifecycle.abandoned_batches import abandoned_steps, stop_batches
from bedrock_distill.lifecycle.abandoned_jobs import IN_PROGRESS
from include.distill.batch.pending_jobs import BatchJobPlan, PendingBatchJobs
from include.distill.batch.records import BatchStep
from include.distill.config.layout import RunFolder
from include.distill.core.errors import TransientError
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

STEP: BatchStep = "synthesize"
FAILED_WAIT = {"submit": "success", "wait": "failed"}


def test_steps_are_abandoned_independently() -> None:
    left = {"synthesize_batch.wait": "JobFailedError", "judge_batch.wait": IN_PROGRESS}
    states = {f"{step}_batch.{task}": state for step in ("synthesize", "judge") for task, state in FAILED_WAIT.items()}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: left[task_ids])
    assert list(abandoned_steps(states, ti)) == [("judge", "judge_batch.wait")]


@pytest.mark.parametrize(("recorded", "abandoned"), [("TransientError", [("judge", "judge_batch.submit")]), (None, [])])
def test_a_run_marked_failed_while_submit_waits_for_its_retry_abandons_its_jobs(
    recorded: str | None, abandoned: list[tuple[str, str]]
) -> None:
    """The response to the purchase may be lost. A task that never started has bought nothing."""
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: recorded)
    states = {"judge_batch.submit": "skipped", "judge_batch.wait": "skipped"}
    assert list(abandoned_steps(states, ti)) == abandoned


class TestStopBatches:
    @pytest.fixture
    def pending(self, store: MemoryStore) -> PendingBatchJobs:
        return PendingBatchJobs(store, FOLDER)

    @pytest.fixture
    def batches(self, store: MemoryStore) -> FakeBatchJobs:
        return FakeBatchJobs(store)

    def note(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs, name: str, *, status: str = "InProgress", **plan: Any
    ) -> None:
        """Record a job of 120 records, and set its status."""
        noted = {"step": STEP, "run_key": FOLDER.run_key, **plan}
        pending.add(
            BatchJobPlan(
                name=name, model="m", identity="m", sha256="0", records=120, max_tokens=1,
                input_uri="s3://b/i", output_uri="s3://b/o", **noted,
            )
        )  # fmt: skip
        batches.jobs[name] = BatchJob(name, name, status, processed=70, input_uri="s3://b/i", output_uri="s3://b/o")

    def stop(self, pending: PendingBatchJobs, batches: FakeBatchJobs, step: str = STEP) -> list[str]:
        results = list(stop_batches(batches, pending, step, region="eu-west-1"))  # type: ignore[arg-type]
        self.by_hand = [result.by_hand for result in results]
        return [result.text for result in results]

    def test_a_running_job_is_stopped_and_its_bill_is_reported(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs
    ) -> None:
        self.note(pending, batches, "job")
        (message,) = self.stop(pending, batches)
        assert batches.stopped == ["job"]
        assert message.startswith("Stopped job ")
        assert "answered 70 of 120 records" in message
        assert "Clear synthesize_batch.submit with downstream" in message

    def test_a_job_for_which_another_run_waits_is_not_stopped(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs
    ) -> None:
        self.note(pending, batches, "job")
        stopping = stop_batches(batches, pending, STEP, awaited={"job": "backfill"})  # type: ignore[arg-type]
        assert ["the run backfill waits for it" in result.text for result in stopping] == [True]
        assert batches.stopped == []

    @pytest.mark.parametrize("status", ["Completed", "PartiallyCompleted", "Expired", "Failed", "Stopped"])
    def test_an_ended_job_is_not_stopped(self, pending: PendingBatchJobs, batches: FakeBatchJobs, status: str) -> None:
        self.note(pending, batches, "job", status=status)
        assert self.stop(pending, batches) == []
        assert batches.stopped == []

    def test_jobs_of_another_run_or_step_are_not_stopped(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs, store: MemoryStore
    ) -> None:
        self.note(pending, batches, "of-another-run", run_key="manual-2")
        self.note(pending, batches, "of-another-step", step="judge")
        assert self.stop(pending, batches) == []
        assert batches.stopped == []
        other = PendingBatchJobs(store, RunFolder(f"{FOLDER.root}/runs/manual-2"))
        assert len(self.stop(other, batches)) == 1
        assert batches.stopped == ["of-another-run"]

    def test_a_record_of_a_job_that_was_never_bought_stops_nothing(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs
    ) -> None:
        self.note(pending, batches, "job")
        batches.jobs.clear()
        assert self.stop(pending, batches) == []

    def test_a_job_that_cannot_be_stopped_is_reported_and_the_others_are_stopped(
        self, pending: PendingBatchJobs, batches: FakeBatchJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.note(pending, batches, "a")
        self.note(pending, batches, "b")
        stop = batches.stop

        def refuse_the_first(arn: str) -> None:
            if arn == "a":
                raise TransientError("503 from Bedrock")
            stop(arn)

        monkeypatch.setattr(batches, "stop", refuse_the_first)
        first, second = self.stop(pending, batches)
        assert first.startswith("Batch job a ")
        assert "billed" in first
        assert "503 from Bedrock" in first
        assert "stop-model-invocation-job --job-identifier a --region eu-west-1`" in self.by_hand[0]
        assert self.by_hand[1] == ""
        assert second.startswith("Stopped b ")
        assert batches.stopped == ["b"]
