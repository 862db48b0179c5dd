"""
Remember how evaluation jobs ended, so that a job that was deleted in Bedrock is not bought again.

Bedrock deletes an evaluation job when a person or the DAG ``distill_clean_up`` asks for it. The results stay in S3.

If a person deletes a job before any task has seen its end, no record says so. The request to buy the job again has the
same token, and AWS may answer it with the ARN of the deleted job, or refuse it because of the token. A new job can also
be missing at first. So a job that is missing is only noted, and counts as deleted when it is still missing after
:data:`SHOWN_AFTER`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json, write_json, write_json_if_absent
from include.distill.managed_evaluation.records import EndedEvaluationJob, MissingEvaluationJob

COMPLETED = "Completed"
DELETED = "Deleted"
# AWS does not say how long a new job can be missing. Other new resources are shown within seconds.
SHOWN_AFTER = datetime.timedelta(minutes=5)


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

    def note_missing(self, name: str, arn: str | None, now: datetime.datetime) -> None:
        """Record that Bedrock does not have a job that it says exists. An earlier record stays."""
        record: MissingEvaluationJob = {"job_name": name, "job_arn": arn, "since": now.isoformat()}
        write_json_if_absent(self.store, self.folder.missing_evaluation(name), record)

    def missing_too_long(self, name: str, now: datetime.datetime) -> MissingEvaluationJob | None:
        """Return the record of a job that has been missing for too long to be a new job; ``None`` for other jobs."""
        try:
            record = read_json(self.store, self.folder.missing_evaluation(name), MissingEvaluationJob)
        except NotFoundError:
            return None
        is_old = now - datetime.datetime.fromisoformat(record["since"]) >= SHOWN_AFTER
        return record if is_old else None
