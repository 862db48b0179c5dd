"""Streams have the answers, bills, quotas and errors of Converse and InvokeModel, and arrive piece by piece."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EventStreamError
from botocore.validate import ParamValidator
from urllib3.exceptions import ProtocolError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.settings import Settings
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.runtime.streaming import Streaming

AN_HOUR = 3600
CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
LLAMA = "us.meta.llama3-1-8b-instruct-v1:0"
QUESTION = [{"role": "user", "content": [{"text": "Which city has the best weather this week?"}]}]
WEATHER = {
    "toolSpec": {
        "name": "weather",
        "description": "Get the weather of a city",
        "inputSchema": {
            "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
}


def converse_stream(simulator: RunningSimulator, model_id: str = builders.STUDENT, **arguments: Any) -> Any:
    """Return the event stream."""
    request = {"messages": QUESTION, **arguments}
    return simulator.boto("bedrock-runtime").converse_stream(modelId=model_id, **request)["stream"]


def invoke_stream(simulator: RunningSimulator, model_id: str, body: Any) -> list[Any]:
    client = simulator.boto("bedrock-runtime")
    response = client.invoke_model_with_response_stream(modelId=model_id, body=json.dumps(body))
    assert response["contentType"] == "application/json"
    return [json.loads(event["chunk"]["bytes"]) for event in response["body"]]


def assembled(events: list[Any]) -> list[Any]:
    """Return the content blocks that the events of ConverseStream describe."""
    blocks: dict[int, Any] = {}
    for event in events:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        if "contentBlockDelta" in event:
            index, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            if "text" in delta:
                block = blocks.setdefault(index, {"text": ""})
                block["text"] += delta["text"]
            else:
                blocks[index]["toolUse"]["input"] += delta["toolUse"]["input"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return [blocks[index] for index in sorted(blocks)]


def value_of(events: list[Any], name: str) -> Any:
    [value] = [event[name] for event in events if name in event]
    return value


@pytest.mark.parametrize(
    ("model_id", "arguments"),
    [
        pytest.param(builders.STUDENT, {}, id="neutral"),
        pytest.param(builders.STUDENT, {"inferenceConfig": {"maxTokens": 4}}, id="cut"),
        pytest.param(builders.STUDENT, {"inferenceConfig": {"stopSequences": ["no"]}}, id="stop sequence"),
        pytest.param(builders.STUDENT, {"inferenceConfig": {"stopSequences": ["S"]}}, id="empty"),
        pytest.param(CLAUDE, {"toolConfig": {"tools": [WEATHER]}}, id="tool"),
        pytest.param(LLAMA, {"system": [{"text": "The best city is Rome."}]}, id="system"),
        pytest.param(
            builders.STUDENT,
            {"messages": [{"role": "user", "content": [{"text": builders.prompt()}]}]},
            id="delimiters",
        ),
        pytest.param("openai.gpt-oss-120b-1:0", {}, id="chat completions"),
    ],
)
def test_converse_stream_gives_the_answer_of_converse(
    simulator: RunningSimulator, model_id: str, arguments: Any
) -> None:
    request = {"messages": QUESTION, **arguments}
    conversed = simulator.boto("bedrock-runtime").converse(modelId=model_id, **request)
    events = list(converse_stream(simulator, model_id, **arguments))
    assert assembled(events) == conversed["output"]["message"]["content"]
    assert value_of(events, "messageStop") == {"stopReason": conversed["stopReason"]}
    assert value_of(events, "metadata")["usage"] == conversed["usage"]
    assert list(map(repr, events[:-1])) == list(map(repr, [*converse_stream(simulator, model_id, **arguments)][:-1]))
    counts = simulator.ledger["by_model"][model_id]
    assert (counts["calls"], counts["output_tokens"]) == (3, 3 * conversed["usage"]["outputTokens"])


@pytest.mark.parametrize(
    ("model_id", "paths", "found"),
    [
        pytest.param(CLAUDE, ["/delta/stop_sequence"], {"delta": {"stop_sequence": " no"}}, id="of the stream"),
        pytest.param(CLAUDE, ["/stop_sequence"], {"stop_sequence": " no"}, id="of the answer"),
        pytest.param(builders.STUDENT, ["/delta/stop_sequence"], None, id="another provider"),
    ],
)
def test_the_end_of_the_stream_has_the_fields_that_the_request_names(
    simulator: RunningSimulator, model_id: str, paths: list[str], found: Any
) -> None:
    arguments = {"additionalModelResponseFieldPaths": paths, "inferenceConfig": {"stopSequences": [" no"]}}
    stop = value_of(list(converse_stream(simulator, model_id, **arguments)), "messageStop")
    assert stop["stopReason"] in ("stop_sequence", "end_turn")
    assert stop.get("additionalModelResponseFields") == found
    conversed = simulator.boto("bedrock-runtime").converse(modelId=model_id, messages=QUESTION, **arguments)
    assert "delta" not in conversed.get("additionalModelResponseFields", {})


def test_reasoning_and_the_use_of_the_cache_are_streamed(simulator: RunningSimulator) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    arguments = {
        "additionalModelRequestFields": thinking,
        "inferenceConfig": {"maxTokens": 4000},
        "system": [{"text": "Be brief. " * 2500}, {"cachePoint": {"type": "default"}}],
    }
    events = list(converse_stream(simulator, CLAUDE, **arguments))
    conversed = simulator.boto("bedrock-runtime").converse(modelId=CLAUDE, messages=QUESTION, **arguments)
    thought, text = conversed["output"]["message"]["content"]
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    reasoning = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    expected = thought["reasoningContent"]["reasoningText"]
    assert "".join(delta.get("text", "") for delta in reasoning) == expected["text"]
    assert reasoning[-1] == {"signature": expected["signature"]}
    assert "".join(delta.get("text", "") for delta in deltas) == text["text"]
    written, read = value_of(events, "metadata")["usage"], conversed["usage"]
    assert written["cacheWriteInputTokens"] == read["cacheReadInputTokens"] > 0
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4000,
        "messages": CHAT,
        **thinking,
        "system": [{"type": "text", "text": "Be short. " * 2500, "cache_control": {"type": "ephemeral"}}],
    }
    chunks = invoke_stream(simulator, CLAUDE, body)
    assert [chunk["delta"]["type"] for chunk in chunks if chunk["type"] == "content_block_delta"][-1] == "text_delta"
    assert {"thinking_delta", "signature_delta"} <= {chunk.get("delta", {}).get("type") for chunk in chunks}
    assert chunks[0]["message"]["usage"]["cache_creation_input_tokens"] > 0
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["cacheWriteInputTokenCount"] > 0


def test_every_event_has_the_shape_of_the_service_model(simulator: RunningSimulator) -> None:
    shape = load_service("bedrock-runtime").operation_model("ConverseStream").output_shape.members["stream"]
    events = list(converse_stream(simulator, CLAUDE, toolConfig={"tools": [WEATHER]}))
    assert [name for event in events for name in event if name != "contentBlockDelta"] == [
        "messageStart",
        "contentBlockStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    for event in events:
        [(name, value)] = event.items()
        report = ParamValidator().validate(value, shape.members[name])
        assert not report.has_errors(), report.generate_report()


def text_in(chunk: Any) -> str:
    """Return the text in a chunk of any format."""
    delta = chunk.get("delta") or chunk.get("contentBlockDelta", {}).get("delta")
    if delta is None and chunk.get("choices"):
        delta = {"text": chunk["choices"][0]["delta"].get("content")}
    return (delta or {}).get("text") or chunk.get("generation") or ""


CHAT = [{"role": "user", "content": QUESTION[0]["content"][0]["text"]}]
BODIES = [
    pytest.param(CLAUDE, {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": CHAT}, id="claude"),
    pytest.param(builders.STUDENT, {"messages": QUESTION}, id="nova"),
    pytest.param(LLAMA, {"prompt": CHAT[0]["content"]}, id="llama"),
    pytest.param("openai.gpt-oss-120b-1:0", {"messages": CHAT, "stream": True}, id="chat completions"),
]


@pytest.mark.parametrize(("model_id", "body"), BODIES)
def test_every_format_streams_the_answer_and_the_token_counts(
    simulator: RunningSimulator, model_id: str, body: Any
) -> None:
    conversed = simulator.boto("bedrock-runtime").converse(modelId=model_id, messages=QUESTION)
    chunks = invoke_stream(simulator, model_id, body)
    pieces = [text_in(chunk) for chunk in chunks]
    assert "".join(pieces) == builders.text_of(conversed)
    assert len([piece for piece in pieces if piece]) > 3
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    counts = (conversed["usage"]["inputTokens"], conversed["usage"]["outputTokens"])
    assert (metrics["inputTokenCount"], metrics["outputTokenCount"]) == counts
    assert metrics["invocationLatency"] >= metrics["firstByteLatency"] >= 0
    assert simulator.ledger["by_model"][model_id]["calls"] == 2


def test_a_chat_completion_shows_its_usage_if_the_request_demands_it(simulator: RunningSimulator) -> None:
    body = {"messages": CHAT, "stream": True, "stream_options": {"include_usage": True}}
    chunks = invoke_stream(simulator, "openai.gpt-oss-120b-1:0", body)
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == metrics["outputTokenCount"]


@pytest.mark.parametrize(
    ("call", "code", "complaint"),
    [
        pytest.param(
            lambda s: converse_stream(s, "no.such-model"), "ValidationException", "identifier is invalid", id="model"
        ),
        pytest.param(
            lambda s: converse_stream(s, builders.STUDENT_BASE),
            "ResourceNotFoundException",
            "Model not found",
            id="128k",
        ),
        pytest.param(
            lambda s: invoke_stream(s, builders.STUDENT_BASE, {}),
            "ValidationException",
            "on-demand throughput isn't supported",
            id="128k in InvokeModel",
        ),
        pytest.param(
            lambda s: converse_stream(s, messages=[]), "ValidationException", "must start with a user", id="no message"
        ),
        pytest.param(
            lambda s: invoke_stream(s, builders.STUDENT, {"prompt": "Hi."}),
            "ValidationException",
            "Malformed",
            id="body",
        ),
        pytest.param(
            lambda s: converse_stream(s, LLAMA, toolConfig={"tools": [WEATHER]}),
            "ValidationException",
            "This model doesn't support tool use in streaming mode.",
            id="tools",
        ),
    ],
)
def test_errors_of_the_request_come_before_the_stream_and_are_free(
    simulator: RunningSimulator, call: Any, code: str, complaint: str
) -> None:
    with refused(code, complaint):
        call(simulator)
    assert simulator.ledger["billed_calls"] == 0
    assert simulator.ledger["calls"] == 1


@pytest.mark.parametrize("kind", ["throttle", "model_error", "access_denied", "service_unavailable"])
def test_a_planned_error_of_the_request_is_an_http_error(simulator: RunningSimulator, kind: str) -> None:
    simulator.fail(operation="ConverseStream", kind=kind, times=1)
    with pytest.raises(ClientError) as caught:
        converse_stream(simulator)
    assert not isinstance(caught.value, EventStreamError)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 400
    assert list(converse_stream(simulator))


def test_a_stream_uses_the_rate_quota(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": {"nova-micro": {"rpm": 1, "burst": 1}}})
    assert list(converse_stream(simulator))
    with refused("ThrottlingException", "Too many requests"):
        converse_stream(simulator)


def test_malformed_and_truncated_answers_are_streamed(simulator: RunningSimulator) -> None:
    whole = assembled(list(converse_stream(simulator)))[0]["text"]
    simulator.fail(kind="truncated_answer", times=1)
    events = list(converse_stream(simulator))
    assert assembled(events) == [{"text": whole[: len(whole) // 2]}]
    assert value_of(events, "messageStop")["stopReason"] == "max_tokens"


def read_until_error(stream: Any) -> tuple[list[Any], Exception]:
    events: list[Any] = []
    with pytest.raises((EventStreamError, ProtocolError)) as caught:
        events.extend(stream)
    return events, caught.value


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("stream_throttle", "throttlingException"),
        ("stream_internal_error", "internalServerException"),
        ("stream_service_unavailable", "serviceUnavailableException"),
        ("stream_model_error", "modelStreamErrorException"),
    ],
)
def test_a_planned_error_inside_a_stream_is_an_event_after_half_of_the_events(
    simulator: RunningSimulator, kind: str, code: str
) -> None:
    whole = list(converse_stream(simulator))
    simulator.fail(kind=kind, times=2)
    events, error = read_until_error(converse_stream(simulator))
    assert events == whole[: len(whole) // 2]
    assert isinstance(error, EventStreamError)
    assert error.response["Error"]["Code"] == code
    assert error.response["Error"]["Message"]
    client = simulator.boto("bedrock-runtime")
    body = json.dumps({"messages": QUESTION})
    _, error = read_until_error(client.invoke_model_with_response_stream(modelId=builders.STUDENT, body=body)["body"])
    assert cast("EventStreamError", error).response["Error"]["Code"] == code
    assert simulator.ledger["billed_calls"] == 3
    assert [entry["fault"] for entry in simulator.admin("GET", "requests")] == [None, kind, kind]


def test_only_the_stream_of_invoke_model_can_time_out_inside(simulator: RunningSimulator) -> None:
    simulator.fail(kind="stream_model_timeout", times=1)
    assert list(converse_stream(simulator))
    client = simulator.boto("bedrock-runtime")
    body = json.dumps({"messages": QUESTION})
    _, error = read_until_error(client.invoke_model_with_response_stream(modelId=builders.STUDENT, body=body)["body"])
    assert cast("EventStreamError", error).response["Error"]["Code"] == "modelTimeoutException"


def test_a_dropped_connection_ends_a_stream_in_the_middle(simulator: RunningSimulator) -> None:
    whole = list(converse_stream(simulator))
    simulator.fail(kind="stream_drop", times=1)
    events, error = read_until_error(converse_stream(simulator))
    assert events == whole[: len(whole) // 2]
    assert isinstance(error, ProtocolError)
    assert list(converse_stream(simulator))[:-1] == whole[:-1]
    assert simulator.ledger["billed_calls"] == 3


def test_a_reader_sees_the_first_event_long_before_the_last_is_due(simulator: RunningSimulator) -> None:
    whole = list(converse_stream(simulator))
    simulator.admin("PUT", "settings", {"stream_latency_ms": AN_HOUR * 1000})
    stream = iter(converse_stream(simulator))
    assert next(stream) == {"messageStart": {"role": "assistant"}}
    simulator.admin("PUT", "settings", {"stream_latency_ms": 0})
    assert list(stream)[:-1] == whole[1:-1]


def test_the_latency_in_the_last_event_includes_the_time_between_the_events(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"stream_latency_ms": 2})
    events = list(converse_stream(simulator))
    assert value_of(events, "metadata")["metrics"]["latencyMs"] >= 2 * (len(events) - 1)
    chunks = invoke_stream(simulator, builders.STUDENT, {"messages": QUESTION})
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["invocationLatency"] == metrics["firstByteLatency"] + 2 * (len(chunks) - 1)


def test_a_client_that_closes_early_pays_for_the_whole_answer_and_does_not_disturb_the_next(
    simulator: RunningSimulator,
) -> None:
    whole = list(converse_stream(simulator))
    simulator.fail(kind="stream_pause", times=3, seconds=AN_HOUR)
    for _ in range(3):
        stream = converse_stream(simulator)
        reader = iter(stream)
        half = [next(reader) for _ in range(len(whole) // 2)]
        assert half == whole[: len(whole) // 2]
        assert any("contentBlockDelta" in event for event in half)
        stream.close()
    assert list(converse_stream(simulator))[:-1] == whole[:-1]
    tokens = value_of(whole, "metadata")["usage"]["outputTokens"]
    counts = simulator.ledger["by_model"][builders.STUDENT]
    assert (counts["calls"], counts["output_tokens"]) == (5, 5 * tokens)


def test_a_client_may_close_a_stream_before_it_reads_anything(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"stream_latency_ms": AN_HOUR * 1000})
    for _ in range(20):
        converse_stream(simulator).close()
    simulator.admin("PUT", "settings", {"stream_latency_ms": 0})
    assert list(converse_stream(simulator))
    assert simulator.ledger["billed_calls"] == 21


def test_a_custom_model_on_a_throughput_streams(simulator: RunningSimulator) -> None:
    arn = builders.provision(simulator, builders.custom_model(simulator))
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    conversed = builders.converse(simulator, arn)
    assert (
        assembled(list(converse_stream(simulator, arn, messages=messages))) == conversed["output"]["message"]["content"]
    )


@pytest.mark.parametrize("operation", ["converse_stream", "invoke_model_with_response_stream"])
def test_a_model_without_streaming_refuses_with_bedrocks_message(operation: str) -> None:
    model = load_catalog().models["nova-micro"].model_copy(update={"streaming": False})
    target = SimpleNamespace(model=model)
    inference: Any = SimpleNamespace(converse_target=lambda *_: target, target=lambda *_: target)
    settings: Any = SimpleNamespace(current=Settings(), on_change=lambda _: None)
    handler = getattr(Streaming(inference, settings), operation)
    with pytest.raises(ValidationException, match=r"^The model is unsupported for streaming\.$"):
        asyncio.run(handler(Call({"modelId": "m", "body": b"{}"}, "us-east-1")))


def test_the_catalog_says_which_models_stream(simulator: RunningSimulator) -> None:
    summaries = simulator.boto("bedrock").list_foundation_models()["modelSummaries"]
    streaming = {model.id: model.streaming for model in load_catalog().models.values()}
    shown = {summary["modelId"]: summary["responseStreamingSupported"] for summary in summaries}
    assert all(shown[model_id] == streaming[model_id] for model_id in shown if model_id in streaming)
    assert shown["amazon.nova-micro-v1:0"] is True
    assert shown["meta.llama3-1-8b-instruct-v1:0"] is True
