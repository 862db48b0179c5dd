"""
Remember how jobs ended, so that a job that was deleted in Bedrock is not bought again.

Bedrock deletes a job when a person or the DAG ``distill_clean_up`` asks for it. The results stay in S3.

If a person deletes a job before any task has seen its end, no record says so. The request to buy the job again has the
same token, and AWS may answer it with the ARN of the deleted job, or refuse it because of the token. A new job can also
be missing at first. So a job that is missing is only noted, and counts as deleted when it is still missing after
:data:`SHOWN_AFTER`.
"""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypedDict

from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json, write_json, write_json_if_absent

COMPLETED = "Completed"
WITH_RESULTS = (COMPLETED, "PartiallyCompleted")
DELETED = "Deleted"
# AWS does not say how long a new job can be missing. Other new resources are shown within seconds.
SHOWN_AFTER = datetime.timedelta(minutes=5)


class EndedJob(TypedDict):
    """
    How a job ended.

    It is needed because Bedrock deletes jobs when someone asks for it, and a deleted job cannot be looked up.
    """

    job_name: str
    job_arn: str
    status: str  # of Bedrock, or "Deleted" if the job was deleted before this pipeline saw how it ended
    message: str | None
    output_uri: str


class MissingJob(TypedDict):
    """
    A job that exists according to Bedrock's response to the request to create it, but that Bedrock does not have.

    Bedrock does not show the job yet, or it ignored or refused the request because the job was bought earlier and then
    deleted.
    """

    job_name: str
    job_arn: str | None  # None if Bedrock refused the request, because the error does not state the ARN
    since: str  # ISO 8601 time at which the job was first missing


@dataclass(frozen=True)
class EndedJobs(ABC):
    """The records of one kind of jobs. All runs share them."""

    store: ObjectStore

    @abstractmethod
    def ended_uri(self, name: str) -> str:
        """Return where the record of how a job ended is stored."""

    @abstractmethod
    def missing_uri(self, name: str) -> str:
        """Return where the record of a missing job is stored."""

    @abstractmethod
    def results_of(self, *, output_uri: str, name: str, arn: str) -> str:
        """Return the prefix of everything that a job wrote.

        :param output_uri: the prefix in the request.
        """

    def find(self, name: str) -> EndedJob | None:
        """Return how a job ended; ``None`` if no task has seen its end."""
        try:
            return read_json(self.store, self.ended_uri(name), EndedJob)
        except NotFoundError:
            return None

    def add(self, record: EndedJob) -> None:
        """Record how a job ended. The record replaces an earlier one."""
        write_json(self.store, self.ended_uri(record["job_name"]), record)

    def has_results(self, *, output_uri: str, name: str, arn: str) -> bool:
        """Return whether anything that a completed job wrote is still stored."""
        return bool(self.store.list(self.results_of(output_uri=output_uri, name=name, arn=arn)))

    def note_missing(self, name: str, arn: str | None, now: datetime.datetime) -> None:
        """Record that Bedrock does not have a job that it says exists. An earlier record stays."""
        record: MissingJob = {"job_name": name, "job_arn": arn, "since": now.isoformat()}
        write_json_if_absent(self.store, self.missing_uri(name), record)

    def missing_too_long(self, name: str, now: datetime.datetime) -> MissingJob | None:
        """Return the record of a job that has been missing for too long to be a new job; ``None`` for other jobs."""
        try:
            record = read_json(self.store, self.missing_uri(name), MissingJob)
        except NotFoundError:
            return None
        is_old = now - datetime.datetime.fromisoformat(record["since"]) >= SHOWN_AFTER
        return record if is_old else None
