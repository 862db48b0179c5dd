"""
Batch jobs whose answers are not stored yet, by name, in S3: what keeps a question from being bought twice.

A job is noted before it is bought and struck out when its answers are stored. Whoever submits next, in this run or
another, stores the answers of noted jobs that have ended and leaves out the questions of those that are running.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json, write_json


@dataclass(frozen=True)
class BatchJobPlan:
    """
    One batch job, known before it is bought.

    :param model: its key in the catalog; ``identity`` as in :class:`ModelRequest`.
    :param sha256: hash of the keys of its questions; its name and the place of its files follow from it.
    :param run_key: the run that pays.
    """

    name: str
    step: str
    model: str
    identity: str
    sha256: str
    records: int
    max_tokens: int
    run_key: str
    input_uri: str
    output_uri: str


@dataclass(frozen=True)
class BatchOutcome:
    """What came of a job: ``records = answered + errors + unanswered``."""

    records: int
    answered: int
    errors: int

    @property
    def unanswered(self) -> int:
        """Records that the job did not get to."""
        return self.records - self.answered - self.errors


@dataclass(frozen=True)
class PendingBatchJobs:
    """The notes under ``batches/open`` and, of jobs whose answers are stored, under ``batches/landed``."""

    store: ObjectStore
    folder: RunFolder

    def all(self) -> Iterator[BatchJobPlan]:
        """Yield every noted job."""
        for uri in self.store.list(self.folder.pending_batches):
            yield BatchJobPlan(**read_json(self.store, uri))

    def find(self, name: str) -> BatchJobPlan | None:
        """Return the noted job called ``name``; ``None`` when its answers are stored."""
        stored = self._read(self._uri(name))
        return BatchJobPlan(**stored) if stored else None

    def add(self, plan: BatchJobPlan) -> None:
        """Note a job that is about to be bought."""
        write_json(self.store, self._uri(plan.name), dataclasses.asdict(plan))

    def mark_collected(self, plan: BatchJobPlan, outcome: BatchOutcome) -> None:
        """Strike out a job whose answers are stored, and keep what came of it."""
        write_json(self.store, self.folder.batch_outcome(plan.name), dataclasses.asdict(outcome))
        self.store.delete(self._uri(plan.name))

    def outcome(self, name: str) -> BatchOutcome | None:
        """Return what came of a job; ``None`` while its answers are not stored."""
        kept = self._read(self.folder.batch_outcome(name))
        return BatchOutcome(**kept) if kept else None

    def _uri(self, name: str) -> str:
        return f"{self.folder.pending_batches}{name}.json"

    def _read(self, uri: str) -> Any:
        try:
            return read_json(self.store, uri)
        except NotFoundError:
            return None
