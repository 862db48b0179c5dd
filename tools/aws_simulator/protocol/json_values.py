"""
Read JSON texts strictly: refuse NaN, Infinity, halves of surrogate pairs, and values that are nested too deeply.

RFC 8259 has no NaN and no Infinity, but Python's parser accepts both. It also reads 1e400 as infinity.
"""

from __future__ import annotations

import json
import math
from typing import Any

# AWS documents no limit. The simulator has one, because its functions would exceed Python's recursion limit.
DEEPEST = 200
_TOO_DEEP = f"the value is nested more than {DEEPEST} levels deep, which is the limit of the AWS simulator"


class TooDeepError(ValueError):
    """A value is nested too deeply."""


class NumberError(ValueError):
    """A number is NaN, infinite or too large. The rest of the text may or may not be JSON."""


class LoneSurrogateError(ValueError):
    """A text has half of a surrogate pair, which no response could repeat."""


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    :raises TooDeepError: the value is nested too deeply.
    :raises NumberError: a number cannot be read.
    :raises LoneSurrogateError: a text in the value has half of a surrogate pair.
    :raises ValueError: the text is not JSON. The message says why.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise TooDeepError(_TOO_DEEP) from None
    level = [value]
    for _ in range(DEEPEST + 1):
        for part in level:
            _check_texts(part)
        level = [inner for part in level for inner in _members(part)]
        if not level:
            return value
    raise TooDeepError(_TOO_DEEP)


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_texts(value: Any) -> None:
    """Check a string or the keys of an object."""
    for text in value if isinstance(value, dict) else [value]:
        try:
            _ = isinstance(text, str) and text.encode()
        except UnicodeEncodeError:
            raise LoneSurrogateError("no low surrogate in string") from None


def _refuse_constant(name: str) -> float:
    raise NumberError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NumberError(f"the number {text[:50]} is too large")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python reads at most 4,300 digits
        raise NumberError(f"the number {text[:50]} is too large") from None
