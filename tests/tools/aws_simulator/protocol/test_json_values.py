"""JSON is read as RFC 8259 defines it: https://www.rfc-editor.org/rfc/rfc8259#section-6 and section 8.2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.aws_simulator.protocol.json_values import DEEPEST, LoneSurrogateError, NumberError, TooDeepError, read_json


def nested(levels: int) -> str:
    return '{"a": [' * (levels // 2) + "1" + "]}" * (levels // 2)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, -1e300, None, True]}, "\U0001f600", [], {"": {}}, 10**400])
def test_json_is_read(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_a_value_may_be_nested_as_deeply_as_the_limit() -> None:
    assert read_json(nested(DEEPEST))
    for levels in (DEEPEST + 2, 5_000, 100_000):
        with pytest.raises(TooDeepError, match="more than 200 levels deep"):
            read_json(nested(levels))


@pytest.mark.parametrize("text", [r'["\ud800"]', r'{"a": {"\udc00": 1}}', r'"a\ud83d"', b'["\xed\xa0\x80"]'])
def test_half_of_a_surrogate_pair_is_refused(text: str | bytes) -> None:
    with pytest.raises(LoneSurrogateError):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[NaN]", "NaN is not a JSON value"),
        ("[Infinity]", "Infinity is not"),
        ("[-Infinity]", "-Infinity is not"),
        ("[1e400]", "the number 1e400 is too large"),
        ("[-1e400]", "the number -1e400 is too large"),
        ("9" * 5_000, "the number 99999"),
    ],
)
def test_numbers_that_cannot_be_read_are_refused(text: str, why: str) -> None:
    with pytest.raises(NumberError, match=why):
        read_json(text)


@pytest.mark.parametrize(("text", "why"), [("{", "Expecting property name"), (b"\xff", "utf-8")])
def test_what_is_no_json_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_json(text)
