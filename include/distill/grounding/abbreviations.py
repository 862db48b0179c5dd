"""Recognize that an abbreviation and its words name the same thing, such as "SQS" and "Simple Queue Service"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

_MIN_LETTERS = 2
_MIN_LETTERS_IN_LOWER_CASE = 3  # many words of two letters look like an abbreviation
_ABBREVIATION = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9]+(?=s?(?![A-Za-z0-9]))")
_JOINER = "(?:of|and|for|the|to|as|on|in|a)"
_CAPITALIZED = "[A-Z\u00c0-\u00de][a-z\u00df-\u00ff]+"
_RUN = re.compile(rf"{_CAPITALIZED}(?:(?: {_JOINER})*,?[ -]{_CAPITALIZED})+")
_WORD = re.compile("[A-Za-z\u00c0-\u00ff]+")


def abbreviations_in(text: str) -> frozenset[str]:
    """Return, in lower case, the words that ``text`` writes in capitals: "sqs" for "SQS", "ec2" for "EC2"."""
    return frozenset(match.lower() for match in _ABBREVIATION.findall(text))


def with_count(initials: str) -> str:
    """Shorten repeated letters in initials to one letter and a number: "sss" becomes "s3", and "ecc" becomes "ec2"."""
    runs = ((letter, len(list(run))) for letter, run in groupby(initials))
    return "".join(f"{letter}{count}" if count > 1 else letter for letter, count in runs)


def expanded_words(text: str, words: frozenset[str], in_capitals: frozenset[str]) -> frozenset[int]:
    """
    Return the start positions of the words in ``text`` that spell out an abbreviation of a source.

    For example, these are the positions of "simple", "queue" and "service" if the source has "SQS".

    :param words: all words of the source, in lower case.
    :param in_capitals: the words that the source writes in capitals, in lower case.
    """
    expanded: set[int] = set()
    for run in _RUN.finditer(text):
        places = [(run.start() + word.start(), word.group()) for word in _WORD.finditer(run.group())]
        for first in range(len(places)):
            for last in range(first + _MIN_LETTERS, len(places) + 1):
                part = [word for _, word in places[first:last]]
                if any(
                    one in in_capitals or (one in words and len(one) >= _MIN_LETTERS_IN_LOWER_CASE)
                    for one in _initials(part)
                ):
                    expanded.update(place for place, _ in places[first:last])
    return frozenset(expanded)


def _initials(run: list[str]) -> Iterator[str]:
    """
    Yield the initials of a sequence of words: first those of its capitalized words, then those of all its words.

    The initials are in lower case: "Identity and Access Management" gives "iam" and "iaam", and "Internet of Things"
    gives "it" and "iot".
    """
    if run[0][0].islower() or run[-1][0].islower():
        return
    capitals = "".join(word[0].lower() for word in run if word[0].isupper())
    if len(capitals) >= _MIN_LETTERS:
        yield capitals
        yield with_count(capitals)
        yield "".join(word[0].lower() for word in run)
