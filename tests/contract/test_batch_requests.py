"""Check the requests about batch jobs against the service model of AWS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_distill.hooks.batch_jobs import BatchJobRequest, BatchJobs
from bedrock_distill.operators.batch import BedrockSubmitBatchOperator
from include.distill.config.company import Vpc
from include.distill.config.use_case import UseCase
from include.distill.core.naming import batch_names, request_token
from include.distill.core.storage import write_jsonl
from tests.contract import test_requests
from tests.contract.recorded_wire import ARN, NOW, RecordedWire
from tests.contract.test_requests import SERVICE_MODEL, assert_accepted
from tests.plugins import conftest as builders
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tools.aws_simulator.protocol.constraints import violations

# pytest finds these by name.
use_case, store, context = builders.use_case, builders.store, builders.context

JOB_ARN = f"{ARN}:model-invocation-job/abcdefghijkl"


def job(name: str, **more: Any) -> dict[str, Any]:
    return {
        "jobArn": JOB_ARN,
        "jobName": name,
        "status": "Submitted",
        "submitTime": NOW,
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://training/i/input.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://output/o/"}},
        **more,
    }


def test_submit_looks_up_by_name_then_buys_then_looks_up_by_arn(store: Any, use_case: UseCase, context: Any) -> None:
    freeze(store, use_case, teacher="claude-sonnet-4-6")
    wire = RecordedWire({"CreateModelInvocationJob": {"jobArn": JOB_ARN}, "GetModelInvocationJob": job("name")})
    wire.answers["ListModelInvocationJobs"] = {"invocationJobSummaries": []}
    write_jsonl(store, FOLDER.shard("train", 0), [make_row(number) for number in range(100)])
    task = BedrockSubmitBatchOperator(task_id="submit", run_uri=RUN_URI, step="synthesize", shards=[0])
    task.__dict__.update(hook=wire.hook(), store=store)
    assert task.execute(context)["job_arns"] == [JOB_ARN]
    assert_accepted(wire, "ListModelInvocationJobs", "CreateModelInvocationJob", "GetModelInvocationJob")
    (request,) = wire.named("CreateModelInvocationJob")
    assert request.arguments["modelId"] == "us.anthropic.claude-sonnet-4-6"
    assert request.arguments["modelInvocationType"] == "InvokeModel"
    assert {tag["key"] for tag in request.arguments["tags"]} >= {"project", "use-case", "run-key", "expires-at"}


def test_a_job_is_found_by_its_exact_name_page_by_page() -> None:
    pages = iter(
        [
            {"invocationJobSummaries": [job("n-a2")], "nextToken": "next"},
            {"invocationJobSummaries": [job("n", message="m")]},
        ]
    )
    wire = RecordedWire({"ListModelInvocationJobs": lambda _: next(pages), "GetModelInvocationJob": job("n")})
    batch_job = BatchJobs(wire.hook()).find("n")
    assert batch_job is not None
    assert (batch_job.name, batch_job.id) == ("n", "abcdefghijkl")
    BatchJobs(wire.hook()).stop(batch_job.arn)
    assert_accepted(wire, "ListModelInvocationJobs", "GetModelInvocationJob", "StopModelInvocationJob")


@settings(max_examples=60, deadline=None)
@given(
    environment=test_requests.TestNames.ENVIRONMENT,
    use_case=test_requests.TestNames.SLUG,
    step=st.sampled_from(["synthesize", "judge"]),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    attempt=st.integers(1, 9),
)
def test_bedrock_accepts_the_names_of_batch_jobs(
    environment: str, use_case: str, step: str, sha256: str, attempt: int
) -> None:
    name = batch_names(environment, use_case[:24], step, sha256, attempt).name
    asked = BatchJobRequest(
        name=name,
        token=request_token(name),
        model_id="us.amazon.nova-micro-v1:0",
        invocation_type="Converse",
        role_arn="arn:aws:iam::123456789012:role/r",
        input_uri=f"s3://bucket/distill/batches/{sha256}/input.jsonl",
        output_uri=f"s3://bucket/distill/batches/{sha256[:16]}/",
        timeout_hours=72,
        tags={"use-case": use_case[:24], "fingerprint": sha256},
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:alias/team/answers",
        vpc=Vpc(subnet_ids=("subnet-0123456789abcdef0",), security_group_ids=("sg-01234567",)),
    )
    operation = SERVICE_MODEL.operation_model("CreateModelInvocationJob")
    assert list(violations(operation.input_shape, asked.parameters())) == []


@pytest.mark.parametrize("status", ["Completed", "InProgress"])
def test_a_status_is_read_from_the_response(status: str) -> None:
    wire = RecordedWire({"GetModelInvocationJob": job("n", status=status, processedRecordCount=3, totalRecordCount=5)})
    batch_job = BatchJobs(wire.hook()).get(JOB_ARN)
    assert (batch_job.status, batch_job.processed, batch_job.total, batch_job.simulated) == (status, 3, 5, False)
