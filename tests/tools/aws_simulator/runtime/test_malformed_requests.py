"""No malformed request makes the simulator fail: it is refused with an error of AWS, or answered."""

from __future__ import annotations

import base64
import copy
import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.models.dialogue import SimulatedModel, reply_to
from tools.aws_simulator.models.schema_values import UnfillableSchemaError
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.runtime import bodies
from tools.aws_simulator.runtime.capabilities import for_model

PNG = base64.b64encode(builders.png()).decode()
SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "array", "items": {"type": "integer"}},
        "c": {"$ref": "#/$defs/x"},
    },
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"x": {"type": "object", "properties": {}, "additionalProperties": False}},
}
ANTHROPIC = builders.anthropic_body(
    system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is the weather in Paris for 3 days?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                {"type": "document", "title": "notes", "source": {"type": "text", "data": "My notes."}},
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x"}]}],
        },
    ],
    tools=[{"name": "get", "description": "Get", "input_schema": SCHEMA}],
    tool_choice={"type": "auto"},
    stop_sequences=["x"],
    top_k=5,
    output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
)
NOVA = {
    "messages": [
        {"role": "user", "content": [{"text": "Hello"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "get", "input": {"a": 1}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"a": 1}}]}}]},
    ],
    "system": [{"text": "Be brief."}],
    "inferenceConfig": {"maxTokens": 10, "topK": 3, "stopSequences": ["x"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "get", "inputSchema": {"json": SCHEMA}}}],
        "toolChoice": {"any": {}},
    },
}
IMAGE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, IMAGE_URL]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "Do", "parameters": SCHEMA}}],
    "tool_choice": "auto",
    "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
}  # fmt: skip
LLAMA = {"prompt": "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>", "max_gen_len": 20, "images": [PNG]}
JUNK: list[Any] = [
    None, 1, -1, 1.5, True, "", "x", " ", [], {}, [1], [None], {"a": 1}, {"type": "x"}, [[]], "a" * 300, float("nan"),
    10**20, {"type": ["a"]}, [{"type": {}}], "é", {"$ref": "#"}, {"type": "object"},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from places(child, (*path, name))


def changed(value: Any, dice: random.Random) -> Any:
    """Return a copy with one place removed, repeated, extended or replaced."""
    value = copy.deepcopy(value)
    *above, name = dice.choice(list(places(value)))
    parent = value
    for step in above:
        parent = parent[step]
    change = dice.random()
    if change < 0.15:
        del parent[name]
    elif change < 0.3 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[name]))
    elif change < 0.3 and isinstance(parent, dict):
        parent["extra"] = copy.deepcopy(dice.choice(JUNK))
    else:
        parent[name] = copy.deepcopy(dice.choice(JUNK))
    return value


@pytest.mark.parametrize(
    ("key", "body"),
    [("claude-haiku-4-5", ANTHROPIC), ("nova-lite", NOVA), ("mistral-large-3", CHAT), ("llama-3-2-11b", LLAMA)],
)
def test_a_body_with_one_wrong_place_is_refused_or_answered(key: str, body: dict[str, Any]) -> None:
    model, dice = load_catalog().models[key], random.Random(1)
    messages = []
    for _ in range(400):
        try:
            request = for_model(model, bodies.READERS[model.body](changed(body, dice)))
            reply = reply_to(SimulatedModel(model.provider, None), request.conversation, 50)
            assert json.dumps(bodies.WRITERS[model.body](reply, model.id, "1"))
        except (ApiError, UnfillableSchemaError) as error:
            messages.append(str(error))
    assert all(messages)
    assert 100 < len(messages) < 400


def refusal(simulator: RunningSimulator, operation: str, body: bytes) -> str:
    """Send a body to an operation of Bedrock's runtime, which must refuse it, and return the message."""
    scope = "AKIAEXAMPLE/20261126/us-east-1/bedrock/aws4_request"
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Date": "20261126T233000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'a' * 64}",
    }
    url = f"{simulator.url}/model/us.anthropic.claude-sonnet-4-6/{operation}"
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - our own
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 - our own
    answer = json.loads(caught.value.read())
    assert (caught.value.code, caught.value.headers["x-amzn-errortype"]) == (400, "ValidationException"), answer
    return str(answer["message"])


NATIVE = ("invoke", "invoke-with-response-stream")
CONVERSE = ("converse", "converse-stream")
TURNS = b'"messages": [{"role": "user", "content": [{"text": "Hello"}]}]'


@pytest.mark.parametrize("operation", [*NATIVE, *CONVERSE, "count-tokens"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param(b"[" * 5_000 + b"]" * 5_000, "nested more than 200 levels deep", id="deep"),
        pytest.param(b"NaN", "NaN is not a JSON value", id="nan"),
        pytest.param(b"-Infinity", "-Infinity is not a JSON value", id="infinity"),
        pytest.param(b"1e400", "the number 1e400 is too large", id="1e400"),
        pytest.param(rb'"\ud800"', "no low surrogate in string", id="surrogate"),
    ],
)
def test_a_body_that_is_no_json_is_refused(simulator: RunningSimulator, operation: str, value: bytes, why: str) -> None:
    assert why in refusal(simulator, operation, b'{%s, "system": %s}' % (TURNS, value))


def converse_with_tool(schema: Any) -> dict[str, Any]:
    tool = {"toolSpec": {"name": "get", "inputSchema": {"json": schema}}}
    config = {"tools": [tool], "toolChoice": {"any": {}}}
    return builders.converse_input(toolConfig=config)


def converse_with_format(schema: Any) -> dict[str, Any]:
    structure = {"jsonSchema": {"name": "x", "schema": json.dumps(schema)}}
    return builders.converse_input(outputConfig={"textFormat": {"type": "json_schema", "structure": structure}})


def native_with_tool(schema: Any) -> dict[str, Any]:
    return builders.anthropic_body(tools=[{"name": "get", "input_schema": schema}], tool_choice={"type": "any"})


def native_with_format(schema: Any) -> dict[str, Any]:
    return builders.anthropic_body(output_config={"format": {"type": "json_schema", "schema": schema}})


def an_object(part: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": part}, "required": ["a"], "additionalProperties": False}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = an_object(schema)
    return schema


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        *[(operation, body) for operation in NATIVE for body in (native_with_tool, native_with_format)],
        *[(operation, body) for operation in CONVERSE for body in (converse_with_tool, converse_with_format)],
    ],
)
@pytest.mark.parametrize(
    "schema", [nested(80), nested(100), nested(400), an_object({"enum": []})], ids=[*"abc", "enum"]
)
def test_a_schema_that_no_answer_can_follow_is_refused(
    simulator: RunningSimulator, operation: str, body: Any, schema: dict[str, Any]
) -> None:
    assert refusal(simulator, operation, json.dumps(body(schema)).encode())
    assert simulator.ledger["billed_calls"] == 0
