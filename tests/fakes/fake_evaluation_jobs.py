"""A fake of the hook for evaluation jobs: a job ends when a test says so, with output as Bedrock writes it."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobRequest
from bedrock_distill.hooks.named_jobs import ListedJob
from include.distill.core.errors import ConflictError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.memory_store import MemoryStore


class FakeEvaluationJobs:
    """
    A fake with the methods of ``EvaluationJobs``.

    :param bedrock: keeps the tags of the jobs.
    """

    def __init__(self, store: MemoryStore, bedrock: FakeBedrock) -> None:
        self.store = store
        self.bedrock = bedrock
        self.jobs: dict[str, EvaluationJob] = {}
        self.requests: dict[str, EvaluationJobRequest] = {}
        self.tokens: dict[str, str] = {}
        self.stopped: list[str] = []
        self.before_create: Callable[[], None] = lambda: None
        self.lose_next_answer: BaseException | None = None

    def get(self, arn: str) -> EvaluationJob | None:
        return self.jobs.get(arn)

    def find(self, name: str) -> EvaluationJob | None:
        return next((job for job in self.jobs.values() if job.name == name), None)

    def list(self, name_contains: str | None = None) -> Iterator[ListedJob]:
        for job in self.jobs.values():
            if (name_contains or "") in job.name:
                yield ListedJob(job.name, job.arn, job.status, job.created)

    def create(self, request: EvaluationJobRequest) -> str:
        self.before_create()
        if arn := self.tokens.get(request.token):  # even if the job was deleted
            return arn
        if self.find(request.name):
            raise ConflictError("The provided job name is currently in use.")
        arn = f"arn:aws:bedrock:us-east-1:123456789012:evaluation-job/job{len(self.requests)}"
        self.tokens[request.token], self.requests[arn] = arn, request
        self.bedrock.tags_of[arn] = dict(request.tags)
        self.jobs[arn] = EvaluationJob(
            request.name,
            arn,
            "InProgress",
            CREATED + datetime.timedelta(hours=len(self.requests)),
            role_arn=request.role_arn,
            dataset_uri=request.dataset_uri,
            output_uri=request.output_uri,
        )
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

    def folder(self, arn: str) -> str:
        """Return the folder of a job's output."""
        request = self.requests[arn]
        return f"{request.output_uri}{request.name}/{arn.rpartition('/')[2]}"

    def end(self, arn: str, status: str = "Completed", message: str | None = None, *, score: float = 0.75) -> None:
        """End a job. A completed job has the same score for each answer and metric."""
        self.put(arn, status=status, message=message)
        if status == "Completed":
            path = "models/tuned/taskTypes/General/datasets/questions/1_output.jsonl"
            self.store.write(f"{self.folder(arn)}/{path}", self._results(arn, score))

    def _results(self, arn: str, score: float) -> bytes:
        request = self.requests[arn]
        config: Any = request.config["automated"]
        metrics = config["datasetMetricConfigs"][0]["metricNames"]
        lines = []
        for line in self.store.read(request.dataset_uri).splitlines():
            record = json.loads(line)
            details = [{"modelIdentifier": "evaluator", "explanation": "because"}]
            scores = [{"metricName": name, "result": score, "evaluatorDetails": details} for name in metrics]
            lines.append(
                {
                    "automatedEvaluationResult": {"scores": scores},
                    "inputRecord": record,
                    "modelResponses": record["modelResponses"],
                }
            )
        return "".join(f"{json.dumps(line)}\n" for line in lines).encode()
