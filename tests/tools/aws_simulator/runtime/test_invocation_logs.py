from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import STUDENT, TEACHER, anthropic_body, converse, invoke, png
from tests.tools.aws_simulator.runtime.test_logging_configuration import configure, log_bucket
from tools.aws_simulator.runtime.invocation_logs import joined

FOLDER = r"AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/\d{4}/\d\d/\d\d/\d\d"
NAME = rf"{FOLDER}/\d{{8}}T\d{{9}}Z_[0-9a-f]{{16}}\.json\.gz"
PIXEL = png(1, 1)


@pytest.fixture
def bucket(simulator: RunningSimulator) -> Iterator[str]:
    name = log_bucket(simulator)
    configure(simulator, s3Config={"bucketName": name})
    yield name
    simulator.boto("bedrock").delete_model_invocation_logging_configuration()


def objects(simulator: RunningSimulator, bucket: str) -> dict[str, Any]:
    """Return the JSON of all log objects by key."""
    s3 = simulator.boto("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"] if entry["Size"]]
    return {key: json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys}


def only_record(simulator: RunningSimulator, bucket: str) -> Any:
    (key, record), *others = [
        (key, record) for key, record in objects(simulator, bucket).items() if "/data/" not in key
    ]
    assert not others
    assert re.fullmatch(NAME, key)
    return record


def test_converse(simulator: RunningSimulator, bucket: str) -> None:
    answer = converse(simulator)
    record = only_record(simulator, bucket)
    assert {name: record[name] for name in ("schemaType", "schemaVersion", "operation", "modelId", "region")} == {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "operation": "Converse",
        "modelId": STUDENT,
        "region": "us-east-1",
    }
    assert record["accountId"] == "123456789012"
    assert record["identity"] == {"arn": "arn:aws:iam::123456789012:root"}
    assert record["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert record["input"]["inputBodyJson"]["inferenceConfig"] == {"maxTokens": 200}
    assert record["input"]["inputTokenCount"] == answer["usage"]["inputTokens"]
    assert record["output"]["outputBodyJson"]["output"] == answer["output"]
    assert record["output"]["outputBodyJson"]["stopReason"] == answer["stopReason"]
    assert record["output"]["outputTokenCount"] == answer["usage"]["outputTokens"]


def test_invoke_model(simulator: RunningSimulator, bucket: str) -> None:
    body, response = invoke(simulator, TEACHER, anthropic_body())
    record = only_record(simulator, bucket)
    assert record["operation"] == "InvokeModel"
    assert record["input"]["inputBodyJson"] == anthropic_body()
    assert record["output"]["outputBodyJson"] == body
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert str(record["output"]["outputTokenCount"]) == headers["x-amzn-bedrock-output-token-count"]


def test_converse_stream(simulator: RunningSimulator, bucket: str) -> None:
    messages = [{"role": "user", "content": [{"text": "Which city is the capital of France?"}]}]
    stream = simulator.boto("bedrock-runtime").converse_stream(modelId=STUDENT, messages=messages)["stream"]
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event]
    record = only_record(simulator, bucket)
    assert record["operation"] == "ConverseStream"
    body = record["output"]["outputBodyJson"]
    assert body["output"]["message"] == {"role": "assistant", "content": [{"text": "".join(texts)}]}
    assert record["output"]["outputTokenCount"] == body["usage"]["outputTokens"]


def test_invoke_model_with_response_stream(simulator: RunningSimulator, bucket: str) -> None:
    body = json.dumps(anthropic_body()).encode()
    answer = simulator.boto("bedrock-runtime").invoke_model_with_response_stream(modelId=TEACHER, body=body)
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    record = only_record(simulator, bucket)
    assert record["output"]["outputBodyJson"] == chunks
    assert record["output"]["outputTokenCount"] > 0


def test_large_bodies_are_objects_of_their_own(simulator: RunningSimulator, bucket: str) -> None:
    text = "word " * 30_000
    answer = converse(simulator, text=text)
    record, everything = only_record(simulator, bucket), objects(simulator, bucket)
    uri = record["input"]["inputBodyS3Path"]
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(rf"s3://{bucket}/AWSLogs/.*/\d\d/data/{request_id}_input\.json\.gz", uri)
    body = everything[uri.removeprefix(f"s3://{bucket}/")]
    assert body["messages"][0]["content"] == [{"text": text}]
    assert "inputBodyJson" not in record["input"]
    assert "outputBodyJson" in record["output"]


def test_what_is_delivered(simulator: RunningSimulator, bucket: str) -> None:
    content = [{"text": "What is this?"}, {"image": {"format": "png", "source": {"bytes": PIXEL}}}]
    request = {"modelId": TEACHER, "messages": [{"role": "user", "content": content}]}
    configure(simulator, s3Config={"bucketName": bucket, "keyPrefix": "no-images"}, imageDataDeliveryEnabled=False)
    simulator.boto("bedrock-runtime").converse(**request)
    configure(simulator, s3Config={"bucketName": bucket, "keyPrefix": "no-text"}, textDataDeliveryEnabled=False)
    simulator.boto("bedrock-runtime").converse(**request)
    records = {key.partition("/")[0]: record for key, record in objects(simulator, bucket).items()}
    shown = records["no-images"]["input"]["inputBodyJson"]["messages"][0]["content"]
    assert shown == [{"text": "What is this?"}, {"image": {"format": "png"}}]
    assert not {"inputBodyJson", "inputBodyS3Path"} & set(records["no-text"]["input"])
    assert records["no-text"]["input"]["inputTokenCount"] > 0


def test_refused_calls_and_other_regions_are_not_logged(simulator: RunningSimulator, bucket: str) -> None:
    simulator.fail(kind="throttle", operation="Converse", times=1)
    with pytest.raises(Exception, match="Throttling"):
        converse(simulator)
    west = simulator.boto("bedrock-runtime", region="us-west-2")
    west.converse(modelId=STUDENT, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    assert objects(simulator, bucket) == {}


def test_a_call_succeeds_without_the_bucket(simulator: RunningSimulator, bucket: str) -> None:
    s3 = simulator.boto("s3")
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=entry["Key"])
    s3.delete_bucket(Bucket=bucket)
    assert converse(simulator)["stopReason"]


def test_the_events_of_a_tool_call_are_joined() -> None:
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "n"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"a": '}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "1}"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"reasoningContent": {"text": "b"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"reasoningContent": {"text": "c"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": {"inputTokens": 1}, "metrics": {"latencyMs": 2}}),
    ]
    tool = {"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": 1}}}
    assert joined(events) == {
        "output": {"message": {"role": "assistant", "content": [tool, {"reasoningContent": {"text": "bc"}}]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 1},
        "metrics": {"latencyMs": 2},
    }
    cut = joined(events[:3])["output"]["message"]["content"]
    assert cut == [{"toolUse": {"toolUseId": "t", "name": "n", "input": '{"a": '}}]
