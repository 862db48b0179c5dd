"""A fake of the hook for prompt optimization jobs, with results as Bedrock writes them."""

from __future__ import annotations

import datetime
import json
from typing import Any

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, OptimizationJobRequest
from tests.fakes.fake_named_jobs import FakeNamedJobs

FILE = "advanced_prompt_optimization_results.jsonl"
ADDED = "Answer in one short sentence.\n"  # what a job adds to the prompt


class FakePromptOptimizations(FakeNamedJobs[OptimizationJob, OptimizationJobRequest]):
    """A fake with the methods of ``PromptOptimizationJobs``."""

    resource = "advanced-prompt-optimization-job"

    def described(self, request: OptimizationJobRequest, arn: str, created: datetime.datetime) -> OptimizationJob:
        return OptimizationJob(
            request.name,
            arn,
            "InProgress",
            created,
            output_uri=request.output_uri,
            input_uri=request.input_uri,
            model_ids=(request.model["modelId"],),
        )

    def folder(self, arn: str) -> str:
        return f"{self.requests[arn].output_uri}{arn.rpartition('/')[2]}"

    def write_results(self, arn: str) -> None:
        """Write the prompt with a sentence more, and higher figures than before."""
        self.store.write(f"{self.folder(arn)}/{FILE}", json.dumps(self.result(arn)).encode())

    def result(self, arn: str) -> dict[str, Any]:
        """Return the only line of a job's results."""
        record = json.loads(self.store.read(self.requests[arn].input_uri))
        figures = {"averageInputTokens": 400, "averageOutputTokens": 40, "averageScore": 0.5, "averageTtftInSec": 1.0}
        entry = {
            "status": "SUCCESS",
            "optimizedPromptTemplate": ADDED + record["promptTemplate"],
            "dataset": [],
            "modelId": self.jobs[arn].model_ids[0],
            "originalPromptMetrics": figures,
            "optimizedPromptMetrics": {**figures, "averageInputTokens": 408, "averageScore": 0.8},
        }
        return {
            "promptTemplateId": record["templateId"],
            "promptTemplate": record["promptTemplate"],
            "promptOptimizationResults": [entry],
        }
