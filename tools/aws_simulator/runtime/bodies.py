"""
Read and write the bodies of inference requests: Anthropic messages, Nova messages-v1, Llama prompts and Converse.

Each reader turns a body into an :class:`InferenceRequest`; each writer turns an :class:`InferenceAnswer` into a body. A
request with a key that only real models support (for example for tools or images) is refused; no key is ignored.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tools.aws_simulator.protocol.errors import ValidationException

ANTHROPIC_VERSION = "bedrock-2023-05-31"
LLAMA_DEFAULT_MAX_TOKENS = 512
_LLAMA_TURN = re.compile(
    r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)\s*(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL
)


@dataclass(frozen=True)
class InferenceRequest:
    """A request to a model. ``max_tokens`` is None if the request does not set it."""

    system: str
    user: str
    max_tokens: int | None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class InferenceAnswer:
    """The answer of a model. ``stop_reason`` is a value of Converse's enumeration."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None


def _malformed(detail: str) -> ValidationException:
    return ValidationException(f"Malformed input request: {detail}, please reformat your input and try again.")


def _fields(
    value: Any, where: str, types: Mapping[str, tuple[type, ...]], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(f"{where}: expected an object, found {type(value).__name__}")
    for name in required:
        if name not in value:
            raise _malformed(f"{where}: required key [{name}] not found")
    for name, member in value.items():
        if name not in types:
            raise _malformed(f"{where}: extraneous key [{name}] is not permitted")
        if not isinstance(member, types[name]) or isinstance(member, bool):
            raise _malformed(f"{where}/{name}: expected {types[name][0].__name__}, found {type(member).__name__}")
    return value


def _text_of(value: Any, where: str, extra: tuple[str, ...] = ()) -> str:
    """Return the text of a string or of a list of text blocks."""
    if isinstance(value, str):
        return value
    types = dict.fromkeys(("text", *extra), (str,))
    return "\n".join(_fields(block, f"{where}/{index}", types, ("text",))["text"] for index, block in enumerate(value))


def _only_user(messages: list[Any], extra: tuple[str, ...] = ()) -> str:
    types: dict[str, tuple[type, ...]] = {"role": (str,), "content": (str, list)}
    turns = [_fields(message, f"#/messages/{i}", types, ("role", "content")) for i, message in enumerate(messages)]
    roles = [turn["role"] for turn in turns]
    if roles != ["user"]:
        raise ValidationException(
            f"The simulated models support exactly one user message; the request has the roles {roles}."
        )
    return _text_of(turns[0]["content"], "#/messages/0/content", extra)


def _within(value: float | None, name: str, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise _malformed(f"#/{name}: {value} is not between {low:g} and {high:g}")


def _new_request(
    system: str, user: str, sampling: dict[str, Any], names: tuple[str, str, str, str]
) -> InferenceRequest:
    """Check the sampling values and return the request.

    :param names: the body's keys for the maximum number of tokens, temperature, top p and stop sequences.
    """
    max_tokens, temperature, top_p = (sampling.get(name) for name in names[:3])
    _within(max_tokens, names[0], 1, 1_000_000)
    _within(temperature, names[1], 0, 1)
    _within(top_p, names[2], 0, 1)
    return InferenceRequest(system, user, max_tokens, temperature, top_p, tuple(sampling.get(names[3], ())))


def read_json_body(body: bytes) -> Any:
    """Return the JSON value of an InvokeModel body."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise _malformed(f"the body is not JSON ({error})") from error


def read_anthropic(value: Any) -> InferenceRequest:
    """Read an Anthropic messages body."""
    types = {
        "anthropic_version": (str,), "max_tokens": (int,), "messages": (list,), "system": (str, list),
        "temperature": (float, int), "top_p": (float, int), "top_k": (int,), "stop_sequences": (list,),
        "output_config": (dict,),
    }  # fmt: skip
    body = _fields(value, "#", types, ("anthropic_version", "max_tokens", "messages"))
    if body["anthropic_version"] != ANTHROPIC_VERSION:
        raise _malformed(f"#/anthropic_version: {body['anthropic_version']!r} is not {ANTHROPIC_VERSION!r}")
    system = _text_of(body.get("system", ""), "#/system", ("type",))
    user = _only_user(body["messages"], ("type",))
    request = _new_request(system, user, body, ("max_tokens", "temperature", "top_p", "stop_sequences"))
    return replace(request, schema=_anthropic_schema(body.get("output_config")))


def _anthropic_schema(config: Any) -> Mapping[str, Any] | None:
    if config is None:
        return None
    form = _fields(config, "#/output_config", {"format": (dict,)}, ("format",))["format"]
    read = _fields(form, "#/output_config/format", {"type": (str,), "schema": (dict,)}, ("type", "schema"))
    return _checked_schema(read["type"], read["schema"])


def _converse_schema(config: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if config is None:
        return None
    if set(config) != {"textFormat"}:
        raise ValidationException(f"The simulated models do not support outputConfig with {', '.join(sorted(config))}.")
    form = config["textFormat"]
    return _checked_schema(form["type"], read_json_body(form["structure"]["jsonSchema"]["schema"].encode()))


def _checked_schema(kind: str, schema: Any) -> Mapping[str, Any]:
    if kind != "json_schema":
        raise _malformed(f"the output format {kind!r} is not 'json_schema'")
    if not isinstance(schema, dict) or schema.get("type") != "object" or not _is_closed(schema):
        raise _malformed("the schema must describe an object, with additionalProperties: false in every object")
    return schema


def _is_closed(schema: Any) -> bool:
    """Return whether every object in a schema forbids properties that it does not name."""
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return all(_is_closed(part) for part in parts)


def read_nova(value: Any) -> InferenceRequest:
    """Read a Nova messages-v1 body."""
    types = {"schemaVersion": (str,), "system": (list,), "messages": (list,), "inferenceConfig": (dict,)}
    body = _fields(value, "#", types, ("messages",))
    if body.get("schemaVersion", "messages-v1") != "messages-v1":
        raise _malformed(f"#/schemaVersion: {body['schemaVersion']!r} is not 'messages-v1'")
    names = ("maxTokens", "temperature", "topP", "stopSequences")
    sampling_types = {
        "maxTokens": (int,),
        "temperature": (float, int),
        "topP": (float, int),
        "topK": (int,),
        "stopSequences": (list,),
    }
    sampling = _fields(body.get("inferenceConfig", {}), "#/inferenceConfig", sampling_types)
    return _new_request(_text_of(body.get("system", []), "#/system"), _only_user(body["messages"]), sampling, names)


def read_llama(value: Any) -> InferenceRequest:
    """Read a Llama body. The prompt may be plain text or use the Llama 3 chat template."""
    types = {"prompt": (str,), "max_gen_len": (int,), "temperature": (float, int), "top_p": (float, int)}
    body = _fields(value, "#", types, ("prompt",))
    turns = dict(_LLAMA_TURN.findall(body["prompt"])) or {"user": body["prompt"]}
    if "user" not in turns or not set(turns) <= {"system", "user", "assistant"} or turns.get("assistant"):
        raise ValidationException(
            f"The simulated models support one user turn; the prompt has turns of these roles: {sorted(turns)}."
        )
    sampling = {"max_gen_len": LLAMA_DEFAULT_MAX_TOKENS, **body}
    return _new_request(turns.get("system", ""), turns["user"], sampling, ("max_gen_len", "temperature", "top_p", ""))


def read_converse(arguments: dict[str, Any]) -> InferenceRequest:
    """Read the arguments of Converse, or the ``converse`` part of CountTokens."""
    supported = {
        "modelId",
        "messages",
        "system",
        "inferenceConfig",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
        "outputConfig",
    }
    unsupported = sorted(set(arguments) - supported)
    if unsupported:
        raise ValidationException(f"The simulated models do not support {', '.join(unsupported)}.")
    sampling = arguments.get("inferenceConfig", {})
    names = ("maxTokens", "temperature", "topP", "stopSequences")
    system = _text_of(arguments.get("system", []), "#/system")
    request = _new_request(system, _only_user(arguments.get("messages", [])), sampling, names)
    return replace(request, schema=_converse_schema(arguments.get("outputConfig")))


def read_chat_completions(value: Any) -> InferenceRequest:
    """Read a body in the format of OpenAI's chat completions, which models of several providers take."""
    types = {
        "model": (str,), "messages": (list,), "max_tokens": (int,), "max_completion_tokens": (int,),
        "temperature": (float, int), "top_p": (float, int), "stop": (list,), "stream": (bool,),
    }  # fmt: skip
    body = _fields(value, "#", types, ("messages",))
    system = [
        turn for turn in body["messages"] if isinstance(turn, dict) and turn.get("role") in ("system", "developer")
    ]
    others = [turn for turn in body["messages"] if turn not in system]
    sampling = {"max_tokens": body.get("max_completion_tokens"), **body}
    names = ("max_tokens", "temperature", "top_p", "stop")
    text = "\n".join(_text_of(turn.get("content", ""), "#/messages", ("type",)) for turn in system)
    return _new_request(text, _only_user(others, ("type",)), sampling, names)


READERS = {
    "anthropic": read_anthropic,
    "nova": read_nova,
    "llama": read_llama,
    "chat_completions": read_chat_completions,
}


def write_anthropic(answer: InferenceAnswer, model_id: str, call_id: str) -> dict[str, Any]:
    """Return an answer in the format of Anthropic messages."""
    return {
        "model": model_id,
        "id": f"msg_bdrk_{call_id}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens},
    }


def write_nova(answer: InferenceAnswer, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return an answer in Nova's format."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": answer.text}]}},
        "stopReason": answer.stop_reason,
        "usage": _usage(answer),
    }


def write_llama(answer: InferenceAnswer, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return an answer in Llama's format."""
    return {
        "generation": answer.text,
        "prompt_token_count": answer.input_tokens,
        "generation_token_count": answer.output_tokens,
        "stop_reason": "length" if answer.stop_reason == "max_tokens" else "stop",
    }


def write_chat_completions(answer: InferenceAnswer, model_id: str, call_id: str) -> dict[str, Any]:
    """Return an answer in the format of OpenAI's chat completions."""
    usage = {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    message = {"role": "assistant", "content": answer.text}
    finish = "length" if answer.stop_reason == "max_tokens" else "stop"
    return {
        "id": f"chatcmpl-{call_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model_id,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
    }


WRITERS = {
    "anthropic": write_anthropic,
    "nova": write_nova,
    "llama": write_llama,
    "chat_completions": write_chat_completions,
}


def write_converse(answer: InferenceAnswer, latency_ms: int) -> dict[str, Any]:
    """Return an answer in the format of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": answer.text}]}},
        "stopReason": answer.stop_reason,
        "usage": _usage(answer),
        "metrics": {"latencyMs": latency_ms},
    }


def _usage(answer: InferenceAnswer) -> dict[str, int]:
    total = answer.input_tokens + answer.output_tokens
    return {"inputTokens": answer.input_tokens, "outputTokens": answer.output_tokens, "totalTokens": total}
