"""
Evaluate the element Condition of an IAM policy statement.

A Condition holds if every operator holds for each of its keys. The values of one key are alternatives: one
of them must match. For a negated operator such as ``StringNotEquals``, none of them may match.

If the request does not have the key, these operators hold: a negated operator without a quantifier, an operator with
``IfExists``, an operator with the quantifier ``ForAllValues``, and ``Null`` with the value ``true``. No others hold.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import datetime
import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.aws_simulator.access.patterns import matches, matches_arn, plain

Context = Mapping[str, str | Sequence[str]]
Test = Callable[[str, str], bool]  # arguments: the value in the policy, the value in the request


class PolicyError(ValueError):
    """A policy has an element that AWS does not accept."""


def _date(text: str) -> datetime.datetime:
    if text.lstrip("-").isdigit():
        return datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC)
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _comparison(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    def test(expected: str, actual: str) -> bool:
        try:
            return compare(read(actual), read(expected))
        except ValueError:
            return False

    return test


def _in_network(expected: str, actual: str) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)
    except ValueError:
        return False


def _family(prefix: str, read: Callable[[str], Any]) -> dict[str, Test]:
    comparisons = {
        "Equals": operator.eq,
        "LessThan": operator.lt,
        "LessThanEquals": operator.le,
        "GreaterThan": operator.gt,
        "GreaterThanEquals": operator.ge,
    }
    return {f"{prefix}{name}": _comparison(read, compare) for name, compare in comparisons.items()}


_TESTS: dict[str, Test] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda expected, actual: expected.casefold() == actual.casefold(),
    "StringLike": matches,
    "Bool": lambda expected, actual: expected.lower() == actual.lower(),
    "BinaryEquals": operator.eq,
    "IpAddress": _in_network,
    "ArnEquals": matches_arn,
    "ArnLike": matches_arn,
    **_family("Numeric", float),
    **_family("Date", _date),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_WITH_WILDCARDS = ("StringLike", "StringNotLike", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike")
_QUANTIFIERS = ("ForAllValues", "ForAnyValue")


def listed(value: object) -> list[str]:
    """Return a policy's value or list of values as a list of texts. JSON booleans become ``true`` and ``false``."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]


def holds(
    condition: Mapping[str, Mapping[str, object]], context: Context, resolve: Callable[[str], str | None]
) -> bool:
    """Return whether all parts of ``condition`` hold.

    :param resolve: returns a value of the policy with its variables replaced; None if a variable has no value.
    :raises PolicyError: an operator does not exist.
    """
    values = {name.lower(): listed(value) for name, value in context.items()}
    return all(
        _holds(name, [resolve(text) for text in listed(expected)], values.get(key.lower()))
        for name, keys in condition.items()
        for key, expected in keys.items()
    )


def check_condition(condition: object) -> None:
    """Check that a Condition has known operators, and values for each of its keys.

    :raises PolicyError: AWS does not accept the Condition.
    """
    if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
        raise PolicyError("Condition is not an object of objects")
    for name, keys in condition.items():
        quantifier, _, rest = name.rpartition(":")
        base = rest.removesuffix("IfExists")
        known = base in _TESTS or base in _NEGATED or rest == "Null"
        if not known or (quantifier and quantifier not in _QUANTIFIERS):
            raise PolicyError(f"Invalid Condition type : {name}")
        for value in keys.values():
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | bool | int | float) for item in values):
                raise PolicyError(f"Invalid value of the condition operator {name}")


def _holds(name: str, expected: list[str | None], actual: list[str] | None) -> bool:
    quantifier, _, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    if quantifier and quantifier not in _QUANTIFIERS:
        raise PolicyError(f"Invalid condition operator: {name}")
    if base == "Null":
        return any(text is not None and (text.lower() == "true") == (actual is None) for text in expected)
    test, negated = _TESTS.get(_NEGATED.get(base, base)), base in _NEGATED
    if test is None:
        raise PolicyError(f"Invalid condition operator: {name}")
    if not actual:
        return quantifier == "ForAllValues" or base != rest or (negated and not quantifier)
    if base not in _WITH_WILDCARDS:
        expected = [None if text is None else plain(text) for text in expected]
    results = [any(text is not None and test(text, value) for text in expected) != negated for value in actual]
    return any(results) if quantifier == "ForAnyValue" else all(results)
