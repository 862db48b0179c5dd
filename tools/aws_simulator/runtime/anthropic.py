"""
Read and write the bodies of Anthropic models (the Messages API).

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html. Error messages
name the place of the error, for example "messages.0.content.1.text":
https://github.com/anthropics/claude-code/issues/146
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
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
    tokens_of,
)
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.models.text import count_tokens
from tools.aws_simulator.runtime.additional_fields import checked_top_k
from tools.aws_simulator.runtime.anthropic_fields import (
    BLOCKS,
    BODY,
    MESSAGE,
    TOOL,
    checked,
    checked_range,
    checked_strings,
)
from tools.aws_simulator.runtime.files import read_document, read_image
from tools.aws_simulator.runtime.output_schemas import checked_schema
from tools.aws_simulator.runtime.prompt_cache import Block, Checkpoint, prefixes
from tools.aws_simulator.runtime.requests import InferenceRequest, ModelRefusal
from tools.aws_simulator.runtime.thinking import read_anthropic_thinking

# Bedrock's version, such as bedrock-2023-05-31, or only a date, as newer SDKs send it.
_VERSION = re.compile(r"(bedrock-)?\d{4}-\d{2}-\d{2}")


def read_anthropic(value: Any) -> InferenceRequest:
    """Read an Anthropic body."""
    body = checked(value, "", BODY, ("anthropic_version", "max_tokens", "messages"))
    if not _VERSION.fullmatch(body["anthropic_version"]):
        raise ModelRefusal(f"anthropic_version: '{body['anthropic_version']}' is not a valid version")
    checked_strings(body, "stop_sequences")
    checked_strings(body, "anthropic_beta")
    checked_range(body, {"max_tokens": (1, None), "temperature": (0, 1), "top_p": (0, 1)})
    turns = _joined([_turn(message, f"messages.{number}") for number, message in enumerate(body["messages"])])
    _check_turns(turns)
    system = "\n".join(part.text for part in _parts(body.get("system", ""), "system") if isinstance(part, Text))
    tools, choice = _tools(body)
    config = checked(body.get("output_config") or {}, "output_config", {"format": (dict,), "effort": (str,)})
    conversation = Conversation(system, turns, tools, choice, _schema(config.get("format")))
    return InferenceRequest(
        conversation,
        body["max_tokens"],
        body.get("temperature"),
        body.get("top_p"),
        tuple(body.get("stop_sequences") or ()),
        checked_top_k(body.get("top_k"), "anthropic"),
        read_anthropic_thinking(body.get("thinking")),
        config.get("effort"),
        prefixes(_blocks(body)) if _has_checkpoint(body) else (),
    )


def _has_checkpoint(body: Mapping[str, Any]) -> bool:
    contents = [
        body.get("tools") or (),
        body.get("system") or (),
        *(message["content"] for message in body["messages"]),
    ]
    lists = [content for content in contents if not isinstance(content, str)]
    return bool(body.get("cache_control")) or any(block.get("cache_control") for blocks in lists for block in blocks)


def _joined(turns: list[Turn]) -> tuple[Turn, ...]:
    """Join consecutive messages of one role, as the Messages API does."""
    joined: list[Turn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = replace(turn, parts=(*joined[-1].parts, *turn.parts))
        else:
            joined.append(turn)
    return tuple(joined)


def _check_turns(turns: tuple[Turn, ...]) -> None:
    """
    Check the order of messages, and that tool results follow their tool calls.

    The texts of the errors are quoted in public repositories.
    """
    if not turns:
        raise ModelRefusal("messages: at least one message is required")
    if turns[0].role != "user":
        raise ModelRefusal('messages: first message must use the "user" role')
    for number, turn in enumerate(turns):
        if not turn.parts and not (turn.role == "assistant" and number == len(turns) - 1):
            raise ModelRefusal(
                "messages: all messages must have non-empty content except for the optional final assistant message"
            )
        if any(isinstance(part, Text) and not part.text for part in turn.parts):
            raise ModelRefusal("messages: text content blocks must be non-empty")
        if any(isinstance(part, Text) and not part.text.strip() for part in turn.parts):
            raise ModelRefusal("messages: text content blocks must contain non-whitespace text")
        called = {part.id for part in turns[number - 1].parts if isinstance(part, ToolUse)} if number else set()
        answered = {part.id for part in turn.parts if isinstance(part, ToolResult)}
        if unasked := sorted(answered - called):
            raise ModelRefusal(
                f"messages.{number}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {unasked[0]}."
                " Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if missing := sorted(called - answered):
            raise ModelRefusal(
                f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks immediately after:"
                f" {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the"
                " next message."
            )


def _turn(value: Any, where: str) -> Turn:
    message = checked(value, where, MESSAGE, ("role", "content"))
    if message["role"] not in ("user", "assistant"):
        raise ModelRefusal(f"{where}.role: Input should be 'user' or 'assistant'")
    return Turn(message["role"], tuple(_parts(message["content"], f"{where}.content")))


def _parts(content: Any, where: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield from [Text(content)] if content else []
        return
    for number, block in enumerate(content):
        place = f"{where}.{number}"
        kind = block.get("type", "text") if isinstance(block, dict) else None
        if not isinstance(kind, str) or kind not in BLOCKS:
            expected = ", ".join(f"'{name}'" for name in sorted(BLOCKS))
            raise ModelRefusal(
                f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
            )
        types, required = BLOCKS[kind]
        yield _part(kind, checked(block, f"{place}.{kind}", types, required), f"{place}.{kind}")


def _part(kind: str, block: Mapping[str, Any], where: str) -> Part:
    if kind == "text":
        return Text(block["text"])
    if kind == "tool_use":
        return ToolUse(block["id"], block["name"], block["input"])
    if kind == "tool_result":
        parts = list(_parts(block.get("content") or "", f"{where}.content"))
        text = "\n".join(part.text for part in parts if isinstance(part, Text))
        files = tuple(part for part in parts if isinstance(part, Media))
        return ToolResult(block["tool_use_id"], text, bool(block.get("is_error")), files)
    if kind == "thinking":
        return Thinking(block["thinking"], block["signature"])
    if kind == "redacted_thinking":
        return Thinking("", block["data"])
    if kind == "search_result":
        return Text("\n".join(part.text for part in _parts(block["content"], where) if isinstance(part, Text)))
    return _media(kind, block, where)


def _media(kind: Any, block: Mapping[str, Any], where: str) -> Media:
    source, name = block["source"], block.get("title") or ""
    form, data = source.get("type"), source.get("data", "")
    if not isinstance(data, str):
        raise ModelRefusal(f"{where}.source.{form}.data: Input should be a valid string")
    if form == "text" and kind == "document":
        return Media("document", name, len(data), data)
    if form == "content" and kind == "document":
        inner = source.get("content", "")
        if not isinstance(inner, str | list):
            raise ModelRefusal(f"{where}.source.content.content: Input should be a valid string")
        parts = _parts(inner, f"{where}.source.content")
        return Media("document", name, 0, "\n".join(part.text for part in parts if isinstance(part, Text)))
    if form != "base64":
        raise ModelRefusal(
            f"{where}.source: Input tag '{form}' found using 'type' does not match any of the expected"
            " tags: 'base64'" + (", 'content', 'text'" if kind == "document" else "")
        )
    try:
        content = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise ModelRefusal(f"{where}.source.base64.data: Invalid base64 data") from error
    media_type = str(source.get("media_type", ""))
    if kind == "document":
        return read_document(name, {"text/plain": "txt"}.get(media_type, media_type.rpartition("/")[2]), content)
    if media_type not in ("image/jpeg", "image/png", "image/gif", "image/webp"):
        raise ModelRefusal(
            f"{where}.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        )
    return read_image(media_type.rpartition("/")[2], content)


def _tools(body: Mapping[str, Any]) -> tuple[tuple[Tool, ...], str]:
    tools = [_tool(tool, f"tools.{number}") for number, tool in enumerate(body.get("tools") or ())]
    choice = checked(
        body.get("tool_choice") or {"type": "auto"},
        "tool_choice",
        {"type": (str,), "name": (str,), "disable_parallel_tool_use": (bool,)},
        ("type",),
    )
    if choice["type"] not in ("auto", "any", "none", "tool"):
        raise ModelRefusal(
            f"tool_choice: Input tag '{choice['type']}' found using 'type' does not match any of the expected tags:"
            " 'auto', 'any', 'tool', 'none'"
        )
    return tuple(tools), choice.get("name", "") if choice["type"] == "tool" else choice["type"]


def _tool(value: Any, where: str) -> Tool:
    # A tool of Anthropic's own, such as bash_20250124, has a type and no schema.
    own = isinstance(value, dict) and isinstance(value.get("type"), str) and value["type"] != "custom"
    if own:
        tool = {**value, "input_schema": {"type": "object"}, "description": ""}
    else:
        tool = checked(value, f"{where}.custom", TOOL, ("name", "input_schema"))
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", str(tool.get("name", ""))):
        raise ModelRefusal(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    return Tool(tool["name"], tool.get("description") or "", tool["input_schema"])


def _schema(form: Any) -> Mapping[str, Any] | None:
    if form is None:
        return None
    read = checked(form, "output_config.format", {"type": (str,), "schema": (dict,)}, ("type", "schema"))
    return checked_schema(read["type"], read["schema"])


def _blocks(body: Mapping[str, Any]) -> Iterator[Block | Checkpoint]:
    """Yield the blocks and cache checkpoints of a body in the order in which prefixes are cached."""
    for number, tool in enumerate(body.get("tools") or ()):
        yield from _block_of("tools", tool, count_tokens(_tool(tool, f"tools.{number}").text))
    messages = [("system", body.get("system") or [])]
    messages += [("messages", message["content"]) for message in body["messages"]]
    for field, content in messages:
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            yield from _block_of(field, block, sum(tokens_of(part) for part in _parts([block], field)))
    if control := body.get("cache_control"):
        yield Checkpoint("messages", control.get("ttl", "5m"))


def _block_of(field: str, value: Mapping[str, Any], tokens: int) -> Iterator[Block | Checkpoint]:
    yield Block(field, {name: member for name, member in value.items() if name != "cache_control"}, tokens)
    if control := value.get("cache_control"):
        yield Checkpoint(field, control.get("ttl", "5m"))


def content_block(part: Part) -> dict[str, Any]:
    """Return a part of a reply as a content block."""
    if isinstance(part, ToolUse):
        # Ids in Converse begin with tooluse_. Those in the Messages API at Bedrock have a different prefix:
        # https://github.com/langchain-ai/langchain-aws quotes toolu_bdrk_01AtEZRTCKioFXqhoNcpgaV7
        id_ = f"toolu_bdrk_01{part.id.removeprefix('tooluse_')}"
        return {"type": "tool_use", "id": id_, "name": part.name, "input": json.loads(json.dumps(part.input))}
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return {"type": "text", "text": part.text}


def usage(reply: Reply) -> dict[str, Any]:
    """Return the numbers of tokens, as the Messages API shows them."""
    shown: dict[str, Any] = {"input_tokens": reply.uncached_tokens, "output_tokens": reply.output_tokens}
    if reply.cache is not None:
        shown |= {
            "cache_creation_input_tokens": reply.cache.written,
            "cache_read_input_tokens": reply.cache.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": reply.cache.written_5m,
                "ephemeral_1h_input_tokens": reply.cache.written_1h,
            },
        }
    return shown


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
        "usage": usage(reply),
    }
