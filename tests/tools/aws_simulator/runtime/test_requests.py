"""The checks that all readers share refuse what Bedrock refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.models.conversation import Text, Turn, single
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.requests import check_turns, fields, read_json_body, sampled

NAMES = ("max_tokens", "temperature", "top_p", "stop")


def turns(*roles: Any) -> tuple[Turn, ...]:
    return tuple(Turn(role, (Text("x"),)) for role in roles)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param([], "#: expected type: JSONObject, found: JSONArray", id="a list"),
        pytest.param({}, "#: required key [name] not found", id="a missing key"),
        pytest.param({"name": "x", "size": 1}, "#: extraneous key [size] is not permitted", id="an unknown key"),
        pytest.param({"name": 1}, "#/name: expected type: String, found: Integer", id="a wrong type"),
        pytest.param({"name": None}, "#/name: expected type: String, found: Null", id="a null"),
        pytest.param(
            {"name": "x", "count": True}, "#/count: expected type: Integer, found: Boolean", id="a boolean for a number"
        ),
        pytest.param({"name": "x", "count": 1.5}, "#/count: expected type: Integer, found: Double", id="a fraction"),
        pytest.param({"name": "x", "part": {}}, "#/part: expected type: Number, found: JSONObject", id="an object"),
    ],
)
def test_an_object_that_breaks_its_form_is_refused(value: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match="Malformed input request") as caught:
        fields(value, "#", {"name": (str,), "count": (int,), "part": (int, float)}, ("name",))
    assert complaint in str(caught.value)


def test_an_object_that_has_its_form_is_returned() -> None:
    value = {"name": "x", "count": 1}
    assert fields(value, "#", {"name": (str,), "count": (int,)}, ("name",)) is value


def test_a_body_is_read_as_json() -> None:
    assert read_json_body(b'{"a": 1}') == {"a": 1}
    with pytest.raises(ValidationException, match="not JSON"):
        read_json_body(b"{")


def test_sampling_values_are_read_and_checked() -> None:
    given = {"max_tokens": 5, "temperature": 0.5, "top_p": 1, "stop": ["a"]}
    request = sampled(single("", "x"), given, NAMES)
    assert (request.max_tokens, request.temperature, request.top_p, request.stop_sequences) == (5, 0.5, 1, ("a",))


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("max_tokens", 0, "greater or equal to 1"),
        ("temperature", 1.5, "less or equal to 1"),
        ("temperature", -1, "greater or equal to 0"),
        ("temperature", float("nan"), "greater or equal to 0"),
        ("top_p", 2, "less or equal to 1"),
    ],
)
def test_sampling_values_outside_their_range_are_refused(name: str, value: float, limit: str) -> None:
    with pytest.raises(ValidationException, match=f"#/config/{name}: {value} is not {limit}"):
        sampled(single("", "x"), {name: value}, NAMES, "#/config")


def test_the_model_limits_the_tokens_and_not_the_body() -> None:
    assert sampled(single("", "x"), {"max_tokens": 10**30}, NAMES).max_tokens == 10**30


@pytest.mark.parametrize("roles", [("user",), ("user", "assistant", "user"), ("user", "assistant")])
def test_a_conversation_may_have_several_turns(roles: tuple[str, ...]) -> None:
    check_turns(turns(*roles))


@pytest.mark.parametrize(
    ("roles", "complaint"),
    [
        ((), "must start with a user message"),
        (("assistant", "user"), "must start with a user message"),
        (("user", "user"), "must alternate between user and assistant roles"),
    ],
)
def test_a_conversation_in_another_order_is_refused(roles: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ValidationException, match=complaint):
        check_turns(turns(*roles))
