"""Find, stop and delete the jobs that Bedrock looks up only by ARN, but that have a name (the base class)."""

from __future__ import annotations

import contextlib
import datetime
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.statuses import Progress, job_progress
from include.distill.core.errors import ConflictError, NotFoundError

_MOST_DELETED = 25  # the most jobs that one request to delete jobs may name


@dataclass(frozen=True)
class ListedJob:
    """A job as one of Bedrock's List operations describes it."""

    name: str
    arn: str
    status: str
    created: datetime.datetime


@dataclass(frozen=True)
class NamedJob(ListedJob):
    """
    A job as one of Bedrock's Get operations describes it.

    :cvar noun: the kind of job, as part of a sentence.
    :cvar statuses: what each status means.
    :ivar output_uri: the prefix of the results, as in the request.
    :ivar message: Bedrock's reasons for a failure; ``None`` if Bedrock gives no reason.
    :ivar kms_key_arn: the key that encrypts the data of the job; ``None`` for AWS's own key.
    """

    noun: ClassVar[str]
    statuses: ClassVar[Mapping[str, Progress]]

    output_uri: str
    message: str | None = field(default=None, kw_only=True)
    kms_key_arn: str | None = field(default=None, kw_only=True)

    @property
    def progress(self) -> Progress:
        """Whether the job is running, has succeeded or has failed.

        :raises ContractError: the status is unknown to this pipeline.
        """
        return job_progress(f"{self.noun.capitalize()} {self.name}", self.status, self.statuses)


JobT = TypeVar("JobT", bound=NamedJob)
RequestT = TypeVar("RequestT", contravariant=True)


class NamedJobs(ABC, Generic[JobT, RequestT]):
    """Base class of the clients for one kind of jobs."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def get(self, arn: str) -> JobT | None:
        """Return a job by its ARN; ``None`` if it does not exist, for example because it was deleted."""
        try:
            return self._describe(arn)
        except NotFoundError:
            return None

    def find(self, name: str) -> JobT | None:
        """Return the newest job with exactly this name, or ``None`` if no job has this name."""
        newest = max(self._with_name(name), key=lambda job: job.created, default=None)
        return self.get(newest.arn) if newest else None

    @abstractmethod
    def list(self) -> Iterator[ListedJob]:
        """Yield the jobs of the account in this Region, whoever created them."""

    @abstractmethod
    def create(self, request: RequestT) -> str:
        """Buy a job and return its ARN."""

    def stop(self, arn: str) -> None:
        """Stop a running job; do nothing if it has ended or does not exist. What it did so far is billed."""
        with contextlib.suppress(ConflictError, NotFoundError):
            self._stop(arn)

    def delete(self, arns: Sequence[str]) -> dict[str, str]:
        """
        Delete jobs that have ended. Their results in S3 stay.

        :return: Bedrock's reason for each job that was not deleted, by ARN. A job that does not exist has no entry.
        """
        reasons: dict[str, str] = {}
        for start in range(0, len(arns), _MOST_DELETED):
            answer = self._delete(tuple(arns[start : start + _MOST_DELETED]))
            for error in answer.get("errors") or []:
                if error.get("code") != "ResourceNotFoundException":
                    reasons[error["jobIdentifier"]] = f"{error.get('code')}: {error.get('message', 'no reason given')}"
        return reasons

    def _with_name(self, name: str) -> Iterable[ListedJob]:
        """Yield the jobs with exactly this name."""
        return (job for job in self.list() if job.name == name)

    @abstractmethod
    def _describe(self, arn: str) -> JobT:
        """Look up a job."""

    @abstractmethod
    def _stop(self, arn: str) -> None:
        """Send the request to stop a job."""

    @abstractmethod
    def _delete(self, arns: tuple[str, ...]) -> Mapping[str, Any]:
        """Send a request to delete jobs, and return the response."""
