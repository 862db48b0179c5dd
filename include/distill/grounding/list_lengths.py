"""Count the entries of lists, tables and enumerations in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from include.distill.grounding.plain_text import list_entries, sentences

_SEPARATORS = ("|", "\t", ";", ",")
_ENUMERATION = re.compile(r"[,،、，;]\s?|\s(?:and|or|und|oder|et|ou|y|o|e|和|或|及)\s|和|及|と|\sऔर\s|\sया\s|\sو")
_RULE = re.compile(r"^[\s|:-]+$")
_SHORTEST = 2


def list_lengths(text: str) -> Iterator[int]:
    """Yield the number of entries of each list, table and enumeration in ``text``."""
    yield list_entries(text)
    lines = [line for line in text.splitlines() if line.strip() and not _RULE.match(line)]
    rows = [sentence for sentence in sentences(text) if not _RULE.match(sentence)]
    for separator in _SEPARATORS:
        yield from _runs_of_rows(lines, separator)
    yield from _runs_of_rows(rows, "|")  # a table whose lines were joined into one line
    for sentence in sentences(text):
        yield len(_ENUMERATION.findall(sentence)) + 1
        for part in re.split(r"[:：;；.]\s?", sentence):
            yield len(_ENUMERATION.findall(part)) + 1


def _runs_of_rows(lines: list[str], separator: str) -> Iterator[int]:
    for count, rows in groupby(lines, key=lambda line: line.count(separator)):
        length = len(list(rows))
        if count and length >= _SHORTEST:
            yield from (length, length - 1)  # with and without a header line
