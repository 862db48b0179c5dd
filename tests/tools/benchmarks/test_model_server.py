"""The model server answers and limits calls as Bedrock does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from include.distill.inference.output_parsing import parse_llm_output
from tools.benchmarks.fixtures import texts
from tools.benchmarks.model_server import reply_to
from tools.benchmarks.processes import Server, server


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with server("model_server") as running:
        yield running


@pytest.fixture(scope="module")
def runtime(model: Server) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=model.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
    )


def ask(runtime: Any, text: str) -> dict[str, Any]:
    body = {"max_tokens": 100, "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}
    reply: dict[str, Any] = json.loads(runtime.invoke_model(modelId="m", body=json.dumps(body))["body"].read())
    return reply


def test_calls_run_in_parallel_and_are_counted(model: Server, runtime: Any) -> None:
    model.reset(latency_seconds=0.2)
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda number: ask(runtime, f"question {number % 15}"), range(20)))
    counts = model.counts()
    assert counts["span_seconds"] < 20 * 0.2
    assert (counts["requests"], counts["billed"], counts["rejected"]) == (20, 20, 0)
    assert (counts["paid_again"], counts["in_flight"]) == (5, 0)
    assert {reply["usage"]["input_tokens"] for reply in replies} == {2}


def test_a_call_above_the_quota_is_throttled_at_once_and_not_billed(model: Server, runtime: Any) -> None:
    model.reset(latency_seconds=0.0, requests_per_minute=60, burst=1)
    ask(runtime, "one")
    with pytest.raises(ClientError, match="ThrottlingException"):
        ask(runtime, "two")
    assert (model.counts()["billed"], model.counts()["rejected"]) == (1, 1)


def test_the_answers_are_pairs_that_the_pipeline_can_read() -> None:
    output = parse_llm_output(reply_to(f"<document>\n{texts(7)['document']}\n</document>"))
    assert (len(output.pairs), output.rejected) == (3, [])
