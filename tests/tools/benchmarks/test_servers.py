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
from tools.benchmarks.material import texts
from tools.benchmarks.model_server import reply_to
from tools.benchmarks.processes import Server, server

CONFIG = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=CONFIG,
    )


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with server("model_server") as running:
        yield running


@pytest.fixture(scope="module")
def objects() -> Iterator[Any]:
    with server("object_server") as running:
        yield client("s3", running.url)


def ask(runtime: Any, text: str) -> dict[str, Any]:
    body = {"max_tokens": 100, "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}
    reply: dict[str, Any] = json.loads(runtime.invoke_model(modelId="m", body=json.dumps(body))["body"].read())
    return reply


class TestModelServer:
    def test_calls_run_beside_each_other_and_are_counted(self, model: Server) -> None:
        model.reset(latency_seconds=0.2)
        runtime = client("bedrock-runtime", model.url)
        with ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(lambda number: ask(runtime, f"question {number % 15}"), range(20)))
        counts = model.counts()
        assert counts["span_seconds"] < 20 * 0.2
        assert (counts["requests"], counts["billed"], counts["rejected"]) == (20, 20, 0)
        assert (counts["paid_again"], counts["in_flight"]) == (5, 0)
        assert {reply["usage"]["input_tokens"] for reply in replies} == {2}

    def test_what_the_quota_does_not_allow_is_throttled_at_once_and_not_billed(self, model: Server) -> None:
        model.reset(latency_seconds=0.0, requests_per_minute=60, burst=1)
        runtime = client("bedrock-runtime", model.url)
        ask(runtime, "one")
        with pytest.raises(ClientError, match="ThrottlingException"):
            ask(runtime, "two")
        assert (model.counts()["billed"], model.counts()["rejected"]) == (1, 1)

    def test_its_answers_are_pairs_as_the_pipeline_reads_them(self) -> None:
        output = parse_llm_output(reply_to(f"<document>\n{texts(7)['document']}\n</document>"))
        assert (len(output.pairs), output.rejected) == (3, [])


class TestObjectServer:
    def test_objects_are_put_read_listed_and_removed(self, objects: Any) -> None:
        objects.put_object(Bucket="bucket", Key="a/ä b.json", Body=b"body")
        assert objects.get_object(Bucket="bucket", Key="a/ä b.json")["Body"].read() == b"body"
        assert objects.head_object(Bucket="bucket", Key="a/ä b.json")["ContentLength"] == 4
        listed = objects.list_objects_v2(Bucket="bucket", Prefix="a/")["Contents"]
        assert [(entry["Key"], entry["Size"]) for entry in listed] == [("a/ä b.json", 4)]
        objects.delete_object(Bucket="bucket", Key="a/ä b.json")
        assert "Contents" not in objects.list_objects_v2(Bucket="bucket", Prefix="a/")

    def test_what_is_not_there_is_said_as_s3_says_it(self, objects: Any) -> None:
        with pytest.raises(objects.exceptions.NoSuchKey):
            objects.get_object(Bucket="bucket", Key="gone")
        with pytest.raises(ClientError, match="404"):
            objects.head_object(Bucket="bucket", Key="gone")
