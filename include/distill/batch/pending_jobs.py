"""
Keep track of batch jobs whose answers are not stored yet, so that no request is paid for twice.

A note about each job is written to S3 before the job is bought, and is deleted when the job's answers are stored. The
next task that submits batch jobs, whichever run it belongs to, first stores the answers of pending jobs that have
ended. It does not submit requests that are already in a pending job that is still running.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from include.distill.batch.records import BatchOutcomeRecord, BatchPlanRecord, BatchStep
from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json, write_json

RecordT = TypeVar("RecordT")


@dataclass(frozen=True)
class BatchJobPlan:
    """
    The plan of one batch job, made before the job is bought.

    :param model: key of the model in models.yaml.
    :param identity: the model's inference id, as in :class:`ModelRequest`.
    :param sha256: hash of the model and the request keys. The job's name and the URIs of its files contain this hash.
    :param records: number of requests.
    :param max_tokens: maximum length of an answer, in tokens.
    :param run_key: key of the run that pays for the job.
    :param output_uri: folder into which Bedrock writes the output.
    :param use_case: name of the use case of the run that pays; empty if an earlier version made the plan.
    """

    name: str
    step: BatchStep
    model: str
    identity: str
    sha256: str
    records: int
    max_tokens: int
    run_key: str
    input_uri: str
    output_uri: str
    use_case: str = ""

    def as_record(self) -> BatchPlanRecord:
        """Return the plan in its stored form."""
        return {
            "name": self.name,
            "step": self.step,
            "model": self.model,
            "identity": self.identity,
            "sha256": self.sha256,
            "records": self.records,
            "max_tokens": self.max_tokens,
            "run_key": self.run_key,
            "input_uri": self.input_uri,
            "output_uri": self.output_uri,
            "use_case": self.use_case,
        }


@dataclass(frozen=True)
class BatchOutcome:
    """The record counts of an ended job: ``records = answered + errors + unanswered``."""

    records: int
    answered: int
    errors: int

    @property
    def unanswered(self) -> int:
        """Number of records that the job did not process."""
        return self.records - self.answered - self.errors

    def as_record(self) -> BatchOutcomeRecord:
        """Return the outcome in its stored form."""
        return {"records": self.records, "answered": self.answered, "errors": self.errors}


@dataclass(frozen=True)
class PendingBatchJobs:
    """The notes about pending jobs in ``batches/open``, and the outcomes of collected jobs in ``batches/landed``."""

    store: ObjectStore
    folder: RunFolder

    def all(self) -> Iterator[BatchJobPlan]:
        """Yield the plan of every pending job."""
        for uri in self.store.list(self.folder.pending_batches):
            yield BatchJobPlan(**_fields(BatchJobPlan, read_json(self.store, uri, BatchPlanRecord)))

    def find(self, name: str) -> BatchJobPlan | None:
        """Return the plan of the job ``name``, or ``None`` if there is no such job or its answers are stored."""
        record = self._read(self._uri(name), BatchPlanRecord)
        return BatchJobPlan(**_fields(BatchJobPlan, record)) if record else None

    def add(self, plan: BatchJobPlan) -> None:
        """Write the note about a job that is about to be bought."""
        write_json(self.store, self._uri(plan.name), plan.as_record())

    def mark_collected(self, plan: BatchJobPlan, outcome: BatchOutcome) -> None:
        """Store the outcome of a job, then delete the note about it. The job's answers must be stored already."""
        write_json(self.store, self.folder.batch_outcome(plan.name), outcome.as_record())
        self.store.delete(self._uri(plan.name))

    def outcome(self, name: str) -> BatchOutcome | None:
        """Return the outcome of a job, or ``None`` if its answers are not stored yet."""
        record = self._read(self.folder.batch_outcome(name), BatchOutcomeRecord)
        return BatchOutcome(**_fields(BatchOutcome, record)) if record else None

    def _uri(self, name: str) -> str:
        return f"{self.folder.pending_batches}{name}.json"

    def _read(self, uri: str, record: type[RecordT]) -> RecordT | None:
        try:
            return read_json(self.store, uri, record)
        except NotFoundError:
            return None


def _fields(kind: type[BatchJobPlan | BatchOutcome], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a stored record without the keys that this version does not know."""
    return {field.name: record[field.name] for field in dataclasses.fields(kind) if field.name in record}
