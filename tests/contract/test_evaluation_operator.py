"""
Run the amazon provider's operator for evaluation jobs, unchanged, against the AWS simulator.

The provider's example (``example_bedrock_evaluation.py``) computes the metric Accuracy without a judge, which the
simulator refuses. So the job here has an evaluator model. The provider has no sensor for evaluation jobs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.amazon.aws.operators.bedrock import BedrockCreateEvaluationJobOperator
from botocore.exceptions import ClientError

from tests.tools.aws_simulator import builders
from tools.aws_simulator.testing import environment, start_simulator


def task(name: str, config: Any) -> BedrockCreateEvaluationJobOperator:
    return BedrockCreateEvaluationJobOperator(
        task_id="create_evaluation_job",
        job_name=name,
        role_arn=builders.ROLE,
        evaluation_config=config,
        inference_config={"models": [builders.bedrock_model("us.anthropic.claude-haiku-4-5-20251001-v1:0")]},
        output_data_config={"s3Uri": f"s3://{builders.BUCKET}/evaluations/"},
        job_description="Summaries",
    )


def test_the_operator_creates_a_job_that_a_judge_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_simulator(tmp_path, roles=[builders.ROLE]) as simulator:
        for name, value in environment(simulator.url, {}).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
        lines = [{"prompt": "Summarize: The quick brown fox jumps.", "referenceResponse": "A fox jumps."}]
        datasets = [builders.dataset(simulator, lines, ["Builtin.Correctness", "Builtin.Coherence"])]
        judge = {"datasetMetricConfigs": datasets, "evaluatorModelConfig": builders.evaluator()}
        arn = task("env1234-eval", {"automated": judge}).execute({})
        job = builders.finished_evaluation(simulator, arn)
        assert (job["jobName"], job["status"], job["jobDescription"]) == ("env1234-eval", "Completed", "Summaries")
        ((line,),) = builders.evaluation_output(simulator, arn).values()
        scores = line["automatedEvaluationResult"]["scores"]
        assert [score["metricName"] for score in scores] == ["Builtin.Correctness", "Builtin.Coherence"]
        assert all(0 <= score["result"] <= 1 for score in scores)
        assert "fox" in json.dumps(line["modelResponses"])

        with pytest.raises(ClientError, match="only with an evaluator model"):
            task("without-judge", {"automated": {"datasetMetricConfigs": datasets}}).execute({})
