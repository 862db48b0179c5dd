"""
Read the arguments of Converse and write its answers.

Content blocks: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

import json
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
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.requests import (
    InferenceRequest,
    check_turns,
    checked_schema,
    read_json_body,
    sampled,
)

_SAMPLING = ("maxTokens", "temperature", "topP", "stopSequences")
_SUPPORTED = {
    "modelId",
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "outputConfig",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
}
_TEXT_FORMATS = ("txt", "md", "csv", "html")


def read_converse(arguments: Mapping[str, Any]) -> InferenceRequest:
    """Read the arguments of Converse, or the ``converse`` part of CountTokens. They match the service model already."""
    if unsupported := sorted(set(arguments) - _SUPPORTED):
        raise ValidationException(f"The simulated models do not support {', '.join(unsupported)}.")
    turns = tuple(Turn(message["role"], tuple(_parts(message["content"]))) for message in arguments.get("messages", ()))
    check_turns(turns)
    tools, choice = _tools(arguments.get("toolConfig"))
    _check_tool_blocks(turns, has_tools=bool(tools))
    system = "\n".join(part.text for part in _parts(arguments.get("system", ())) if isinstance(part, Text))
    conversation = Conversation(system, turns, tools, choice, _schema(arguments.get("outputConfig")))
    return sampled(conversation, arguments.get("inferenceConfig", {}), _SAMPLING)


def _parts(blocks: Any) -> Iterator[Part]:
    for block in blocks:
        for kind, value in block.items():
            yield from _READERS.get(kind, _refuse_block(kind))(value)


def _refuse_block(kind: str) -> Any:
    def refuse(_: Any) -> Iterator[Part]:
        raise ValidationException(f"The simulated models do not support content blocks of the type {kind}.")

    return refuse


def _media(kind: str) -> Any:
    def read(value: Mapping[str, Any]) -> Iterator[Part]:
        source = value["source"]
        if "s3Location" in source:
            yield Media(kind, value.get("name", ""), 0)  # type: ignore[arg-type]
            return
        data = source.get("bytes", b"")
        text = source.get("text", "") or "\n".join(block["text"] for block in source.get("content", ()))
        if not text and value.get("format") in _TEXT_FORMATS:
            text = data.decode(errors="replace")
        yield Media(kind, value.get("name", ""), len(data), text)  # type: ignore[arg-type]

    return read


def _tool_result(value: Mapping[str, Any]) -> Iterator[Part]:
    texts = [block["text"] if "text" in block else json.dumps(block.get("json")) for block in value["content"]]
    yield ToolResult(value["toolUseId"], "\n".join(texts), value.get("status") == "error")


def _reasoning(value: Mapping[str, Any]) -> Iterator[Part]:
    text = value.get("reasoningText", {})
    yield Thinking(text.get("text", ""), text.get("signature", ""))


_READERS: dict[str, Any] = {
    "text": lambda value: iter([Text(value)]),
    "image": _media("image"),
    "document": _media("document"),
    "video": _media("video"),
    "toolUse": lambda value: iter([ToolUse(value["toolUseId"], value["name"], value["input"])]),
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": lambda value: iter([Text(value["text"]["text"])] if "text" in value else []),
    "cachePoint": lambda value: iter(()),
}


def _tools(config: Mapping[str, Any] | None) -> tuple[tuple[Tool, ...], str]:
    """Return the tools of a request, and which of them the model must call."""
    if config is None:
        return (), "auto"
    specs = [tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool]
    tools = tuple(Tool(spec["name"], spec.get("description", ""), spec["inputSchema"]["json"]) for spec in specs)
    choice = config.get("toolChoice", {"auto": {}})
    return tools, choice["tool"]["name"] if "tool" in choice else next(iter(choice))


def _check_tool_blocks(turns: tuple[Turn, ...], *, has_tools: bool) -> None:
    """
    Check that tool results follow the calls that they answer.

    The messages are Bedrock's, as quoted in the issues of langchain-aws and strands-agents.
    """
    uses = [{part.id for part in turn.parts if isinstance(part, ToolUse)} for turn in turns]
    results = [{part.id for part in turn.parts if isinstance(part, ToolResult)} for turn in turns]
    if (any(uses) or any(results)) and not has_tools:
        raise ValidationException(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )
    for number, found in enumerate(results):
        asked = uses[number - 1] if number else set()
        if len(found) > len(asked):
            raise ValidationException(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number of toolUse blocks of"
                " previous turn."
            )
        if missing := asked - found:
            raise ValidationException(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids:"
                f" {', '.join(sorted(missing))}"
            )


def _schema(config: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if config is None or "textFormat" not in config:
        return None
    form = config["textFormat"]
    return checked_schema(form["type"], read_json_body(form["structure"]["jsonSchema"]["schema"].encode()))


def content_blocks(reply: Reply) -> list[dict[str, Any]]:
    """Return the parts of a reply as content blocks, which Nova's format shares with Converse."""
    return [_block(part) for part in reply.parts]


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolUse):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.input}}
    if isinstance(part, Thinking):
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
    return {"text": part.text}


def usage(reply: Reply) -> dict[str, int]:
    """Return the numbers of tokens, as Converse and Nova show them."""
    total = reply.input_tokens + reply.output_tokens
    return {"inputTokens": reply.input_tokens, "outputTokens": reply.output_tokens, "totalTokens": total}


def write_converse(reply: Reply, latency_ms: int) -> dict[str, Any]:
    """Return a reply in the format of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": content_blocks(reply)}},
        "stopReason": reply.stop_reason,
        "usage": usage(reply),
        "metrics": {"latencyMs": latency_ms},
    }
