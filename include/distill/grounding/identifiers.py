"""Find identifiers in a text: commands, options, paths, addresses, versions, and code in backticks."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.distill.grounding.units import unit_named

_RECENT = 8  # the answer and the question that are being checked are read several times
_CODE = re.compile(r"`([^`\n]+)`|```[a-z]*\n(.*?)```", re.DOTALL)
_TOKEN = re.compile(
    r"[^\s,;(){}\[\]<>\"“”„«»「」『』、。，；：！？`'’|…\u0600-\u06ff\u0900-\u097f\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+"
)
_VERSION = re.compile(r"(?<![\w.])v?\d+(?:\.\d+){2,}(?:[-.\w]*\w)?|(?<![\w.-])v\d+(?:\.\d+)*(?![\w.])")
_NUMBER_OR_DATE = re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})|\d{4}\.\d{1,2}\.\d{1,2}")
_SHAPES = re.compile(
    r"""
      --?[A-Za-z][\w-]*(?:=.*)?                # an option
    | \w*[A-Za-z]\w*_\w+                       # snake_case
    | [A-Za-z][\w.+-]*@[\w.-]+\.\w+            # an address
    | \w+://\S+                                # a URL
    | \.?[A-Za-z*][\w*-]*(?:\.[A-Za-z][\w-]*){1,}(?:/\S*)?   # a.b
    | arn:\S+ | [\w-]+(?:::|:)[A-Z]\w*         # arn:…, s3:GetObject
    | ~?/[\w./-]{2,}                           # a path
    | [a-z]+[A-Z]\w* | [A-Z][a-z]+(?:[A-Z][a-z0-9]+)+   # camelCase, PascalCase
    | [A-Za-z]+(?:-[A-Za-z0-9]+)*-\d[\w.-]*    # us-east-1, INC-2102
    | [A-Za-z]{1,8}\d[\w.-]*                   # m5.large, S3, gp2
    | \d+[A-Za-z]+\d\w*
    """,
    re.VERBOSE,
)
_COMPOUND = re.compile(r"(?<![\w-])[a-z][a-z0-9]+(?:-[a-z0-9]+)+(?![\w-])")
_NOT_IDENTIFIERS = frozenset({"e.g", "i.e", "z.b", "d.h", "u.a", "p.m", "a.m", "usw", "etc", "vs", "u.s", "p.ej"})


@dataclass(frozen=True)
class Identifier:
    """An identifier in a text, with its place."""

    text: str
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        """Whether the identifier is a number in code, such as `300`, which is compared by its value."""
        return re.fullmatch(r"\d+(?:[.,]\d+)?%?", self.text) is not None


@functools.lru_cache(_RECENT)
def identifiers(text: str) -> tuple[Identifier, ...]:
    """Return the identifiers of a cleaned ``text``."""
    return tuple(_identifiers(text))


def _identifiers(text: str) -> Iterator[Identifier]:
    taken: list[tuple[int, int]] = []
    for match in _CODE.finditer(text):
        taken.append(match.span())
        group = 1 if match.group(1) is not None else 2
        for part in re.finditer(r"\S+", match.group(group)):
            start = match.start(group) + part.start()
            yield Identifier(part.group(), start, start + len(part.group()))
    for match in _VERSION.finditer(text):
        if _NUMBER_OR_DATE.fullmatch(match.group()):
            continue
        if any(start <= match.start() < end for start, end in taken):
            continue
        taken.append(match.span())
        yield Identifier(match.group(), *match.span())
    for match in _TOKEN.finditer(text):
        token = match.group().rstrip(".:?!*")
        if any(start <= match.start() < end for start, end in taken) or _is_end_of_range(text, match.start(), token):
            continue
        if token.lower() not in _NOT_IDENTIFIERS and _SHAPES.fullmatch(token):
            yield Identifier(token, match.start(), match.start() + len(token))


def _is_end_of_range(text: str, start: int, token: str) -> bool:
    """Return whether a token joins a unit with the next number of a range, such as "GiB-64" in "20 GiB-64 TiB"."""
    unit = token.split("-")[0]
    return unit_named(unit.lower()) is not None and text[max(0, start - 2) : start].strip().isdigit()


def blanked(text: str, start: int, end: int) -> str:
    """Return ``text`` with one part replaced by semicolons, so that its facts are not read a second time."""
    return text[:start] + ";" * (end - start) + text[end:]


def compounds(text: str) -> list[str]:
    """Return the hyphenated words of a cleaned ``text``, such as "orders-dlq", in lower case."""
    return _COMPOUND.findall(text)
