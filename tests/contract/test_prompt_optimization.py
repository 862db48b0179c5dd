"""Plain boto3 and the pipeline's hook optimize the pipeline's prompt on the AWS simulator, and read the results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.session import get_session

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.prompt_optimizations import OptimizationJobRequest, PromptOptimizationJobs
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.config.prompt_optimization import JUDGE_IDS, MOST_SAMPLES, REGIONS
from include.distill.config.prompts import load_prompt
from include.distill.cost.optimization_lines import most_optimization_tokens
from include.distill.prompt_optimization.dataset import optimization_input
from include.distill.prompt_optimization.plan import optimization_plan
from include.distill.prompt_optimization.records import OptimizationResultManifest, OptimizationTokens
from include.distill.prompt_optimization.results import read_result, results_uri
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.catalog.regions import PROMPT_OPTIMIZATION_REGIONS
from tools.aws_simulator.jobs.optimization_input import JUDGES
from tools.aws_simulator.jobs.optimization_input import MOST_SAMPLES as MOST_SIMULATED_SAMPLES

MODEL = "us.amazon.nova-micro-v1:0"
BUCKET = "prompt-optimization"
TEMPLATE = load_prompt("answering.j2").render(document="{{document}}", question="{{question}}")


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        yield simulator


def input_line(count: int) -> dict[str, Any]:
    rows = [row for row in sample_rows("train.csv", 3 * count) if row["answer"].strip()][:count]
    return {
        "version": "bedrock-2026-05-14",
        "templateId": "answering",
        "promptTemplate": TEMPLATE,
        "evaluationSamples": [
            {
                "inputVariables": [{"document": row["doc"]}, {"question": row["question"]}],
                "referenceResponse": row["answer"],
            }
            for row in rows
        ],
    }


def optimize(line: dict[str, Any], name: str) -> dict[str, Any]:
    """Run a job and return the line of its results."""
    s3, bedrock = boto3.client("s3", region_name="us-east-1"), boto3.client("bedrock", region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="input.jsonl", Body=json.dumps(line).encode())
    arn = bedrock.create_advanced_prompt_optimization_job(
        jobName=name,
        inputConfig={"s3Uri": f"s3://{BUCKET}/input.jsonl"},
        outputConfig={"s3Uri": f"s3://{BUCKET}/output/"},
        modelConfigurations=[{"modelId": MODEL, "inferenceConfig": {"maxTokens": 1000, "temperature": 0.0}}],
        tags=[{"key": "project", "value": "distill"}],
    )["jobArn"]
    tags = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "project", "value": "distill"}]

    def ended() -> Any:
        job = bedrock.get_advanced_prompt_optimization_job(jobIdentifier=arn)
        return job if job["jobStatus"] != "InProgress" else None

    assert wait_until(ended)["jobStatus"] == "Completed"
    key = f"output/{arn.rpartition('/')[2]}/advanced_prompt_optimization_results.jsonl"
    (result,) = map(json.loads, s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines())
    return dict(result)


def test_the_optimized_prompt_gets_better_answers_from_the_same_model(simulator: RunningSimulator) -> None:
    line = input_line(8)
    result = optimize(line, "answering")
    assert (result["promptTemplateId"], result["promptTemplate"]) == ("answering", TEMPLATE)
    (of_model,) = result["promptOptimizationResults"]
    optimized = of_model["optimizedPromptTemplate"]
    assert (of_model["status"], of_model["modelId"]) == ("SUCCESS", MODEL)
    assert {"{{document}}", "{{question}}"} <= {optimized[m : m + 12] for m in range(len(optimized))}
    before, after = of_model["originalPromptMetrics"], of_model["optimizedPromptMetrics"]
    assert 0 <= before["averageScore"] < after["averageScore"] <= 1

    runtime = boto3.client("bedrock-runtime", region_name="us-east-1")
    for sample, entry in zip(line["evaluationSamples"], of_model["dataset"], strict=True):
        values = {name: value for variable in sample["inputVariables"] for name, value in variable.items()}
        prompt = optimized
        for name, value in values.items():
            prompt = prompt.replace(f"{{{{{name}}}}}", value)
        answer = runtime.converse(
            modelId=MODEL,
            messages=[{"role": "user", "content": [{"text": prompt}]}],
            inferenceConfig={"maxTokens": 1000, "temperature": 0.0},
        )
        details = entry["optimizedPromptDetails"]
        assert entry["inputVariables"] == sample["inputVariables"]
        assert entry["referenceResponse"] == sample["referenceResponse"]
        assert details["optimizedPromptModelResponse"] == answer["output"]["message"]["content"][0]["text"]
        metrics = details["optimizedPromptMetrics"]
        assert metrics["inputTokens"] == answer["usage"]["inputTokens"]
        assert metrics["outputTokens"] == answer["usage"]["outputTokens"]


def test_the_pipeline_reads_the_prompt_that_its_job_optimized(simulator: RunningSimulator) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
    rows = [row for row in sample_rows("train.csv", 20) if row["answer"].strip()][:6]
    given = [
        make_row(n, document=row["doc"], question=row["question"], answer=row["answer"]) for n, row in enumerate(rows)
    ]
    use_case = make_use_case()
    record = optimization_input(given, use_case, {"answering.j2": load_prompt("answering.j2")})
    plan = optimization_plan(use_case, "prompted", record)
    hook = BedrockDistillHook()
    store, jobs = S3ObjectStore(hook), PromptOptimizationJobs(hook)
    store.write(f"s3://{BUCKET}/input.jsonl", plan.dataset)
    request = OptimizationJobRequest(
        name="test-docs-prompted-0123456789abcdef",
        token="token",
        model=plan.model,
        input_uri=f"s3://{BUCKET}/input.jsonl",
        output_uri=f"s3://{BUCKET}/output/",
        tags={"project": "bedrock-distill", "arm": "prompted"},
    )
    arn = jobs.create(request)
    assert jobs.create(request) == arn

    def ended() -> Any:
        job = jobs.find(request.name)
        return job if job and job.status != "InProgress" else None

    job = wait_until(ended)
    assert (job.arn, job.status, job.model_ids) == (arn, "Completed", (MODEL,))
    result: OptimizationResultManifest = {
        "job_name": request.name,
        "job_arn": arn,
        "arm": "prompted",
        "status": job.status,
        "output_uri": job.output_uri,
    }
    uri = results_uri(result)
    prompt = read_result(store.read(uri), uri=uri, result=result, plan=plan, judge="claude-sonnet-4-6")
    assert prompt["original"] == record["promptTemplate"]
    assert prompt["optimized"].startswith(prompt["original"].rstrip())
    assert (prompt["before"]["score"] or 1) < (prompt["after"]["score"] or 0)
    (entry,) = simulator.ledger["optimization_jobs"]
    assert_use_is_below_the_limit(entry["billed_use"], most_optimization_tokens(use_case, record))


def assert_use_is_below_the_limit(billed: list[dict[str, Any]], most: OptimizationTokens) -> None:
    """Check that a job used no more tokens than the amount that messages call "at most" pays for."""
    of_student = [use for use in billed if use["purpose"] == "target"]
    of_judge = [use for use in billed if use["purpose"] != "target"]
    assert {use["purpose"] for use in of_judge} == {"judge", "rewriter"}
    assert 0 < sum(use["input_tokens"] for use in of_student) <= most["student_input"]
    assert 0 < sum(use["output_tokens"] for use in of_student) <= most["student_output"]
    assert 0 < sum(use["input_tokens"] for use in of_judge) <= most["judge_input"]
    assert 0 < sum(use["output_tokens"] for use in of_judge) <= most["judge_output"]


def test_the_pipeline_and_the_simulator_have_the_same_limits() -> None:
    assert set(REGIONS) == PROMPT_OPTIMIZATION_REGIONS
    assert JUDGE_IDS == JUDGES
    assert MOST_SAMPLES == MOST_SIMULATED_SAMPLES


def test_every_status_of_a_job_is_one_that_the_simulator_knows() -> None:
    """A new status in botocore's model needs a look at the simulator."""
    service = get_session().get_service_model("bedrock")
    shape = service.operation_model("GetAdvancedPromptOptimizationJob").output_shape.members["jobStatus"]
    known = {"InProgress", "Completed", "Failed", "PartiallyCompleted", "Stopping", "Stopped", "Deleting"}
    assert set(shape.enum) == known
