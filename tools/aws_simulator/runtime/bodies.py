"""
The bodies that models are asked with and answer in: Anthropic messages, Nova messages-v1, Llama prompts, Converse.

Each reader turns a body into one :class:`Ask` and each writer a :class:`Said` into a body. A key that real models
know and the simulated ones cannot honour (tools, images, several turns) is refused, never dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tools.aws_simulator.protocol.errors import ValidationException

ANTHROPIC_VERSION = "bedrock-2023-05-31"
# What an unset maximum reserves from the token quota: the models' own maximum, which is why one sets it.
UNSET_MAX_TOKENS = {"anthropic": 64_000, "amazon": 10_000, "meta": 8_192}
LLAMA_DEFAULT_MAX_TOKENS = 512
_LLAMA_TURN = re.compile(
    r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)\s*(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL
)


@dataclass(frozen=True)
class Ask:
    """One question. ``max_tokens`` None means that the request does not set it."""

    system: str
    user: str
    max_tokens: int | None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Said:
    """One answer; ``stop_reason`` in the words of Converse."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None


def _refuse(detail: str) -> ValidationException:
    return ValidationException(f"Malformed input request: {detail}, please reformat your input and try again.")


def _fields(
    value: Any, where: str, known: Mapping[str, tuple[type, ...]], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refuse(f"{where}: expected an object, found {type(value).__name__}")
    for name in required:
        if name not in value:
            raise _refuse(f"{where}: required key [{name}] not found")
    for name, member in value.items():
        if name not in known:
            raise _refuse(f"{where}: extraneous key [{name}] is not permitted")
        if not isinstance(member, known[name]) or isinstance(member, bool):
            raise _refuse(f"{where}/{name}: expected {known[name][0].__name__}, found {type(member).__name__}")
    return value


def _text_of(value: Any, where: str, extra: tuple[str, ...] = ()) -> str:
    """Return the text of a string or of a list of text blocks."""
    if isinstance(value, str):
        return value
    known = dict.fromkeys(("text", *extra), (str,))
    return "\n".join(_fields(block, f"{where}/{index}", known, ("text",))["text"] for index, block in enumerate(value))


def _only_user(messages: list[Any], extra: tuple[str, ...] = ()) -> str:
    known: dict[str, tuple[type, ...]] = {"role": (str,), "content": (str, list)}
    read = [_fields(message, f"#/messages/{i}", known, ("role", "content")) for i, message in enumerate(messages)]
    roles = [message["role"] for message in read]
    if roles != ["user"]:
        raise ValidationException(f"The simulated models take exactly one user message; the roles given are {roles}.")
    return _text_of(read[0]["content"], "#/messages/0/content", extra)


def _within(value: float | None, name: str, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise _refuse(f"#/{name}: {value} is not between {low:g} and {high:g}")


def _ask(system: str, user: str, sampling: dict[str, Any], names: tuple[str, str, str, str]) -> Ask:
    """Return the checked question; ``names`` are the body's words for max tokens, temperature, top p, stops."""
    max_tokens, temperature, top_p = (sampling.get(name) for name in names[:3])
    _within(max_tokens, names[0], 1, 1_000_000)
    _within(temperature, names[1], 0, 1)
    _within(top_p, names[2], 0, 1)
    return Ask(system, user, max_tokens, temperature, top_p, tuple(sampling.get(names[3], ())))


def read_json_body(body: bytes) -> Any:
    """Return the JSON value of an InvokeModel body."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise _refuse(f"the body is not JSON ({error})") from error


def read_anthropic(value: Any) -> Ask:
    """Read an Anthropic messages body."""
    known = {
        "anthropic_version": (str,), "max_tokens": (int,), "messages": (list,), "system": (str, list),
        "temperature": (float, int), "top_p": (float, int), "top_k": (int,), "stop_sequences": (list,),
        "output_config": (dict,),
    }  # fmt: skip
    body = _fields(value, "#", known, ("anthropic_version", "max_tokens", "messages"))
    if body["anthropic_version"] != ANTHROPIC_VERSION:
        raise _refuse(f"#/anthropic_version: {body['anthropic_version']!r} is not {ANTHROPIC_VERSION!r}")
    system = _text_of(body.get("system", ""), "#/system", ("type",))
    user = _only_user(body["messages"], ("type",))
    asked = _ask(system, user, body, ("max_tokens", "temperature", "top_p", "stop_sequences"))
    return replace(asked, schema=_anthropic_schema(body.get("output_config")))


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
        raise ValidationException(f"The simulated models cannot honour outputConfig with {', '.join(sorted(config))}.")
    form = config["textFormat"]
    return _checked_schema(form["type"], read_json_body(form["structure"]["jsonSchema"]["schema"].encode()))


def _checked_schema(kind: str, schema: Any) -> Mapping[str, Any]:
    if kind != "json_schema":
        raise _refuse(f"the output format {kind!r} is not 'json_schema'")
    if not isinstance(schema, dict) or schema.get("type") != "object" or not _is_closed(schema):
        raise _refuse("the schema must be an object's, with additionalProperties: false in every object")
    return schema


def _is_closed(schema: Any) -> bool:
    """Tell whether no object in a schema takes other properties than those it names."""
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return all(_is_closed(part) for part in parts)


def read_nova(value: Any) -> Ask:
    """Read a Nova messages-v1 body."""
    known = {"schemaVersion": (str,), "system": (list,), "messages": (list,), "inferenceConfig": (dict,)}
    body = _fields(value, "#", known, ("messages",))
    if body.get("schemaVersion", "messages-v1") != "messages-v1":
        raise _refuse(f"#/schemaVersion: {body['schemaVersion']!r} is not 'messages-v1'")
    names = ("maxTokens", "temperature", "topP", "stopSequences")
    sampling_types = {
        "maxTokens": (int,),
        "temperature": (float, int),
        "topP": (float, int),
        "topK": (int,),
        "stopSequences": (list,),
    }
    sampling = _fields(body.get("inferenceConfig", {}), "#/inferenceConfig", sampling_types)
    return _ask(_text_of(body.get("system", []), "#/system"), _only_user(body["messages"]), sampling, names)


def read_llama(value: Any) -> Ask:
    """Read a Llama body; the prompt may be plain or written in the Llama 3 chat template."""
    known = {"prompt": (str,), "max_gen_len": (int,), "temperature": (float, int), "top_p": (float, int)}
    body = _fields(value, "#", known, ("prompt",))
    turns = dict(_LLAMA_TURN.findall(body["prompt"])) or {"user": body["prompt"]}
    if "user" not in turns or not set(turns) <= {"system", "user", "assistant"} or turns.get("assistant"):
        raise ValidationException(
            f"The simulated models take one user turn; the prompt's template has {sorted(turns)}."
        )
    sampling = {"max_gen_len": LLAMA_DEFAULT_MAX_TOKENS, **body}
    return _ask(turns.get("system", ""), turns["user"], sampling, ("max_gen_len", "temperature", "top_p", ""))


def read_converse(arguments: dict[str, Any]) -> Ask:
    """Read the arguments of Converse, or the ``converse`` of CountTokens."""
    understood = {
        "modelId",
        "messages",
        "system",
        "inferenceConfig",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
        "outputConfig",
    }
    beyond = sorted(set(arguments) - understood)
    if beyond:
        raise ValidationException(f"The simulated models cannot honour {', '.join(beyond)}.")
    sampling = arguments.get("inferenceConfig", {})
    names = ("maxTokens", "temperature", "topP", "stopSequences")
    system = _text_of(arguments.get("system", []), "#/system")
    asked = _ask(system, _only_user(arguments.get("messages", [])), sampling, names)
    return replace(asked, schema=_converse_schema(arguments.get("outputConfig")))


READERS = {"anthropic": read_anthropic, "amazon": read_nova, "meta": read_llama}


def write_anthropic(said: Said, model_id: str, call_id: str) -> dict[str, Any]:
    """Return an Anthropic messages answer."""
    return {
        "model": model_id,
        "id": f"msg_bdrk_{call_id}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": said.text}],
        "stop_reason": said.stop_reason,
        "stop_sequence": said.stop_sequence,
        "usage": {"input_tokens": said.input_tokens, "output_tokens": said.output_tokens},
    }


def write_nova(said: Said, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a Nova answer."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": said.text}]}},
        "stopReason": said.stop_reason,
        "usage": _usage(said),
    }


def write_llama(said: Said, _model_id: str, _call_id: str) -> dict[str, Any]:
    """Return a Llama answer."""
    return {
        "generation": said.text,
        "prompt_token_count": said.input_tokens,
        "generation_token_count": said.output_tokens,
        "stop_reason": "length" if said.stop_reason == "max_tokens" else "stop",
    }


WRITERS = {"anthropic": write_anthropic, "amazon": write_nova, "meta": write_llama}


def write_converse(said: Said, latency_ms: int) -> dict[str, Any]:
    """Return the result of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": said.text}]}},
        "stopReason": said.stop_reason,
        "usage": _usage(said),
        "metrics": {"latencyMs": latency_ms},
    }


def _usage(said: Said) -> dict[str, int]:
    total = said.input_tokens + said.output_tokens
    return {"inputTokens": said.input_tokens, "outputTokens": said.output_tokens, "totalTokens": total}
