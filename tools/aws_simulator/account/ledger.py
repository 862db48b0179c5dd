"""
Count everything that AWS would bill: model calls, tokens, training, and seconds of provisioned throughput.

A call is billed if a model has answered it, even if the answer is lost on its way to the client. A call that ends in an
error counts as ``rejected`` and is free. Calls are also counted per document, under a hash of the document. The texts
of documents, prompts and answers are not stored.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.account.evaluation_records import EvaluationJobBody
from tools.aws_simulator.account.optimization_records import OptimizationJobBody
from tools.aws_simulator.account.records import BatchJobBody, CustomizationJobBody, CustomModelBody, ThroughputBody
from tools.aws_simulator.account.state import Resource, State

REQUESTS_KEPT = 20_000


def throughput_seconds(throughput: Resource[ThroughputBody], now: float) -> float:
    """Return the number of seconds for which a throughput has been billed. A failed throughput is never billed."""
    if throughput.body["fault"] == "throughput_failed":
        return 0.0
    return (throughput.deleted or now) - throughput.created


class Ledger:
    """The counts of everything that AWS would bill. They are kept in the state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def bill(
        self,
        model_id: str,
        document: str | None,
        input_tokens: int,
        output_tokens: int,
        *,
        batch: bool = False,
        cache_read: int = 0,
        cache_written: int = 0,
    ) -> None:
        """Count one call that a model has answered.

        :param document: the text of the document in the prompt; None if the prompt has no document.
        :param input_tokens: the input tokens that were neither read from the prompt cache nor written to it.
        :param cache_read: the input tokens that were read from the prompt cache, which cost less.
        :param cache_written: the input tokens that were written to the prompt cache, which cost more.
        :param batch: True for a record of a batch job, which costs half as much as an on-demand call. The record is
            counted as a call, and counted again in ``batch_by_model``.
        """
        with self._state.transaction():
            change = "billed = billed + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?"
            self._count("calls", model_id, change, input_tokens, output_tokens)
            if batch:
                self._count("batch_calls", model_id, change, input_tokens, output_tokens)
            if cache_read or cache_written:
                change = "read_tokens = read_tokens + ?, written_tokens = written_tokens + ?"
                self._count("prompt_cache", model_id, change, cache_read, cache_written)
            if document is not None:
                self._state.execute(
                    "INSERT INTO documents VALUES (?, 1) ON CONFLICT (document) DO UPDATE SET calls = calls + 1",
                    [hashlib.sha256(document.encode()).hexdigest()[:16]],
                )

    def reject(self, model_id: str) -> None:
        """Count a call that ended in an error."""
        with self._state.transaction():
            self._count("calls", model_id, "rejected = rejected + 1")

    def _count(self, table: str, model_id: str, change: str, *amounts: int) -> None:
        self._state.execute(f"INSERT OR IGNORE INTO {table} (model) VALUES (?)", [model_id])  # noqa: S608 - constants
        self._state.execute(f"UPDATE {table} SET {change} WHERE model = ?", [*amounts, model_id])  # noqa: S608

    def record_request(self, operation: str, outcome: str, fault: str | None) -> None:
        """Log a request and its outcome. Only the last 20,000 requests are kept."""
        self._state.execute(
            "INSERT INTO requests (time, operation, outcome, fault) VALUES (?, ?, ?, ?)",
            [time.time(), operation, outcome, fault],
        )
        self._state.execute(
            "DELETE FROM requests WHERE number <= (SELECT MAX(number) FROM requests) - ?", [REQUESTS_KEPT]
        )

    def requests(self) -> list[dict[str, Any]]:
        """Return the logged requests, oldest first."""
        rows = self._state.execute("SELECT number, time, operation, outcome, fault FROM requests ORDER BY number")
        return [dict(zip(("number", "time", "operation", "outcome", "fault"), row, strict=True)) for row in rows]

    def reset(self) -> None:
        """Delete the counts of calls and documents, and the request log. Jobs, models and endpoints are kept."""
        with self._state.transaction():
            for table in ("calls", "batch_calls", "prompt_cache", "documents", "requests"):
                self._state.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def as_json(self) -> dict[str, Any]:
        """Return everything counted so far.

        The top-level ``calls`` counts billed and rejected calls. The ``calls`` of each model counts billed calls only.
        A model is listed under the id that the request used. A custom model is listed under the ARN of its throughput
        or deployment. ``deployments`` repeats the counts of the deployments, with their names and models.
        Records of batch jobs, which cost half as much, are included in all these counts and listed again in
        ``batch_by_model``. The tokens of the prompt cache are not in ``by_model``, but in ``prompt_cache_by_model``.
        The calls of prompt optimization jobs, and of the teachers of distillation jobs, are only in the jobs' entries.
        Times are POSIX seconds.
        """
        by_model = self._by_model()
        billed = sum(counts["calls"] for counts in by_model.values())
        throughputs = self._throughputs()
        return {
            "simulated": True,
            "calls": billed + sum(counts["rejected"] for counts in by_model.values()),
            "billed_calls": billed,
            "by_model": by_model,
            "batch_by_model": self._batch_by_model(),
            "prompt_cache_by_model": self._prompt_cache_by_model(),
            "by_document": dict(self._state.execute("SELECT document, calls FROM documents ORDER BY document")),
            "batch_jobs": [_batch_job(job) for job in self._state.batch_jobs.all()],
            "evaluation_jobs": [_evaluation_job(job) for job in self._state.evaluation_jobs.all(with_deleted=True)],
            "optimization_jobs": [
                _optimization_job(job) for job in self._state.optimization_jobs.all(with_deleted=True)
            ],
            "jobs": [_job(job) for job in self._state.jobs.all()],
            "custom_models": [_custom_model(model) for model in self._state.custom_models.all(with_deleted=True)],
            "throughputs": throughputs,
            "throughputs_alive": sum(throughput["alive"] for throughput in throughputs),
            "throughput_seconds": sum(throughput["seconds"] for throughput in throughputs),
            "deployments": self._deployments(by_model),
        }

    def _by_model(self) -> dict[str, dict[str, int]]:
        rows = self._state.execute(
            "SELECT model, billed, rejected, input_tokens, output_tokens FROM calls ORDER BY model"
        )
        names = ("calls", "rejected", "input_tokens", "output_tokens")
        return {model: dict(zip(names, counts, strict=True)) for model, *counts in rows}

    def _batch_by_model(self) -> dict[str, dict[str, int]]:
        rows = self._state.execute("SELECT model, billed, input_tokens, output_tokens FROM batch_calls ORDER BY model")
        names = ("calls", "input_tokens", "output_tokens")
        return {model: dict(zip(names, counts, strict=True)) for model, *counts in rows}

    def _prompt_cache_by_model(self) -> dict[str, dict[str, int]]:
        rows = self._state.execute("SELECT model, read_tokens, written_tokens FROM prompt_cache ORDER BY model")
        return {model: {"read_tokens": read, "written_tokens": written} for model, read, written in rows}

    def _throughputs(self) -> list[dict[str, Any]]:
        now = time.time()
        return [
            {
                "name": throughput.name,
                "arn": throughput.arn,
                "model": throughput.body["modelArn"],
                "units": throughput.body["units"],
                "created": throughput.created,
                "deleted": throughput.deleted,
                "seconds": throughput_seconds(throughput, now),
                "alive": throughput.deleted is None,
            }
            for throughput in self._state.throughputs.all(with_deleted=True)
        ]

    def _deployments(self, by_model: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
        """Return the deployments and the tokens billed for them. A deployment itself costs nothing.

        AWS describes this billing in
        https://aws.amazon.com/blogs/machine-learning/customize-amazon-nova-models-with-amazon-bedrock-fine-tuning
        """
        uncalled = {"calls": 0, "rejected": 0, "input_tokens": 0, "output_tokens": 0}
        return [
            {
                "name": deployment.name,
                "arn": deployment.arn,
                "base_model": self._state.custom_models.get(deployment.body["modelArn"]).body["baseModelId"],
                "created": deployment.created,
                "deleted": deployment.deleted,
                "alive": deployment.deleted is None,
                **uncalled,
                **by_model.get(deployment.arn, {}),
            }
            for deployment in self._state.deployments.all(with_deleted=True)
        ]


def _job(job: Resource[CustomizationJobBody]) -> dict[str, Any]:
    """Return what a customization job costs. Only this entry contains the tokens of the job's teacher."""
    config, use = job.body.get("customizationConfig"), job.body.get("billed_teacher_use")
    return {
        "name": job.name,
        "arn": job.arn,
        "status": job.body["status"],
        "created": job.created,
        "base_model": job.body["baseModelArn"].rpartition("/")[2],
        "type": job.body["customizationType"],
        "billed_tokens": job.body["billed_tokens"],
        "teacher": config and config["distillationConfig"]["teacherModelConfig"]["teacherModelIdentifier"],
        "teacher_calls": use["calls"] if use else 0,
        "teacher_input_tokens": use["input_tokens"] if use else 0,
        "teacher_output_tokens": use["output_tokens"] if use else 0,
    }


def _batch_job(job: Resource[BatchJobBody]) -> dict[str, Any]:
    return {
        "name": job.name,
        "arn": job.arn,
        "status": job.body["status"],
        "created": job.created,
        "model": job.body["modelId"],
        "records": job.body["counts"]["totalRecordCount"],
        "billed_records": job.body["counts"]["successRecordCount"],
    }


def _evaluation_job(job: Resource[EvaluationJobBody]) -> dict[str, Any]:
    return {
        "name": job.name,
        "arn": job.arn,
        "status": job.body["status"],
        "type": job.body["jobType"],
        "created": job.created,
        "deleted": job.deleted,
        "prompts": job.body["prompts"],
        "billed_ratings": job.body["evaluations"],
    }


def _optimization_job(job: Resource[OptimizationJobBody]) -> dict[str, Any]:
    """Return what a prompt optimization job costs. Only this entry contains the tokens of the job's models."""
    return {
        "name": job.name,
        "arn": job.arn,
        "status": job.body["status"],
        "created": job.created,
        "deleted": job.deleted,
        "templates": job.body["templates"],
        "samples": job.body["samples"],
        "billed_use": job.body["billed_use"],
    }


def _custom_model(model: Resource[CustomModelBody]) -> dict[str, Any]:
    return {
        "name": model.name,
        "arn": model.arn,
        "job": model.body["jobArn"],
        "created": model.created,
        "deleted": model.deleted,
        "alive": model.deleted is None,
    }
