"""
Turn an answer of Converse into the events of ConverseStream.

The order of the events is that of AWS, as recorded in https://github.com/boto/boto3/issues/4584 and in the cassettes of
https://github.com/Arize-ai/openinference: a text block has no start event, and the usage comes after the stop reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.aws_simulator.protocol.event_stream import Event
from tools.aws_simulator.runtime.pieces import json_pieces, text_pieces

_METADATA = ("usage", "metrics", "trace", "performanceConfig", "serviceTier")


def converse_events(response: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events for a response of Converse."""
    yield from message_events(response["output"]["message"]["content"])
    yield "messageStop", _present(response, ("stopReason", "additionalModelResponseFields"))
    yield "metadata", _present(response, _METADATA)


def _present(response: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: response[name] for name in names if response.get(name) is not None}


def message_events(content: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    """Yield the events for the content blocks of an answer."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(content):
        for name, value in _block_events(block):
            yield name, {**value, "contentBlockIndex": index}


def _block_events(block: Mapping[str, Any]) -> Iterator[Event]:
    """
    Yield the events for one content block, without its index.

    :raises NotImplementedError: no simulated model writes a block of this type, so there are no events for it.
    """
    if "text" in block:
        deltas: list[Mapping[str, Any]] = [{"text": piece} for piece in text_pieces(block["text"])]
    elif "toolUse" in block:
        tool = block["toolUse"]
        yield "contentBlockStart", {"start": {"toolUse": {name: tool[name] for name in ("toolUseId", "name")}}}
        arguments = json.dumps(tool["input"], ensure_ascii=False)
        deltas = [{"toolUse": {"input": piece}} for piece in json_pieces(arguments)]
    elif "reasoningContent" in block:
        deltas = [{"reasoningContent": delta} for delta in _reasoning(block["reasoningContent"])]
    else:
        raise NotImplementedError(f"There are no stream events for a content block with the keys {sorted(block)}.")
    for delta in deltas:
        yield "contentBlockDelta", {"delta": delta}
    yield "contentBlockStop", {}


def _reasoning(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the deltas of the model's reasoning. Its signature comes last."""
    if "redactedContent" in value:
        yield {"redactedContent": value["redactedContent"]}
        return
    for piece in text_pieces(value["reasoningText"]["text"]):
        yield {"text": piece}
    if value["reasoningText"].get("signature"):
        yield {"signature": value["reasoningText"]["signature"]}
