"""
Define a request to a model, and the checks that the readers of all formats share.

A reader builds an :class:`InferenceRequest` from a body. It refuses what Bedrock refuses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.aws_simulator.catalog.catalog import ThinkingMode
from tools.aws_simulator.models.conversation import Conversation, Turn
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.runtime.prompt_cache import Prefix


class ModelRefusal(ValidationException):
    """
    An error of the model itself.

    InvokeModel returns the message unchanged. Converse puts "The model returned the following errors: " before it.
    """

    @property
    def code(self) -> str:
        """The error code in the response."""
        return "ValidationException"


@contextmanager
def model_errors(*, through_converse: bool) -> Iterator[None]:
    """
    Change the message of a model's error in the ``with`` block to the message that Converse or InvokeModel returns.

    Source of Converse's message: https://github.com/BerriAI/litellm/issues/13825 and other issues that quote it.
    """
    try:
        yield
    except ModelRefusal as error:
        if through_converse:
            raise ValidationException(f"The model returned the following errors: {error}") from error
        raise


@dataclass(frozen=True)
class ThinkingSettings:
    """How the model is to think. ``budget`` is None if the request does not limit the tokens of thinking."""

    mode: ThinkingMode
    budget: int | None = None
    display: Literal["summarized", "omitted"] | None = None


@dataclass(frozen=True)
class InferenceRequest:
    """
    A request to a model. A value is None if the request does not set it.

    :param prefixes: the beginnings of the request that the prompt cache may hold; empty without cache checkpoints.
    :param named_model: the model that the body names, in addition to the request's path; None if only the path does.
    :param additional_fields: Converse's ``additionalModelRequestFields``, which ``for_model`` applies.
    """

    conversation: Conversation
    max_tokens: int | None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    top_k: int | None = None
    thinking: ThinkingSettings | None = None
    effort: str | None = None
    prefixes: tuple[Prefix, ...] = ()
    through_converse: bool = False
    named_model: str | None = None
    additional_fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def thinks(self) -> bool:
        """Whether the answer begins with thinking."""
        return self.thinking is not None and self.thinking.mode != "disabled"


def malformed(detail: str) -> ModelRefusal:
    """Return the error for a body that does not conform to its format."""
    return ModelRefusal(f"Malformed input request: {detail}, please reformat your input and try again.")


def read_json_body(body: bytes) -> Any:
    """Return the JSON value of an InvokeModel body."""
    try:
        value = read_json(body)
    except ValueError as error:
        raise malformed(f"the body is not JSON ({error})") from error
    return value


Types = Mapping[str, tuple[type, ...]]
# The names of types in Bedrock's error messages. They are Java names, because a Java library checks the bodies.
_NAMES = {str: "String", list: "JSONArray", dict: "JSONObject", int: "Integer", bool: "Boolean", float: "Number"}


def fields(value: Any, where: str, types: Types, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """
    Check that ``value`` is an object with only the keys and types in ``types``, and return it.

    Bedrock checks bodies against JSON schemas. The messages here are those of its checks:
    https://github.com/lobehub/lobehub/issues/5203, https://github.com/langgenius/dify/pull/3326 and
    https://github.com/x3n0cr4735/celi/pull/91
    """
    if not isinstance(value, dict):
        raise _wrong_type(where, (dict,), value)
    for name in required:
        if name not in value:
            raise malformed(f"{where}: required key [{name}] not found")
    for name, member in value.items():
        if name not in types:
            raise malformed(f"{where}: extraneous key [{name}] is not permitted")
        is_wrong_boolean = isinstance(member, bool) and bool not in types[name]
        if not isinstance(member, types[name]) or is_wrong_boolean:
            raise _wrong_type(f"{where}/{name}", types[name], member)
    return value


def _wrong_type(where: str, types: tuple[type, ...], value: Any) -> ModelRefusal:
    expected = _NAMES[float] if float in types else _NAMES[types[0]]
    found = "Null" if value is None else "Double" if isinstance(value, float) else _NAMES[type(value)]
    return malformed(f"{where}: expected type: {expected}, found: {found}")


def sampled(
    conversation: Conversation, sampling: Mapping[str, Any], names: tuple[str, ...], where: str = "#"
) -> InferenceRequest:
    """Check the sampling values, and return the request. The model limits the number of tokens later.

    :param names: the body's keys for the maximum number of tokens, temperature, top p and stop sequences.
    :param where: the place of these keys in the body, for messages.
    """
    max_tokens, temperature, top_p = (sampling.get(name) for name in names[:3])
    _within(max_tokens, f"{where}/{names[0]}", 1, None)
    _within(temperature, f"{where}/{names[1]}", 0, 1)
    _within(top_p, f"{where}/{names[2]}", 0, 1)
    stop_sequences = tuple(sampling.get(names[3]) or ())
    for number, stop in enumerate(stop_sequences):
        if not isinstance(stop, str):
            raise _wrong_type(f"{where}/{names[3]}/{number}", (str,), stop)
    return InferenceRequest(conversation, max_tokens, temperature, top_p, stop_sequences)


def _within(value: float | None, where: str, low: int, high: int | None) -> None:
    """Check a number.

    The message "#/max_gen_len: 8192 is not less or equal to 2048" is in public programs. The message about a number
    that is too small is UNVERIFIED.
    """
    if value is None:
        return
    if not value >= low:  # also refuses NaN, which Python reads from JSON
        raise malformed(f"{where}: {value} is not greater or equal to {low}")
    if high is not None and value > high:
        raise malformed(f"{where}: {value} is not less or equal to {high}")


def check_turns(turns: tuple[Turn, ...]) -> None:
    """
    Check that a conversation starts with the user, and that the roles alternate.

    :raises ValidationException: the user does not have the first turn, or two turns in a row have the same role.
        Sources of both messages: https://repost.aws and issues of langchain-aws.
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
