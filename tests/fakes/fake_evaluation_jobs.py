"""A fake of the hook for evaluation jobs, with scores as Bedrock writes them."""

from __future__ import annotations

import datetime
import json
from typing import Any

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobRequest
from tests.fakes.fake_named_jobs import FakeNamedJobs

SCORE = 0.75


class FakeEvaluationJobs(FakeNamedJobs[EvaluationJob, EvaluationJobRequest]):
    """A fake with the methods of ``EvaluationJobs``."""

    resource = "evaluation-job"

    def described(self, request: EvaluationJobRequest, arn: str, created: datetime.datetime) -> EvaluationJob:
        return EvaluationJob(
            request.name,
            arn,
            "InProgress",
            created,
            role_arn=request.role_arn,
            dataset_uri=request.dataset_uri,
            output_uri=request.output_uri,
        )

    def folder(self, arn: str) -> str:
        request = self.requests[arn]
        return f"{request.output_uri}{request.name}/{arn.rpartition('/')[2]}"

    def write_results(self, arn: str) -> None:
        """Write the same score for each answer and metric."""
        path = "models/tuned/taskTypes/General/datasets/questions/1_output.jsonl"
        self.store.write(f"{self.folder(arn)}/{path}", self._results(arn))

    def _results(self, arn: str) -> bytes:
        request = self.requests[arn]
        config: Any = request.config["automated"]
        metrics = config["datasetMetricConfigs"][0]["metricNames"]
        lines = []
        for line in self.store.read(request.dataset_uri).splitlines():
            record = json.loads(line)
            details = [{"modelIdentifier": "evaluator", "explanation": "because"}]
            scores = [{"metricName": name, "result": SCORE, "evaluatorDetails": details} for name in metrics]
            lines.append(
                {
                    "automatedEvaluationResult": {"scores": scores},
                    "inputRecord": record,
                    "modelResponses": record["modelResponses"],
                }
            )
        return "".join(f"{json.dumps(line)}\n" for line in lines).encode()
