"""
Run batch jobs: validate the input, queue the job, answer the records, and write the output files.

The records in the output are not in the order of the input, as can happen on Bedrock. When a job ends, the answered
records are written and billed. A job answers all records, or the first half of them if the fault ``batch_partial``
applies. A job that is stopped or times out answers as many records as it had time for. A job that times out before it
begins to answer is Expired, and a job that times out later is PartiallyCompleted. The service model of botocore
describes these two statuses.
Format of the files: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from typing import Any

from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.records import BatchCounts, BatchJobBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline
from tools.aws_simulator.jobs.batch_files import BatchFiles, BatchLine
from tools.aws_simulator.jobs.job_files import S3Access
from tools.aws_simulator.jobs.role_access import RoleAccess
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Charge, Inference
from tools.aws_simulator.services.roles import Roles

PHASES = ("Submitted", "Validating", "Scheduled", "InProgress")
UNFINISHED = (*PHASES, "Stopping")
_SHARES = {"Submitted": 0.1, "Validating": 0.2, "Scheduled": 0.2, "InProgress": 0.5}
_STOPPING_SHARE = 0.1
SECONDS_PER_HOUR = 3600
_ERROR_EVERY = 10  # with batch_record_errors, one record in ten gets an error


class BatchRunner(BackgroundJobs[BatchJobBody]):
    """The batch jobs, which run in the background."""

    def __init__(
        self, state: State, settings: SettingsStore, inference: Inference, ledger: Ledger, s3: S3Access, roles: Roles
    ) -> None:
        super().__init__(state.batch_jobs, settings, unfinished=UNFINISHED)
        self._state = state
        self._inference = inference
        self._ledger = ledger
        self._s3 = s3
        self._roles = roles

    def _work(self, arn: str) -> None:
        for phase in PHASES:
            job = self._begin(arn, phase)
            if phase == "Validating":
                self._validate(job)
            is_late = (
                phase == "Scheduled"
                and self._fault(job) == "batch_stalled"
                and self._is_late(job, self._stall_end(job))
            )
            is_late = is_late or self._is_late(job, self._deadline(job, _SHARES[phase]))
            if (phase != "InProgress" and is_late) or (phase == "Scheduled" and self._fault(job) == "batch_expired"):
                self._end(arn, "Expired", message="The job did not begin before its time-out.")
                return
        job = self._jobs.get(arn)
        if self._fault(job) == "batch_failed":
            raise DataFaultError(INTERNAL_ERROR)
        share = self._share_of_answers(job, _expiration(job)) if is_late else 1.0
        share = 0.5 if self._fault(job) == "batch_partial" else share
        self._answer_records(job, "PartiallyCompleted" if share < 1 else "Completed", share=share)

    def _validate(self, job: Resource[BatchJobBody]) -> None:
        """Check and count the records. A job with an invalid file shows Validating for a while before it fails.

        :raises DataFaultError: a file or a bucket cannot be used.
        """
        try:
            records = self._records(job)
        except DataFaultError:
            self._wait(job.arn, self._deadline(job, _SHARES["Validating"]))
            raise
        self._save(job.arn, counts={**job.body["counts"], "totalRecordCount": len(records)})

    def _is_late(self, job: Resource[BatchJobBody], deadline: Deadline) -> bool:
        """Wait until ``deadline`` or until the job's time is over; return True if the job's time was over first.

        A phase is not late if it began when the job's time was already over, as can happen after a restart of the
        simulator.
        """
        expiration = _expiration(job)
        if job.body["phase_started"] >= expiration:
            self._wait(job.arn, deadline)
            return False

        def seconds() -> float:
            length = deadline.length()
            return min(expiration - deadline.start, math.inf if length is None else length)

        self._wait(job.arn, Deadline(seconds, deadline.start))
        remaining = deadline.remaining()
        return time.time() >= expiration and (remaining is None or remaining > 0)

    def _fault(self, job: Resource[BatchJobBody]) -> str | None:
        return str(job.body["fault"]["kind"]) if job.body["fault"] else None

    def _begin(self, arn: str, phase: str) -> Resource[BatchJobBody]:
        """Mark a phase as started. A phase that was started before a restart keeps its start time."""
        with self._changed:
            self._check(arn)
            job = self._jobs.get(arn)
            if PHASES.index(phase) > PHASES.index(job.body["status"]):
                self._save(arn, status=phase, phase_started=time.time())
            return self._jobs.get(arn)

    def _deadline(self, job: Resource[BatchJobBody], share: float) -> Deadline:
        return Deadline(lambda: self._settings.current.batch_seconds * share, job.body["phase_started"])

    def _access(self, job: Resource[BatchJobBody]) -> RoleAccess:
        return RoleAccess(self._s3, self._roles, job.body["roleArn"], job.arn)

    def _records(self, job: Resource[BatchJobBody]) -> list[BatchLine]:
        """Return the records of the input files.

        :raises DataFaultError: an input file or a bucket cannot be used. The message is Bedrock's where
            Bedrock's message is known.
        """
        access = self._access(job)
        files = BatchFiles(job, access)
        files.check_buckets()
        self._check_permissions(job, access, *files.output_folder)
        return files.read(self._inference.on_demand(job.region, job.body["modelId"]).model.batch)

    def _check_permissions(self, job: Resource[BatchJobBody], access: RoleAccess, bucket: str, prefix: str) -> None:
        """Check the permissions that the role needs in addition to reading the input.

        :raises DataFaultError: a permission is missing.
        """
        if not access.may_write(bucket, f"{prefix}/manifest.json.out"):
            raise DataFaultError(f"Could not validate permissions to access Amazon S3 bucket: {bucket}")
        model_id, model = job.body["modelId"], self._inference.on_demand(job.region, job.body["modelId"]).model
        access.check_profile(model_id, model.id)

    def _answer_records(self, job: Resource[BatchJobBody], status: str, *, share: float) -> None:
        """Answer the given share of the records, starting with the first, and end the job."""
        records = self._records(job)
        processed = records[: int(len(records) * share)]
        results = [self._answer_record(job, number, record) for number, record in enumerate(processed)]
        charges = [charge for _, charge in results if charge]
        counts: BatchCounts = {
            "totalRecordCount": len(records),
            "processedRecordCount": len(processed),
            "successRecordCount": len(charges),
            "errorRecordCount": len(processed) - len(charges),
            "inputTokenCount": sum(charge.input_tokens for charge in charges),
            "outputTokenCount": sum(charge.output_tokens for charge in charges),
        }
        if not self._closing:
            BatchFiles(job, self._access(job)).write([line for line, _ in results], counts)
            self._end(job.arn, status, charges, counts=counts)

    def _answer_record(
        self, job: Resource[BatchJobBody], number: int, record: BatchLine
    ) -> tuple[BatchLine, Charge | None]:
        record_id, model_input = record.value.get("recordId", secrets.token_hex(6).upper()), record.value["modelInput"]

        def line(**outcome: Any) -> BatchLine:
            return BatchLine(record.file, {"recordId": record_id, "modelInput": model_input, **outcome})

        if self._fault(job) == "batch_record_errors" and number % _ERROR_EVERY == 0:
            return line(error={"errorCode": 500, "errorMessage": INTERNAL_ERROR}), None
        if record.fault:
            return line(error={"errorCode": 400, "errorMessage": record.fault}), None
        try:
            output, charge = self._inference.answer_record(
                job.region, job.body["modelId"], job.body["modelInvocationType"], model_input
            )
        except (ApiError, RecursionError) as error:
            text = str(error) if isinstance(error, ApiError) else "The record is nested too deeply."
            return line(error={"errorCode": 400, "errorMessage": text}), None
        return line(modelOutput=output), charge

    def _end(self, arn: str, status: str, charges: Sequence[Charge] = (), **changes: Any) -> None:
        """End the job and bill its answers in one transaction. If the job was asked to stop, its status is Stopped."""
        with self._changed, self._state.transaction():
            if self._closing:
                return
            for charge in charges:
                self._ledger.bill(*charge, batch=True)
            stopped = self._jobs.get(arn).body["status"] == "Stopping"
            self._save(arn, status="Stopped" if stopped else status, ended=time.time(), **changes)

    def _failed(self, arn: str, message: str) -> None:
        self._end(arn, "Failed", message=message[:2048])

    def _stopped(self, arn: str) -> None:
        """Keep the status Stopping for a while, then write and bill the records that the job had time to answer."""
        job = self._jobs.get(arn)
        if not self._wait_stopping(self._stopping_end(job)):
            return
        if share := self._share_when_stopped(job):
            self._answer_records(job, "Stopped", share=share)
        else:
            self._end(arn, "Stopped")

    def _stopping_end(self, job: Resource[BatchJobBody]) -> Deadline:
        return Deadline(lambda: self._settings.current.batch_seconds * _STOPPING_SHARE, job.body["modified"])

    def _share_when_stopped(self, job: Resource[BatchJobBody]) -> float:
        if job.body.get("stopped_in") != "InProgress":
            return 0.0
        return self._share_of_answers(job, job.body["modified"])

    def _share_of_answers(self, job: Resource[BatchJobBody], until: float) -> float:
        """Return the share of the phase InProgress that had passed at the time ``until``."""
        length = max(1e-9, self._settings.current.batch_seconds * _SHARES["InProgress"])
        return float(min(1.0, (until - job.body["phase_started"]) / length))


def _expiration(job: Resource[BatchJobBody]) -> float:
    return job.created + job.body["timeoutDurationInHours"] * SECONDS_PER_HOUR
