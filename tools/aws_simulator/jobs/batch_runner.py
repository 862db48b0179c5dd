"""
Run batch jobs: validate the input, queue the job, answer the records, and write the output files.

The records in the output are not in the order of the input, as can happen on Bedrock. When a job ends, the answered
records are written and billed. A job answers all records, or the first half of them if the fault ``batch_partial``
applies. A stopped job answers as many records as it had time for.
Format of the files: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Sequence
from typing import Any

from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.records import BatchCounts, BatchJobBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline
from tools.aws_simulator.jobs.job_files import S3Access
from tools.aws_simulator.jobs.role_access import RoleAccess
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime.inference import Charge, Inference
from tools.aws_simulator.s3.uris import split_uri
from tools.aws_simulator.services.roles import Roles

PHASES = ("Submitted", "Validating", "Scheduled", "InProgress")
UNFINISHED = (*PHASES, "Stopping")
_SHARES = {"Submitted": 0.1, "Validating": 0.2, "Scheduled": 0.2, "InProgress": 0.5}
_STOPPING_SHARE = 0.1
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
                self._save(arn, counts={**job.body["counts"], "totalRecordCount": len(self._records(job))})
            if phase == "Scheduled" and self._fault(job) == "batch_stalled":
                self._wait(arn, self._stall_end(job))
            self._wait(arn, self._deadline(job, _SHARES[phase]))
            if phase == "Scheduled" and self._fault(job) == "batch_expired":
                self._end(arn, "Expired", message="The job did not begin before its time-out.")
                return
        job = self._jobs.get(arn)
        if self._fault(job) == "batch_failed":
            raise DataFaultError(INTERNAL_ERROR)
        partial = self._fault(job) == "batch_partial"
        self._answer_records(job, "PartiallyCompleted" if partial else "Completed", share=0.5 if partial else 1.0)

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

    def _records(self, job: Resource[BatchJobBody]) -> list[dict[str, Any]]:
        """Return the records of the input file.

        :raises DataFaultError: the input file or a bucket cannot be used. The message is Bedrock's, if it is known.
        """
        for uri in (_input_uri(job), _output_uri(job)):
            if self._s3.bucket_region(split_uri(uri)[0]) != job.region:
                raise DataFaultError(f"Could not validate permissions to access Amazon S3 bucket: {split_uri(uri)[0]}")
        access = RoleAccess(self._s3, self._roles, job.body["roleArn"], job.arn)
        self._check_permissions(job, access)
        bucket, key = split_uri(_input_uri(job))
        body = access.read(bucket, key)
        if body is None or not key.endswith(".jsonl"):
            raise DataFaultError(f"No JSONL file was found at {_input_uri(job)}. Data files must end in .jsonl.")
        records = [_read_record(line, key) for line in body.split(b"\n") if line]
        limits = self._inference.on_demand(job.region, job.body["modelId"]).model.batch
        if limits and len(records) < limits.minimum_records:
            raise DataFaultError(
                f"Batch job contains less records ({len(records)}) than the required minimum of:"
                f" {limits.minimum_records}"
            )
        if limits and (len(records) > limits.maximum_records or len(body) > limits.maximum_bytes):
            raise DataFaultError(
                f"Batch job contains {len(records)} records and {len(body)} bytes. The maximum is"
                f" {limits.maximum_records} records and {limits.maximum_bytes} bytes"
            )
        return records

    def _check_permissions(self, job: Resource[BatchJobBody], access: RoleAccess) -> None:
        """Check what the role needs besides reading the input.

        A role needs bedrock:InvokeModel only for an inference profile:
        https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html

        :raises DataFaultError: a permission is missing. The text about the model is UNVERIFIED.
        """
        bucket, prefix = split_uri(f"{_output_uri(job).rstrip('/')}/{job.arn.rpartition('/')[2]}")
        if not access.may_write(bucket, f"{prefix}/manifest.json.out"):
            raise DataFaultError(f"Could not validate permissions to access Amazon S3 bucket: {bucket}")
        model_id, model = job.body["modelId"], self._inference.on_demand(job.region, job.body["modelId"]).model
        if model.id not in (model_id, model_id.rpartition("/")[2]) and not access.may_invoke(model_id, model.id):
            raise DataFaultError(
                f"The role {job.body['roleArn']} is not authorized to perform: bedrock:InvokeModel on {model_id}"
            )

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
            self._write(job, [line for line, _ in results], counts)
            self._end(job.arn, status, charges, counts=counts)

    def _answer_record(
        self, job: Resource[BatchJobBody], number: int, record: dict[str, Any]
    ) -> tuple[dict[str, Any], Charge | None]:
        line = {"recordId": record.get("recordId", secrets.token_hex(6).upper()), "modelInput": record["modelInput"]}
        if self._fault(job) == "batch_record_errors" and number % _ERROR_EVERY == 0:
            return {**line, "error": {"errorCode": 500, "errorMessage": INTERNAL_ERROR}}, None
        try:
            output, charge = self._inference.answer_record(
                job.region, job.body["modelId"], job.body["modelInvocationType"], record["modelInput"]
            )
        except ApiError as error:
            return {**line, "error": {"errorCode": 400, "errorMessage": str(error)}}, None
        return {**line, "modelOutput": output}, charge

    def _write(self, job: Resource[BatchJobBody], lines: list[dict[str, Any]], counts: BatchCounts) -> None:
        bucket, prefix = split_uri(f"{_output_uri(job).rstrip('/')}/{job.arn.rpartition('/')[2]}")
        name = _input_uri(job).rpartition("/")[2]
        random.Random(job.arn).shuffle(lines)
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._s3.write(bucket, f"{prefix}/{name}.out", body.encode())
        self._s3.write(bucket, f"{prefix}/manifest.json.out", json.dumps(counts).encode())

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
        """Return the share of the phase InProgress that had passed when the job was asked to stop."""
        if job.body.get("stopped_in") != "InProgress":
            return 0.0
        length = max(1e-9, self._settings.current.batch_seconds * _SHARES["InProgress"])
        return float(min(1.0, (job.body["modified"] - job.body["phase_started"]) / length))


def _input_uri(job: Resource[BatchJobBody]) -> str:
    return str(job.body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])


def _output_uri(job: Resource[BatchJobBody]) -> str:
    return str(job.body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])


def _read_record(line: bytes, key: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
        raise DataFaultError(f"Unable to parse Amazon S3 file: {key}. Data files must conform to JSONL format.")
    return record
