"""
Read and write bodies in the format of OpenAI's chat completions, which models of several providers accept.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tools.aws_simulator.models.conversation import Conversation, Media, Part, Text, Tool, ToolResult, ToolUse, Turn
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.runtime.files import read_image
from tools.aws_simulator.runtime.output_schemas import checked_schema
from tools.aws_simulator.runtime.requests import InferenceRequest, check_turns, fields, malformed, sampled

_SCHEMA = {"name": (str,), "schema": (dict,), "strict": (bool, type(None)), "description": (str,)}
_FINISH = {"max_tokens": "length", "tool_use": "tool_calls"}


def read_chat_completions(value: Any) -> InferenceRequest:
    """Read a chat-completions body."""
    types = {
        "model": (str,), "messages": (list,), "max_tokens": (int,), "max_completion_tokens": (int,),
        "temperature": (float, int), "top_p": (float, int), "stop": (list, str), "stream": (bool,),
        "stream_options": (dict,),
        "tools": (list,), "tool_choice": (str, dict), "response_format": (dict,), "reasoning_effort": (str,),
        "top_k": (int,), "seed": (int,), "frequency_penalty": (float, int), "presence_penalty": (float, int),
        "parallel_tool_calls": (bool,), "user": (str,), "n": (int,), "safe_prompt": (bool,),
    }  # fmt: skip
    body = fields(value, "#", types, ("messages",))
    if body.get("n", 1) != 1:
        raise malformed(f"#/n: {body['n']} is not supported, only 1 is")
    messages = [_message(message, f"#/messages/{number}") for number, message in enumerate(body["messages"])]
    system = [_text(message) for message in messages if message["role"] in ("system", "developer")]
    turns = tuple(_turns([message for message in messages if message["role"] not in ("system", "developer")]))
    check_turns(turns)
    tools, choice = _tools(body)
    conversation = Conversation("\n".join(system), turns, tools, choice, _schema(body.get("response_format")))
    stop = body.get("stop", [])
    sampling = {"max_tokens": body.get("max_completion_tokens"), **body, "stop": [stop] if stop == str(stop) else stop}
    request = sampled(conversation, sampling, ("max_tokens", "temperature", "top_p", "stop"))
    return replace(request, top_k=body.get("top_k"), effort=body.get("reasoning_effort"), named_model=body.get("model"))


def _message(value: Any, where: str) -> dict[str, Any]:
    types = {
        "role": (str,),
        "content": (str, list, type(None)),
        "name": (str,),
        "tool_calls": (list,),
        "tool_call_id": (str,),
    }
    message = fields(value, where, types, ("role",))
    if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
        raise malformed(f"{where}/role: {message['role']!r} is not a role")
    return message


def _text(message: Mapping[str, Any]) -> str:
    return "\n".join(part.text for part in _content(message) if isinstance(part, Text))


def _content(message: Mapping[str, Any]) -> Iterator[Part]:
    content = message.get("content") or ""
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if not isinstance(block, dict) or str(block.get("type")) not in ("text", "image_url"):
            raise malformed("a content block is neither text nor image_url")
        if block["type"] == "image_url":
            yield _image(block)
        elif not isinstance(block.get("text"), str):
            raise malformed("a content block has no text")
        elif block["text"]:
            yield Text(block["text"])


def _image(block: Mapping[str, Any]) -> Media:
    """Read an image in a data URL. Bedrock loads no images from other addresses."""
    try:
        head, _, data = block["image_url"]["url"].partition(";base64,")
        if not head.startswith("data:image/"):
            raise malformed("an image_url is not a data URL with base64")
        return read_image(head.removeprefix("data:image/").partition(";")[0], base64.b64decode(data, validate=True))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise malformed(f"an image_url is invalid ({error})") from error


def _turns(messages: list[dict[str, Any]]) -> Iterator[Turn]:
    """Return the turns. Consecutive tool results form one turn of the user."""
    results: list[Part] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(ToolResult(message.get("tool_call_id", ""), _text(message)))
            continue
        if results:
            yield Turn("user", tuple(results))
            results = []
        calls = [_call(call) for call in message.get("tool_calls", ())]
        yield Turn("user" if message["role"] == "user" else "assistant", (*_content(message), *calls))
    if results:
        yield Turn("user", tuple(results))


def _call(value: Mapping[str, Any]) -> ToolUse:
    try:
        function = value["function"]
        input_ = read_json(function["arguments"] or "{}")
        if not isinstance(input_, dict):
            raise malformed("the arguments of a tool call are not a JSON object")
        return ToolUse(str(value["id"]), str(function["name"]), input_)
    except (KeyError, TypeError, ValueError) as error:
        raise malformed(f"a tool call is invalid ({error})") from error


def _tools(body: Mapping[str, Any]) -> tuple[tuple[Tool, ...], str]:
    try:
        functions = [tool["function"] for tool in body.get("tools", ())]
        tools = tuple(
            Tool(str(f["name"]), f.get("description") or "", f.get("parameters") or {"type": "object"})
            for f in functions
        )
        choice = body.get("tool_choice", "auto")
        chosen = choice["function"]["name"] if isinstance(choice, dict) else choice
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(f"a tool lacks a key ({error})") from error
    return tools, "any" if chosen == "required" else chosen


def _schema(form: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if form is None or form.get("type") != "json_schema":
        return None
    described = fields(form.get("json_schema"), "#/response_format/json_schema", _SCHEMA, ("schema",))
    return checked_schema("json_schema", described["schema"])


def write_chat_completions(reply: Reply, model_id: str, call_id: str) -> dict[str, Any]:
    """Return a reply in the format of chat completions."""
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": json.dumps(part.input)}}
        for part in reply.parts
        if isinstance(part, ToolUse)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if calls:
        message["tool_calls"] = calls
    usage = {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens}
    return {
        "id": f"chatcmpl-{call_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model_id,
        "choices": [{"index": 0, "message": message, "finish_reason": _FINISH.get(reply.stop_reason, "stop")}],
        "usage": {**usage, "total_tokens": sum(usage.values())},
    }
