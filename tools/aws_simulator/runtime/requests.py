"""
Define a request to a model, and the checks that the readers of all formats share.

A reader builds an :class:`InferenceRequest` from a body. It refuses what Bedrock refuses.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from tools.aws_simulator.models.conversation import Conversation, Turn
from tools.aws_simulator.protocol.errors import ValidationException


@dataclass(frozen=True)
class InferenceRequest:
    """A request to a model. ``max_tokens`` is None if the request does not set it."""

    conversation: Conversation
    max_tokens: int | None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()


def malformed(detail: str) -> ValidationException:
    """Return the error for a body that does not have the form of its format."""
    return ValidationException(f"Malformed input request: {detail}, please reformat your input and try again.")


def read_json_body(body: bytes) -> Any:
    """Return the JSON value of an InvokeModel body."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise malformed(f"the body is not JSON ({error})") from error


Types = Mapping[str, tuple[type, ...]]


def fields(value: Any, where: str, types: Types, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the object ``value``, checked: its keys are those of ``types``, and its values have these types."""
    if not isinstance(value, dict):
        raise malformed(f"{where}: expected an object, found {type(value).__name__}")
    for name in required:
        if name not in value:
            raise malformed(f"{where}: required key [{name}] not found")
    for name, member in value.items():
        if name not in types:
            raise malformed(f"{where}: extraneous key [{name}] is not permitted")
        is_wrong_boolean = isinstance(member, bool) and bool not in types[name]
        if not isinstance(member, types[name]) or is_wrong_boolean:
            raise malformed(f"{where}/{name}: expected {types[name][0].__name__}, found {type(member).__name__}")
    return value


def sampled(conversation: Conversation, sampling: Mapping[str, Any], names: tuple[str, ...]) -> InferenceRequest:
    """Check the sampling values, and return the request.

    :param names: the body's keys for the maximum number of tokens, temperature, top p and stop sequences.
    """
    max_tokens, temperature, top_p = (sampling.get(name) for name in names[:3])
    _within(max_tokens, names[0], 1, 1_000_000)
    _within(temperature, names[1], 0, 1)
    _within(top_p, names[2], 0, 1)
    return InferenceRequest(conversation, max_tokens, temperature, top_p, tuple(sampling.get(names[3]) or ()))


def _within(value: float | None, name: str, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise malformed(f"#/{name}: {value} is not between {low:g} and {high:g}")


def check_turns(turns: tuple[Turn, ...]) -> None:
    """
    Check that a conversation starts with the user, and that the roles alternate.

    :raises ValidationException: with Bedrock's message. Source: https://repost.aws and the issues of langchain-aws that
        quote both messages.
    """
    if not turns or turns[0].role != "user":
        raise ValidationException(
            "A conversation must start with a user message. Try again with a conversation that starts with a user"
            " message."
        )
    if any(first.role == second.role for first, second in itertools.pairwise(turns)):
        raise ValidationException(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates"
            " between user and assistant roles and try again."
        )


def checked_schema(kind: str, schema: Any) -> Mapping[str, Any]:
    """Return the JSON schema of a request, if structured outputs support it."""
    if kind != "json_schema":
        raise malformed(f"the output format {kind!r} is not 'json_schema'")
    if not isinstance(schema, dict) or schema.get("type") != "object" or not _is_closed(schema):
        raise malformed("the schema must describe an object, with additionalProperties: false in every object")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise malformed(f"the schema is invalid: {error.message}") from error
    return schema


def _is_closed(schema: Any) -> bool:
    """Return whether every object in a schema forbids properties that it does not name."""
    if isinstance(schema, list):
        return all(_is_closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    return all(_is_closed(part) for name, part in schema.items() if name not in ("enum", "const", "default"))
