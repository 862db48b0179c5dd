"""A fake of the hook for batch jobs: a job ends when a test says so, with output files as Bedrock writes them."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobRequest
from include.distill.core.errors import ConflictError, NotFoundError, ServiceError
from tests.fakes.memory_store import MemoryStore


class FakeBatchJobs:
    """
    A fake with the methods of ``BatchJobs``.

    :param say: returns a model's answer to the body of a record.
    """

    def __init__(self, store: MemoryStore, say: Callable[[str], str] = lambda _: "an answer") -> None:
        self.store = store
        self.say = say
        self.jobs: dict[str, BatchJob] = {}
        self.requests: dict[str, BatchJobRequest] = {}
        self.stopped: list[str] = []
        self.lose_next_answer: ServiceError | None = None

    def get(self, arn: str) -> BatchJob:
        if arn not in self.jobs:
            raise NotFoundError(arn)
        return self.jobs[arn]

    def find(self, name: str) -> BatchJob | None:
        return next((job for job in self.jobs.values() if job.name == name), None)

    def create(self, request: BatchJobRequest) -> str:
        if self.find(request.name):
            raise ConflictError("The provided job name is currently in use.")
        arn = f"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/job{len(self.jobs)}"
        self.jobs[arn] = BatchJob(
            request.name,
            arn,
            "Submitted",
            simulated=True,
            role_arn=request.role_arn,
            input_uri=request.input_uri,
            output_uri=request.output_uri,
        )
        self.requests[arn] = request
        if self.lose_next_answer:
            error, self.lose_next_answer = self.lose_next_answer, None
            raise error
        return arn

    def stop(self, arn: str) -> None:
        self.stopped.append(arn)
        self.put(arn, status="Stopping")

    def put(self, arn: str, **changes: Any) -> None:
        """Change the fields of a job."""
        self.jobs[arn] = dataclasses.replace(self.jobs[arn], **changes)

    def asked(self, arn: str) -> list[dict[str, Any]]:
        """Return the records of a job's input file."""
        return [json.loads(line) for line in self.store.read(self.requests[arn].input_uri).splitlines()]

    def end(self, arn: str, status: str = "Completed", *, answered: int | None = None, errors: int = 0) -> None:
        """
        End a job and write its output files.

        :param answered: how many records have an answer; by default, all records except ``errors``.
        :param errors: how many further records have an error. The other records have no line in the output.
        """
        records = self.asked(arn)
        count = len(records) - errors if answered is None else answered
        lines = [
            self._answer(record) if number < count else _error(record)
            for number, record in enumerate(records[: count + errors])
        ]
        random.Random(1).shuffle(lines)
        folder = f"{self.requests[arn].output_uri}{self.jobs[arn].id}"
        self.store.write(f"{folder}/input.jsonl.out", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self.store.write(f"{folder}/manifest.json.out", json.dumps({"totalRecordCount": len(records)}).encode())
        self.put(arn, status=status, processed=len(lines), total=len(records))

    def _answer(self, record: dict[str, Any]) -> dict[str, Any]:
        body = record["modelInput"]
        text = self.say(json.dumps(body))
        if "anthropic_version" in body:
            usage = {"input_tokens": 100, "output_tokens": 10}
            output = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": usage}
        else:
            usage = {"inputTokens": 100, "outputTokens": 10}
            message = {"role": "assistant", "content": [{"text": text}]}
            output = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
        return {**record, "modelOutput": output}


def _error(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "error": {"errorCode": 400, "errorMessage": "bad record"}}
