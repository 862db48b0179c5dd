"""A fake of the hooks for jobs: a job ends when a test says so, with output as Bedrock writes it."""

from __future__ import annotations

import dataclasses
import datetime
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from bedrock_distill.hooks.named_jobs import ListedJob, NamedJob
from include.distill.core.errors import ConflictError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.memory_store import MemoryStore

JobT = TypeVar("JobT", bound=NamedJob)
RequestT = TypeVar("RequestT")


class FakeNamedJobs(ABC, Generic[JobT, RequestT]):
    """
    A fake with the methods of ``NamedJobs``.

    :param bedrock: keeps the tags of the jobs.
    """

    resource: str  # the kind of job in an ARN

    def __init__(self, store: MemoryStore, bedrock: FakeBedrock) -> None:
        self.store = store
        self.bedrock = bedrock
        self.jobs: dict[str, JobT] = {}
        self.requests: dict[str, RequestT] = {}
        self.tokens: dict[str, str] = {}
        self.stopped: list[str] = []
        self.before_create: Callable[[], None] = lambda: None
        self.lose_next_answer: BaseException | None = None

    @abstractmethod
    def described(self, request: Any, arn: str, created: datetime.datetime) -> JobT:
        """Return the new job of a request."""

    @abstractmethod
    def folder(self, arn: str) -> str:
        """Return the folder of a job's output."""

    @abstractmethod
    def write_results(self, arn: str) -> None:
        """Write the output of a job that completes."""

    def get(self, arn: str) -> JobT | None:
        return self.jobs.get(arn)

    def find(self, name: str) -> JobT | None:
        return next((job for job in self.jobs.values() if job.name == name), None)

    def list(self, name_contains: str | None = None) -> Iterator[ListedJob]:
        for job in self.jobs.values():
            if (name_contains or "") in job.name:
                yield ListedJob(job.name, job.arn, job.status, job.created)

    def create(self, request: Any) -> str:
        self.before_create()
        if arn := self.tokens.get(request.token):  # even if the job was deleted
            return arn
        if self.find(request.name):
            raise ConflictError("The provided job name is currently in use.")
        arn = f"arn:aws:bedrock:us-east-1:123456789012:{self.resource}/job{len(self.requests)}"
        self.tokens[request.token], self.requests[arn] = arn, request
        self.bedrock.tags_of[arn] = dict(request.tags)
        self.jobs[arn] = self.described(request, arn, CREATED + datetime.timedelta(hours=len(self.requests)))
        if self.lose_next_answer:
            error, self.lose_next_answer = self.lose_next_answer, None
            raise error
        return arn

    def stop(self, arn: str) -> None:
        self.stopped.append(arn)
        self.put(arn, status="Stopping")

    def delete(self, arns: Sequence[str]) -> dict[str, str]:
        for arn in arns:
            self.jobs.pop(arn, None)
        return {}

    def put(self, arn: str, **changes: Any) -> None:
        """Change the fields of a job."""
        self.jobs[arn] = dataclasses.replace(self.jobs[arn], **changes)

    def end(self, arn: str, status: str = "Completed", message: str | None = None) -> None:
        """End a job. A completed job has results."""
        self.put(arn, status=status, message=message)
        if status == "Completed":
            self.write_results(arn)
