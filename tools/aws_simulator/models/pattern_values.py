"""
Make a text that a regular expression matches.

The first text takes the first alternative everywhere (the ``a`` of ``a|b``) and repeats as little as possible. The
other texts repeat more often, or take other alternatives. Lookarounds are ignored, so a caller must check the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _parser as parser  # type: ignore[attr-defined] # Python's only parser of regular expressions
from typing import Any

_CHARACTERS = "a1A_- .0bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ23456789,:;/@é"
_FEW, _MANY, _LONGEST = 8, 40, 1000
_MOST_TOKENS, _MOST_TOKENS_OF_ALL = 10_000, 1_000_000


class Budget:
    """The number of parts of patterns that may still be written as text. All texts of an answer share it."""

    def __init__(self) -> None:
        self.left = _MOST_TOKENS_OF_ALL


def texts_for(pattern: str, length: int = 0, budget: Budget | None = None) -> Iterator[str]:
    """Yield texts that ``pattern`` should match, the shortest ones first; nothing if it is not a regular expression.

    For each length, there are several texts, which differ in their characters if the pattern allows that.

    :param length: the minimum length that the text should have.
    :param budget: when it is used up, no more texts are made.
    """
    try:
        parsed = parser.parse(pattern)
    except (re.error, RecursionError):
        return
    # Each attempt adds another number of rounds to the minimum of every repetition.
    wanted, budget, members = min(length, _LONGEST), budget or Budget(), dict[int, list[str]]()
    for more in (*range(_FEW), *range(max(_FEW, wanted - _MANY), wanted + 1), _MANY):
        for choice in range(8):
            if budget.left <= 0:
                return
            writer = _Writer(more, choice, members)
            try:
                yield writer.write(parsed)
            except _TooLongError:
                continue
            finally:
                budget.left -= writer.tokens


class _TooLongError(Exception):
    """A text would be too long to be made in a short time."""


class _Writer:
    """
    Writes one text.

    :param more: number of rounds to add to the minimum of every repetition.
    :param choice: the index of the character or alternative to take wherever the pattern allows several.
    :param members: the characters of the classes that were already written, by the id of the class.
    """

    def __init__(self, more: int, choice: int, members: dict[int, list[str]]) -> None:
        self._members = members
        self._more = more
        self._choice = choice
        self._groups: dict[int, str] = {}
        self.tokens = 0

    def write(self, parsed: Any) -> str:
        self.tokens += 1 + len(parsed)
        if self.tokens > _MOST_TOKENS:
            raise _TooLongError
        return "".join(self._token(str(name), value) for name, value in parsed)

    def _token(self, name: str, value: Any) -> str:
        if name == "LITERAL":
            return chr(value)
        if name == "NOT_LITERAL":
            return self._one_of([character for character in _CHARACTERS if ord(character) != value])
        if name == "ANY":
            return self._one_of(list(_CHARACTERS))
        if name == "IN":
            if id(value) not in self._members:
                self._members[id(value)] = _members(value)
            return self._one_of(self._members[id(value)])
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, repeated = value
            return "".join(self.write(repeated) for _ in range(min(int(high), int(low) + self._more)))
        if name == "SUBPATTERN":
            self._groups[value[0]] = self.write(value[-1])
            return self._groups[value[0]]
        if name == "BRANCH":
            return self.write(value[1][self._choice % len(value[1])])
        if name == "ATOMIC_GROUP":
            return self.write(value)
        return self._groups.get(value, "") if name == "GROUPREF" else ""  # other parts, such as ^, match no character

    def _one_of(self, characters: list[str]) -> str:
        return characters[self._choice % len(characters)] if characters else ""


def _members(items: Any) -> list[str]:
    """Return characters that a class such as ``[a-z]`` contains."""
    inside: list[str] = []
    is_negated = False
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            is_negated = True
        elif name == "LITERAL":
            inside.append(chr(value))
        elif name == "RANGE":
            inside += [chr(code) for code in range(value[0], min(value[1], value[0] + 100) + 1)]
        else:
            inside += [character for character in _CHARACTERS if _is_in(str(value), character)]
    return [character for character in _CHARACTERS if character not in inside] if is_negated else inside


def _is_in(category: str, character: str) -> bool:
    kind = category.removeprefix("CATEGORY_").removeprefix("NOT_")
    expression = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[kind]
    return bool(re.match(expression, character)) != ("NOT_" in category)
