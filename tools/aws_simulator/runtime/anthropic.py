"""
Read and write the bodies of Anthropic models (the Messages API).

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.aws_simulator.models.conversation import (
    Conversation,
    Media,
    Part,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.requests import (
    InferenceRequest,
    check_turns,
    checked_schema,
    fields,
    malformed,
    sampled,
)

# Newer SDKs send a date without "bedrock-".
_VERSION = re.compile(r"(bedrock-)?\d{4}-\d{2}-\d{2}")
_CACHE = {"cache_control": (dict,), "type": (str,)}
_BLOCKS: dict[str, dict[str, tuple[type, ...]]] = {
    "text": {"text": (str,), "citations": (list, type(None))},
    "image": {"source": (dict,)},
    "document": {"source": (dict,), "title": (str, type(None)), "context": (str, type(None)), "citations": (dict,)},
    "tool_use": {"id": (str,), "name": (str,), "input": (dict,)},
    "tool_result": {"tool_use_id": (str,), "content": (str, list), "is_error": (bool,)},
    "thinking": {"thinking": (str,), "signature": (str,)},
    "redacted_thinking": {"data": (str,)},
}


def read_anthropic(value: Any) -> InferenceRequest:
    """Read an Anthropic body."""
    types = {
        "anthropic_version": (str,), "anthropic_beta": (list,), "max_tokens": (int,), "messages": (list,),
        "system": (str, list), "temperature": (float, int), "top_p": (float, int), "top_k": (int,),
        "stop_sequences": (list,), "tools": (list,), "tool_choice": (dict,), "thinking": (dict,), "metadata": (dict,),
        "output_config": (dict,), "cache_control": (dict,),
    }  # fmt: skip
    body = fields(value, "#", types, ("anthropic_version", "max_tokens", "messages"))
    if not _VERSION.fullmatch(body["anthropic_version"]):
        raise malformed(f"#/anthropic_version: {body['anthropic_version']!r} is not a version")
    turns = tuple(_turn(message, f"#/messages/{number}") for number, message in enumerate(body["messages"]))
    check_turns(turns)
    system = "\n".join(part.text for part in _parts(body.get("system", ""), "#/system") if isinstance(part, Text))
    tools, choice = _tools(body)
    conversation = Conversation(system, turns, tools, choice, _schema(body.get("output_config")))
    return sampled(conversation, body, ("max_tokens", "temperature", "top_p", "stop_sequences"))


def _turn(value: Any, where: str) -> Turn:
    message = fields(value, where, {"role": (str,), "content": (str, list)}, ("role", "content"))
    if message["role"] not in ("user", "assistant"):
        raise malformed(f"{where}/role: {message['role']!r} is not user or assistant")
    return Turn(message["role"], tuple(_parts(message["content"], f"{where}/content")))


def _parts(content: Any, where: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for number, block in enumerate(content):
        place = f"{where}/{number}"
        kind = block.get("type", "text") if isinstance(block, dict) else ""
        if kind not in _BLOCKS:
            raise malformed(f"{place}: {kind!r} is not the type of a content block")
        yield _part(kind, fields(block, place, {**_BLOCKS[kind], **_CACHE}, _REQUIRED.get(kind, ())), place)


_REQUIRED = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
}


def _part(kind: str, block: Mapping[str, Any], where: str) -> Part:
    if kind == "text":
        return Text(block["text"])
    if kind == "tool_use":
        return ToolUse(block["id"], block["name"], block["input"])
    if kind == "tool_result":
        parts = _parts(block.get("content", ""), where)
        text = "\n".join(part.text for part in parts if isinstance(part, Text))
        return ToolResult(block["tool_use_id"], text, block.get("is_error", False))
    if kind in ("thinking", "redacted_thinking"):
        return Thinking(block.get("thinking", ""), block.get("signature", ""))
    return _media("image" if kind == "image" else "document", block, where)


def _media(kind: Any, block: Mapping[str, Any], where: str) -> Media:
    source, name = block["source"], block.get("title") or ""
    data = source.get("data", "")
    if source.get("type") == "text":
        return Media(kind, name, len(data), data)
    if source.get("type") == "content":
        texts = [part.text for part in _parts(source.get("content", ""), where) if isinstance(part, Text)]
        return Media(kind, name, 0, "\n".join(texts))
    try:
        return Media(kind, name, len(base64.b64decode(data, validate=True)))
    except (binascii.Error, TypeError) as error:
        raise malformed(f"{where}/source/data: the data are not base64") from error


def _tools(body: Mapping[str, Any]) -> tuple[tuple[Tool, ...], str]:
    tools = []
    for number, tool in enumerate(body.get("tools", ())):
        if not isinstance(tool, dict) or "name" not in tool:
            raise malformed(f"#/tools/{number}: required key [name] not found")
        tools.append(Tool(tool["name"], tool.get("description", ""), tool.get("input_schema", {"type": "object"})))
    choice = body.get("tool_choice", {"type": "auto"})
    return tuple(tools), choice.get("name", "") if choice.get("type") == "tool" else choice.get("type", "auto")


def _schema(config: Any) -> Mapping[str, Any] | None:
    if config is None:
        return None
    form = fields(config, "#/output_config", {"format": (dict,), "effort": (str,)}).get("format")
    if form is None:
        return None
    read = fields(form, "#/output_config/format", {"type": (str,), "schema": (dict,)}, ("type", "schema"))
    return checked_schema(read["type"], read["schema"])


def content_block(part: Part) -> dict[str, Any]:
    """Return a part of a reply as a content block."""
    if isinstance(part, ToolUse):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads(json.dumps(part.input))}
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return {"type": "text", "text": part.text}


def write_anthropic(reply: Reply, model_id: str, call_id: str) -> dict[str, Any]:
    """Return a reply in the format of the Messages API."""
    return {
        "model": model_id,
        "id": f"msg_bdrk_{call_id}",
        "type": "message",
        "role": "assistant",
        "content": [content_block(part) for part in reply.parts],
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "usage": {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens},
    }
