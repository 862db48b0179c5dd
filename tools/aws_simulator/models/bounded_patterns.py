"""
Check JSON values against schemas with regular expressions, in a bounded number of steps.

Python's engine tries all ways to match, which can take years for a pattern such as ``(a+)+$``. The engine of pydantic
never tries a character twice in the same state: https://docs.rs/regex/latest/regex/#untrusted-input. It supports
neither lookarounds nor backreferences. Python's engine is therefore used for patterns that have them, and for property
names, which ``patternProperties`` and similar keywords check. A check that could need too many steps is refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from re import _parser as parser  # type: ignore[attr-defined] # Python's only parser of regular expressions
from typing import Annotated, Any

import jsonschema
from pydantic import Field, TypeAdapter

_MOST_STEPS = 100_000_000
_MOST_STEPS_OF_A_TEXT = 5_000_000
_STEPS_OF_A_CALL = 2_000
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_NAMES = ("patternProperties", "additionalProperties", "unevaluatedProperties")
_LITERALS = ("const", "enum", "default", "examples")
FORMATS = jsonschema.Draft202012Validator.FORMAT_CHECKER
# Syntax that the two engines read differently: sets inside sets, and possessive repetitions.
_AMBIGUOUS = re.compile(r"&&|--|~~|\[[^\]\\]*\[|[*+?}]\+")


class CostlyPatternError(Exception):
    """A check of a text against a pattern could take too long. The message names the pattern."""


class _Estimate:
    """
    An upper bound for the number of steps that it takes to match a pattern.

    :ivar size: number of characters and sets in the pattern, with its repetitions written out.
    :ivar parts: two numbers for the pattern, and two for each lookaround. The first is the number of choices that are
        made once: the length of a repetition, or an alternative. The second is the number of choices that are inside a
        repetition and are made again in every round.
    """

    def __init__(self, pattern: str) -> None:
        self.parts: list[tuple[int, int]] = []
        self.size = self._part(parser.parse(pattern), 0)

    def _part(self, parsed: Any, before: int) -> int:
        self._lengths, self._choices = before, 0
        size = self._walk(parsed, repeated=False)
        self.parts.append((self._lengths, self._choices))
        return size

    def _walk(self, parsed: Any, *, repeated: bool) -> int:
        size = 1
        for token, value in parsed:
            name = str(token)
            if name in _REPEATS:
                low, high = int(value[0]), int(value[1])
                self._choose(1 if low != high else 0, repeated=repeated)
                times = low + 1 if high == int(parser.MAXREPEAT) else high
                size += max(times, 1) * self._walk(value[2], repeated=repeated or high > 1)
            elif name == "BRANCH":
                self._choose(len(value[1]), repeated=repeated)
                size += sum(self._walk(option, repeated=repeated) for option in value[1])
            elif name in ("ASSERT", "ASSERT_NOT"):
                lengths, choices = self._lengths, self._choices
                size += self._part(value[1], lengths)
                self._lengths, self._choices = lengths, choices
            elif name == "GROUPREF_EXISTS":
                self._choose(1, repeated=repeated)
                size += sum(self._walk(option, repeated=repeated) for option in value[1:] if option is not None)
            elif name in ("SUBPATTERN", "ATOMIC_GROUP"):
                size += self._walk(value[-1] if name == "SUBPATTERN" else value, repeated=repeated)
            else:
                size += len(value) if name == "IN" else 1
        return size

    def _choose(self, choices: int, *, repeated: bool) -> None:
        if repeated:
            self._choices += choices
        else:
            self._lengths += min(choices, 1)

    def steps(self, length: int) -> int:
        """Return how many steps Python's engine needs at most for a text of this length."""
        positions = length + 1
        ways = 0
        for lengths, choices in self.parts:
            ways += positions ** (lengths + 1) * ((choices + 1) ** positions if choices else 1)
        return self.size * ways


_estimate = functools.lru_cache(maxsize=1024)(_Estimate)


@functools.lru_cache(maxsize=32)  # a compiled pattern can take 10 MB of memory
def _linear(pattern: str) -> Callable[[str], bool] | None:
    """Return the check by pydantic's engine; None if it does not support the pattern or may read it differently."""
    if _AMBIGUOUS.search(pattern):
        return None
    try:
        adapter = TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except Exception:  # pydantic has no public name for its error
        return None
    return adapter.validator.isinstance_python


class BoundedPatterns:
    """Checks texts and values until the number of steps allowed for one answer is used up."""

    def __init__(self) -> None:
        self._steps = 0

    def matches(self, pattern: str, text: str) -> bool:
        """
        Return whether a part of ``text`` matches ``pattern``.

        :raises CostlyPatternError: the check could take too long.
        :raises re.error: ``pattern`` is not a regular expression.
        """
        linear = _linear(pattern)
        if linear is not None:
            self._spend(pattern, (len(text) + 1) * _estimate(pattern).size)
            return linear(text)
        self._allow(pattern, text)
        return re.search(pattern, text) is not None

    def validator(self, schema: Mapping[str, Any], format_checker: jsonschema.FormatChecker | None = FORMATS) -> Any:
        """
        Return a validator whose methods raise CostlyPatternError if a check could take too long.

        :param schema: a schema that :func:`without_dialects` returned.
        """
        patterns = list(_name_patterns(schema))
        kind: Any = jsonschema.Draft202012Validator
        changed = {name: self._guarded(kind.VALIDATORS[name], patterns) for name in _NAMES if patterns}
        extended: Any = jsonschema.validators.extend(kind, {**changed, "pattern": self._pattern})
        return extended(schema, format_checker=format_checker)

    def _pattern(self, _: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not self.matches(pattern, instance):
            yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")

    def _guarded(self, keyword: Any, patterns: list[str]) -> Any:
        """Return a jsonschema keyword that first refuses property names whose check could take too long."""

        def guarded(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            for name in instance if isinstance(instance, dict) else ():
                for pattern in patterns:
                    self._allow(pattern, name)
            yield from keyword(validator, value, instance, schema) or ()

        return guarded

    def _allow(self, pattern: str, text: str) -> None:
        """Check that Python's engine cannot take too long to compare a text with a pattern."""
        steps = _estimate(pattern).steps(len(text))
        if steps > _MOST_STEPS_OF_A_TEXT:
            raise CostlyPatternError(
                f"the pattern {pattern[:100]!r} could take too long to check on a text of {len(text)} characters"
            )
        self._spend(pattern, steps)

    def _spend(self, pattern: str, steps: int) -> None:
        self._steps += steps + _STEPS_OF_A_CALL
        if self._steps > _MOST_STEPS:
            raise CostlyPatternError(f"the patterns of the schema, such as {pattern[:100]!r}, take too long to check")


def _name_patterns(schema: Any) -> Iterator[str]:
    """Yield all patterns that a schema compares property names with."""
    for name, member in schema.items() if isinstance(schema, Mapping) else ():
        if name == "patternProperties" and isinstance(member, Mapping):
            yield from member
        if name not in _LITERALS:
            yield from _name_patterns(member)
    for member in schema if isinstance(schema, list) else ():
        yield from _name_patterns(member)


def without_dialects(schema: Any) -> Any:
    """Return a schema without ``$schema``, because jsonschema would use a validator of its own for that dialect."""
    if isinstance(schema, list):
        return [without_dialects(member) for member in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: member if name in _LITERALS else without_dialects(member)
        for name, member in schema.items()
        if name != "$schema" or not isinstance(member, str)
    }
