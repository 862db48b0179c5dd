"""
Read the arguments of Converse and write its answers.

Content blocks: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tools.aws_simulator.models.conversation import (
    Conversation,
    Media,
    Part,
    Role,
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
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.converse_checks import check_messages, check_tool_blocks
from tools.aws_simulator.runtime.files import read_document, read_image, read_recording
from tools.aws_simulator.runtime.output_schemas import checked_schema
from tools.aws_simulator.runtime.prompt_cache import Block, Checkpoint, prefixes
from tools.aws_simulator.runtime.requests import (
    InferenceRequest,
    check_turns,
    model_errors,
    read_json_body,
    sampled,
)

_SAMPLING = ("maxTokens", "temperature", "topP", "stopSequences")


def read_converse(arguments: Mapping[str, Any]) -> InferenceRequest:
    """Read the arguments of Converse, or the ``converse`` part of CountTokens, after their types have been checked."""
    if arguments.get("promptVariables"):
        # Only a prompt of Prompt management has variables, and the simulator has no such prompts. Message UNVERIFIED.
        raise ValidationException("promptVariables may only be specified if modelId is the ARN of a prompt.")
    check_messages(arguments.get("messages", ()))
    with model_errors(through_converse=True):
        request = read_messages(arguments)
    effort = arguments.get("outputConfig", {}).get("effort")
    additional = arguments.get("additionalModelRequestFields") or {}
    return replace(request, through_converse=True, additional_fields=additional, effort=effort)


def read_messages(arguments: Mapping[str, Any]) -> InferenceRequest:
    """Read the members that Converse shares with the body of Nova models."""
    messages = arguments.get("messages", ())
    turns = tuple(Turn(_role(message), tuple(_parts(message["content"]))) for message in messages)
    check_turns(turns)
    tools, choice = _tools(arguments.get("toolConfig"))
    check_tool_blocks(turns, has_tools=bool(tools))
    system = "\n".join(part.text for part in _parts(arguments.get("system", ())) if isinstance(part, Text))
    conversation = Conversation(system, turns, tools, choice, _schema(arguments.get("outputConfig")))
    request = sampled(conversation, arguments.get("inferenceConfig", {}), _SAMPLING, "#/inferenceConfig")
    return replace(request, prefixes=prefixes(_blocks(arguments))) if _has_checkpoint(arguments) else request


def _role(message: Mapping[str, Any]) -> Role:
    if message["role"] == "system":
        # The service model has this role, but the models refuse it: public repositories quote the message.
        raise ValidationException(
            "This model doesn't support system messages. Try again without a system message or use"
            " a model that supports system messages."
        )
    return "user" if message["role"] == "user" else "assistant"


def _has_checkpoint(arguments: Mapping[str, Any]) -> bool:
    lists = [arguments.get("toolConfig", {}).get("tools", ()), arguments.get("system", ())]
    lists += [message["content"] for message in arguments.get("messages", ())]
    return any("cachePoint" in block for blocks in lists for block in blocks)


def _blocks(arguments: Mapping[str, Any]) -> Iterator[Block | Checkpoint]:
    """Yield the blocks and cache checkpoints of a request in the order of the prompt cache: tools, system, messages."""
    for tool in arguments.get("toolConfig", {}).get("tools", ()):
        yield from _block_of("tools", tool, count_tokens(_tool(tool["toolSpec"]).text) if "toolSpec" in tool else 0)
    for block in arguments.get("system", ()):
        yield from _block_of("system", block, sum(tokens_of(part) for part in _parts([block])))
    for message in arguments.get("messages", ()):
        for block in message["content"]:
            yield from _block_of("messages", block, sum(tokens_of(part) for part in _parts([block])), message["role"])


def _block_of(field: str, value: Mapping[str, Any], tokens: int, role: str = "") -> Iterator[Block | Checkpoint]:
    if "cachePoint" in value:
        yield Checkpoint(field, value["cachePoint"].get("ttl", "5m"))
    else:
        yield Block(field, [role, value], tokens)


def _parts(blocks: Any) -> Iterator[Part]:
    for block in blocks:
        for kind, value in block.items():
            yield from _READERS.get(kind, _refuse_block(kind))(value)


def _refuse_block(kind: str) -> Any:
    def refuse(_: Any) -> Iterator[Part]:
        raise ValidationException(
            f"This model doesn't support the {kind} content block that you provided. Update the content block and try"
            " again."
        )

    return refuse


def _image(value: Mapping[str, Any]) -> Iterator[Part]:
    yield _in_s3("image", value) or read_image(value["format"], value["source"].get("bytes", b""))


def _document(value: Mapping[str, Any]) -> Iterator[Part]:
    source = value["source"]
    name, context = value.get("name", ""), value.get("context", "")
    text = source.get("text", "") or "\n".join(block["text"] for block in source.get("content", ()))
    if text:
        yield Media("document", name, len(text), "\n".join(filter(None, (context, text))))
        return
    document = _in_s3("document", value) or read_document(name, value.get("format"), source.get("bytes", b""))
    yield replace(document, text="\n".join(filter(None, (context, document.text))))


def _recording(kind: Any) -> Any:
    def read(value: Mapping[str, Any]) -> Iterator[Part]:
        yield _in_s3(kind, value) or read_recording(kind, value["source"].get("bytes", b""))

    return read


def _in_s3(kind: Any, value: Mapping[str, Any]) -> Media | None:
    """Return a file in S3. The S3 object is not read, so no tokens are counted for the file."""
    return Media(kind, value.get("name", ""), 0) if "s3Location" in value["source"] else None


def _tool_result(value: Mapping[str, Any]) -> Iterator[Part]:
    texts: list[str] = []
    files: list[Media] = []
    for block in value["content"]:
        if "json" in block:
            texts.append(json.dumps(block["json"]))
            continue
        parts = list(_parts([block]))
        texts += [part.text for part in parts if isinstance(part, Text)]
        files += [part for part in parts if isinstance(part, Media)]
    yield ToolResult(value["toolUseId"], "\n".join(texts), value.get("status") == "error", tuple(files))


def _reasoning(value: Mapping[str, Any]) -> Iterator[Part]:
    text = value.get("reasoningText", {})
    yield Thinking(text.get("text", ""), text.get("signature", ""))


def _texts_of_content(value: Mapping[str, Any]) -> Iterator[Part]:
    yield Text("\n".join(block["text"] for block in value.get("content", ()) if "text" in block))


_READERS: dict[str, Any] = {
    "text": lambda value: iter([Text(value)]),
    "image": _image,
    "document": _document,
    "video": _recording("video"),
    "audio": _recording("audio"),
    "toolUse": lambda value: iter([ToolUse(value["toolUseId"], value["name"], value["input"])]),
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": lambda value: iter([Text(value["text"]["text"])] if "text" in value else []),
    "cachePoint": lambda value: iter(()),
    "citationsContent": _texts_of_content,
    "searchResult": _texts_of_content,
}


def _tools(config: Mapping[str, Any] | None) -> tuple[tuple[Tool, ...], str]:
    """Return the tools of a request, and which of them the model must call."""
    if config is None:
        return (), "auto"
    if any("systemTool" in tool for tool in config["tools"]):
        # Only Nova 2 has tools of its own, which search the web and run code. No simulated model does so.
        raise ValidationException(
            "This model doesn't support the toolConfig.tools.systemTool field. Remove"
            " toolConfig.tools.systemTool and try again."
        )
    tools = tuple(_tool(tool["toolSpec"]) for tool in config["tools"] if "toolSpec" in tool)
    choice = config.get("toolChoice", {"auto": {}})
    return tools, choice["tool"]["name"] if "tool" in choice else next(iter(choice))


def _tool(spec: Mapping[str, Any]) -> Tool:
    return Tool(spec["name"], spec.get("description", ""), spec["inputSchema"]["json"])


def _schema(config: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if config is None or "textFormat" not in config:
        return None
    form = config["textFormat"]
    return checked_schema(
        form["type"], read_json_body(form["structure"]["jsonSchema"]["schema"].encode(errors="replace"))
    )


def content_blocks(reply: Reply) -> list[dict[str, Any]]:
    """Return the parts of a reply as content blocks, which Nova's format shares with Converse."""
    return [_block(part) for part in reply.parts]


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolUse):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.input}}
    if isinstance(part, Thinking):
        signature = {"signature": part.signature} if part.signature else {}
        return {"reasoningContent": {"reasoningText": {"text": part.text, **signature}}}
    return {"text": part.text}


def usage(reply: Reply) -> dict[str, Any]:
    """Return the numbers of tokens, as Converse and Nova show them."""
    shown: dict[str, Any] = {
        "inputTokens": reply.uncached_tokens,
        "outputTokens": reply.output_tokens,
        "totalTokens": reply.input_tokens + reply.output_tokens,
    }
    if reply.cache is not None:
        shown |= {"cacheReadInputTokens": reply.cache.read, "cacheWriteInputTokens": reply.cache.written}
    return shown


def _cache_details(reply: Reply) -> list[dict[str, Any]]:
    written = {"1h": reply.cache.written_1h, "5m": reply.cache.written_5m} if reply.cache else {}
    return [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in written.items() if tokens]


def write_converse(reply: Reply, latency_ms: int) -> dict[str, Any]:
    """Return a reply in the format of Converse."""
    details = _cache_details(reply)
    return {
        "output": {"message": {"role": "assistant", "content": content_blocks(reply)}},
        "stopReason": reply.stop_reason,
        "usage": {**usage(reply), **({"cacheDetails": details} if details else {})},
        "metrics": {"latencyMs": latency_ms},
    }
