"""No malformed request makes the simulator fail: it is refused with an error of AWS, or answered."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

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
