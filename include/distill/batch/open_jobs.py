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
class BatchPlan:
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
class Landed:
    """What came of a job: ``records = answered + errors + unanswered``."""

    records: int
    answered: int
    errors: int

    @property
    def unanswered(self) -> int:
        """Records that the job did not get to."""
        return self.records - self.answered - self.errors


@dataclass(frozen=True)
class OpenBatches:
    """The notes under ``batches/open`` and, of jobs whose answers are stored, under ``batches/landed``."""

    store: ObjectStore
    folder: RunFolder

    def all(self) -> Iterator[BatchPlan]:
        """Yield every noted job."""
        for uri in self.store.list(self.folder.open_batches):
            yield BatchPlan(**read_json(self.store, uri))

    def find(self, name: str) -> BatchPlan | None:
        """Return the noted job called ``name``; ``None`` when its answers are stored."""
        noted = self._read(self._uri(name))
        return BatchPlan(**noted) if noted else None

    def note(self, plan: BatchPlan) -> None:
        """Note a job that is about to be bought."""
        write_json(self.store, self._uri(plan.name), dataclasses.asdict(plan))

    def strike(self, plan: BatchPlan, landed: Landed) -> None:
        """Strike out a job whose answers are stored, and keep what came of it."""
        write_json(self.store, self.folder.landed_batch(plan.name), dataclasses.asdict(landed))
        self.store.delete(self._uri(plan.name))

    def landed(self, name: str) -> Landed | None:
        """Return what came of a job; ``None`` while its answers are not stored."""
        kept = self._read(self.folder.landed_batch(name))
        return Landed(**kept) if kept else None

    def _uri(self, name: str) -> str:
        return f"{self.folder.open_batches}{name}.json"

    def _read(self, uri: str) -> Any:
        try:
            return read_json(self.store, uri)
        except NotFoundError:
            return None
