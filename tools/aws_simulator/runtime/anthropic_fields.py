"""
Check the fields of an Anthropic body: their names and types.

The fields: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html. The
messages are those of pydantic, as https://github.com/BerriAI/litellm/issues/13825 and others quote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.runtime.requests import ModelRefusal

Types = Mapping[str, tuple[type, ...]]

_NONE = type(None)
_CACHE: Types = {"cache_control": (dict, _NONE), "type": (str,)}
BODY: Types = {
    "anthropic_version": (str,), "anthropic_beta": (list,), "max_tokens": (int,), "messages": (list,),
    "system": (str, list), "temperature": (float, int), "top_p": (float, int), "top_k": (int,),
    "stop_sequences": (list,), "tools": (list,), "tool_choice": (dict,), "thinking": (dict,), "metadata": (dict,),
    "output_config": (dict,), "cache_control": (dict,),
}  # fmt: skip
MESSAGE: Types = {"role": (str,), "content": (str, list)}
TOOL: Types = {
    "name": (str,), "description": (str,), "input_schema": (dict,), "cache_control": (dict, _NONE),
    "type": (str, _NONE), "strict": (bool,), "input_examples": (list,), "eager_input_streaming": (bool, _NONE),
}  # fmt: skip
# For each type of content block, the types of its fields, and the required ones.
BLOCKS: dict[str, tuple[Types, tuple[str, ...]]] = {
    "text": ({"text": (str,), "citations": (list, _NONE), **_CACHE}, ("text",)),
    "image": ({"source": (dict,), **_CACHE}, ("source",)),
    "document": (
        {
            "source": (dict,),
            "title": (str, _NONE),
            "context": (str, _NONE),
            "citations": (dict, _NONE),
            **_CACHE,
        },
        ("source",),
    ),
    "search_result": (
        {"content": (list,), "source": (str,), "title": (str,), "citations": (dict, _NONE), **_CACHE},
        ("content", "source", "title"),
    ),
    "tool_use": (
        {"id": (str,), "name": (str,), "input": (dict,), "caller": (dict,), **_CACHE},
        ("id", "name", "input"),
    ),
    "tool_result": (
        {"tool_use_id": (str,), "content": (str, list, _NONE), "is_error": (bool, _NONE), **_CACHE},
        ("tool_use_id",),
    ),
    "thinking": ({"thinking": (str,), "signature": (str,), "type": (str,)}, ("signature", "thinking")),
    "redacted_thinking": ({"data": (str,), "type": (str,)}, ("data",)),
}
_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "dictionary or object to extract fields from",
}


def checked(value: Any, where: str, types: Types, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check that ``value`` is an object with only the keys and types in ``types``, and return it."""
    prefix = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise ModelRefusal(f"{where or 'body'}: Input should be a valid {_NAMES[dict]}")
    for name in required:
        if name not in value:
            raise ModelRefusal(f"{prefix}{name}: Field required")
    for name, member in value.items():
        if name not in types:
            raise ModelRefusal(f"{prefix}{name}: Extra inputs are not permitted")
        if not isinstance(member, types[name]) or (isinstance(member, bool) and bool not in types[name]):
            raise ModelRefusal(f"{prefix}{name}: Input should be a valid {_NAMES[types[name][0]]}")
    _check_cache_control(value.get("cache_control"), prefix)
    return value


def _check_cache_control(control: Any, prefix: str) -> None:
    if control is None:
        return
    where = f"{prefix}cache_control"
    if control.get("type") != "ephemeral":
        raise ModelRefusal(
            f"{where}: Input tag '{control.get('type')}' found using 'type' does not match any of the expected tags:"
            " 'ephemeral'"
        )
    if control.get("ttl", "5m") not in ("5m", "1h"):
        raise ModelRefusal(f"{where}.ephemeral.ttl: Input should be '5m' or '1h'")
    if extra := sorted(set(control) - {"type", "ttl"}):
        raise ModelRefusal(f"{where}.ephemeral.{extra[0]}: Extra inputs are not permitted")


def checked_strings(body: Mapping[str, Any], name: str) -> None:
    """Check that a list has only strings."""
    for number, member in enumerate(body.get(name) or ()):
        if not isinstance(member, str):
            raise ModelRefusal(f"{name}.{number}: Input should be a valid string")


def checked_range(body: Mapping[str, Any], ranges: Mapping[str, tuple[float | None, float | None]]) -> None:
    """Check that numbers are within their ranges, ends included."""
    for name, (low, high) in ranges.items():
        value = body.get(name)
        if value is not None and low is not None and value < low:
            raise ModelRefusal(f"{name}: Input should be greater than or equal to {low:g}")
        if value is not None and high is not None and value > high:
            raise ModelRefusal(f"{name}: Input should be less than or equal to {high:g}")
