"""A model refuses what its card excludes, with the message of Bedrock or of the model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.capabilities import for_model
from tools.aws_simulator.runtime.chat_completions import read_chat_completions
from tools.aws_simulator.runtime.converse import read_converse

MODELS = load_catalog().models
HAIKU, SONNET, NEW_SONNET = "claude-haiku-4-5", "claude-sonnet-4-6", "claude-sonnet-5-5"
ASKED = {"role": "user", "content": [{"text": "What is a bucket?"}]}
BEGUN = {"role": "assistant", "content": [{"text": "A bucket is"}]}
IMAGE = {"image": {"format": "png", "source": {"bytes": builders.png()}}}
DOCUMENT = {"document": {"name": "notes", "format": "txt", "source": {"bytes": b"My notes."}}}
SCHEMA = json.dumps({"type": "object", "properties": {}, "additionalProperties": False})
STRUCTURED = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": SCHEMA}}}}
FROM_MODEL = "The model returned the following errors: "


def tools(*names: str, **choice: Any) -> dict[str, Any]:
    specs = [{"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}} for name in names]
    return {"tools": specs, **({"toolChoice": choice} if choice else {})}


def asked(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*ASKED["content"], *blocks]}]


def run(key: str, **arguments: Any) -> Any:
    return for_model(MODELS[key], read_converse({"messages": [ASKED], **arguments}))


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        pytest.param("nova-micro", {}, id="text"),
        pytest.param("nova-lite", {"messages": asked(IMAGE)}, id="an image"),
        pytest.param("nova-lite", {"messages": asked(DOCUMENT)}, id="a document"),
        pytest.param("nova-micro", {"messages": [ASKED, BEGUN]}, id="prefill"),
        pytest.param(HAIKU, {"messages": [ASKED, BEGUN]}, id="prefill of Claude"),
        pytest.param(HAIKU, {"toolConfig": tools("a", tool={"name": "a"})}, id="a forced tool"),
        pytest.param(NEW_SONNET, {"toolConfig": tools("a", auto={})}, id="a free choice of tools"),
        pytest.param(HAIKU, {"outputConfig": STRUCTURED}, id="structured output"),
        pytest.param(HAIKU, {"inferenceConfig": {"maxTokens": 64000}}, id="the largest maximum of tokens"),
        pytest.param(HAIKU, {"inferenceConfig": {"temperature": 0.5}}, id="temperature"),
        pytest.param("nova-micro", {"inferenceConfig": {"temperature": 0.5, "topP": 0.5}}, id="both"),
        pytest.param(NEW_SONNET, {"inferenceConfig": {"temperature": 1}}, id="the only temperature"),
        pytest.param(SONNET, {"outputConfig": {"effort": "low"}}, id="effort"),
    ],
)
def test_a_model_takes_what_its_card_allows(key: str, arguments: dict[str, Any]) -> None:
    assert run(key, **arguments).conversation.turns


@pytest.mark.parametrize(
    ("key", "arguments", "message"),
    [
        pytest.param(
            "nova-micro",
            {"messages": asked(IMAGE)},
            "This model doesn't support the image content block that you provided.",
            id="image",
        ),
        pytest.param(
            "nova-micro",
            {"messages": asked(DOCUMENT)},
            "This model doesn't support the document content block that you provided.",
            id="document",
        ),
        pytest.param(
            "nova-micro",
            {"messages": asked({"video": {"format": "mp4", "source": {"bytes": b"1"}}})},
            "This model doesn't support the video content block that you provided.",
            id="video",
        ),
        pytest.param("llama-3-70b", {"toolConfig": tools("a")}, "This model doesn't support tool use.", id="tools"),
        pytest.param(
            "llama-3-1-8b",
            {"toolConfig": tools("a", any={})},
            "This model doesn't support the toolConfig.toolChoice.any field.",
            id="choice",
        ),
        pytest.param(
            NEW_SONNET,
            {"toolConfig": tools("a", tool={"name": "a"})},
            f'{FROM_MODEL}tool_choice: type "tool" and "any" are not supported for this model.',
            id="forced tool",
        ),
        pytest.param(HAIKU, {"toolConfig": tools("a", "a")}, "Tool names must be unique.", id="duplicate tools"),
        pytest.param(
            HAIKU,
            {"toolConfig": tools("a", tool={"name": "b"})},
            "Tool 'b' not found in provided tools",
            id="unknown tool",
        ),
        pytest.param(
            "nova-micro", {"outputConfig": STRUCTURED}, "doesn't support the outputConfig field", id="no schemas"
        ),
        pytest.param(
            NEW_SONNET,
            {"outputConfig": STRUCTURED},
            f"{FROM_MODEL}output_config.format: Extra inputs are not permitted",
            id="no schemas of Claude",
        ),
        pytest.param("nova-micro", {"outputConfig": {"effort": "low"}}, "the outputConfig field", id="no effort"),
        pytest.param(
            HAIKU,
            {"outputConfig": {"effort": "low"}},
            "output_config.effort: Extra inputs are not permitted",
            id="no effort of Claude",
        ),
        pytest.param(
            SONNET, {"outputConfig": {"effort": "huge"}}, "output_config.effort: Input should be", id="effort"
        ),
        pytest.param(
            "nova-micro",
            {"inferenceConfig": {"maxTokens": 10**30}},
            "The maximum tokens you requested exceeds the model limit of 10000. Try again with a maximum tokens value"
            " that is lower than 10000.",
            id="too many tokens",
        ),
        pytest.param(
            "nova-micro",
            {"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": "{}"}}}]}},
            "The format of the value at toolConfig.tools.0.toolSpec.inputSchema.json is invalid. Provide a json object"
            " for the field and try again.",
            id="a schema that is no object",
        ),
        pytest.param(
            NEW_SONNET,
            {"inferenceConfig": {"temperature": 0.2}},
            f"{FROM_MODEL}`temperature` is deprecated for this model.",
            id="temperature",
        ),
        pytest.param(
            HAIKU,
            {"inferenceConfig": {"temperature": 0.2, "topP": 0.5}},
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            id="temperature and top p",
        ),
        pytest.param(
            SONNET,
            {"messages": [ASKED, BEGUN]},
            f"{FROM_MODEL}This model does not support assistant message prefill.",
            id="prefill",
        ),
        pytest.param(
            "llama-3-1-8b",
            {"messages": [ASKED, BEGUN]},
            "requires the last turn in the conversation to be a user message",
            id="prefill of Llama",
        ),
        pytest.param(
            HAIKU,
            {"messages": [ASKED, {"role": "assistant", "content": [{"text": "A "}]}]},
            "final assistant content cannot end with trailing whitespace",
            id="prefill that ends with white space",
        ),
        pytest.param(
            HAIKU,
            {"messages": [{"role": "user", "content": [{"text": "word " * 200_001}]}]},
            "prompt is too long: 200001 tokens > 200000 maximum",
            id="a long prompt",
        ),
        pytest.param(
            "nova-micro",
            {"messages": [{"role": "user", "content": [{"text": "word " * 128_001}]}]},
            f"{FROM_MODEL}Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
            id="a long prompt for Nova",
        ),
    ],
)
def test_a_model_refuses_what_its_card_excludes(key: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        run(key, **arguments)
    assert message in str(caught.value)


CACHED = {"cachePoint": {"type": "default"}}
CACHED_LONGER = {"cachePoint": {"type": "default", "ttl": "1h"}}


@pytest.mark.parametrize(
    ("model_id", "arguments", "code", "message"),
    [
        pytest.param(
            "us.meta.llama3-1-8b-instruct-v1:0",
            {"messages": asked(CACHED)},
            "AccessDeniedException",
            "You invoked an unsupported model or your request did not allow prompt caching.",
            id="no cache",
        ),
        pytest.param(
            builders.STUDENT,
            {"toolConfig": {"tools": [*tools("a")["tools"], CACHED]}},
            "ValidationException",
            "extraneous key [cachePoint] is not permitted",
            id="after the tools of Nova",
        ),
        pytest.param(
            builders.STUDENT,
            {"messages": asked(CACHED_LONGER)},
            "ValidationException",
            "'1h' is not supported for this model",
            id="an hour",
        ),
        pytest.param(
            f"us.{MODELS[HAIKU].id}",
            {"messages": asked(*[CACHED, {"text": "x"}] * 5)},
            "ValidationException",
            f"{FROM_MODEL}A maximum of 4 blocks with cache_control may be provided. Found 5.",
            id="five checkpoints",
        ),
        pytest.param(
            f"us.{MODELS[HAIKU].id}",
            {"system": [{"text": "x"}, CACHED], "messages": asked(CACHED_LONGER)},
            "ValidationException",
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
            id="the longer time last",
        ),
    ],
)
def test_a_wrong_cache_checkpoint_is_refused(
    simulator: RunningSimulator, model_id: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    with refused(code, message):
        builders.converse(simulator, model_id, **arguments)


def test_a_stop_sequence_of_claude_needs_more_than_white_space() -> None:
    whitespace = {"inferenceConfig": {"stopSequences": ["x", "\n"]}}
    text = f"{FROM_MODEL}stop_sequences: each stop sequence must contain non-whitespace"
    with pytest.raises(ValidationException, match=text):
        run("claude-haiku-4-5", **whitespace)
    assert run("nova-micro", **whitespace)


@pytest.mark.parametrize("named", [None, "mistral.mistral-large-3-675b-instruct"])
def test_a_body_may_name_its_own_model(named: str | None) -> None:
    request = {"messages": [{"role": "user", "content": "Hi"}], **({"model": named} if named else {})}
    assert for_model(MODELS["mistral-large-3"], read_chat_completions(request))


def test_a_body_that_names_another_model_is_refused() -> None:
    request = {"messages": [{"role": "user", "content": "Hi"}], "model": "other"}
    with pytest.raises(ValidationException, match="'other' is not the model of the request"):
        for_model(MODELS["mistral-large-3"], read_chat_completions(request))
