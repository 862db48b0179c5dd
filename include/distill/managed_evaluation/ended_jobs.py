"""
Remember how evaluation jobs ended, so that a job that was deleted in Bedrock is not bought again.

Bedrock deletes an evaluation job when a person or the DAG ``distill_clean_up`` asks for it. The results stay in S3.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.managed_evaluation.records import EndedEvaluationJob

COMPLETED = "Completed"
DELETED = "Deleted"


@dataclass(frozen=True)
class EndedEvaluationJobs:
    """The records in ``ended_evaluations``. All runs share them."""

    store: ObjectStore
    folder: RunFolder

    def find(self, name: str) -> EndedEvaluationJob | None:
        """Return how a job ended; ``None`` if no task has seen its end."""
        try:
            return read_json(self.store, self.folder.ended_evaluation(name), EndedEvaluationJob)
        except NotFoundError:
            return None

    def add(self, record: EndedEvaluationJob) -> None:
        """Record how a job ended. The record replaces an earlier one."""
        write_json(self.store, self.folder.ended_evaluation(record["job_name"]), record)

    def has_results(self, *, output_uri: str, name: str) -> bool:
        """Return whether anything that a completed job wrote is still stored."""
        return bool(self.store.list(f"{output_uri.rstrip('/')}/{name}/"))
