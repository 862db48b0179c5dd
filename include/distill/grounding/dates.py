"""Find months, dates and times of day in a text. Days and years of a date are compared like other numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.distill.grounding.languages import LATIN_SCRIPT, Language, language
from include.distill.grounding.plain_text import WORD

_NUMERIC_DATE = re.compile(
    r"(?<![\d.])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)|(?<![\d.])(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?![\d.]\d)"
)
_DAY_AND_MONTH = re.compile(r"(?<![\d.])(\d{1,2})\.(0?[1-9]|1[0-2])\.(?!\d)")  # 15.01. in German
_DENSE_DATE = re.compile(
    r"(?<!\d)(?:(\d{2,4})\s?[年년]의?の?\s?)?(\d{1,2})\s?[月월]\s?(?:(\d{1,2})\s?[日号號일])?(?![間間数])"
)
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})\s?(?:Uhr\b|बजे|[点點時时시](?![间間代])|h(?:eures?)?\b)")
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2}):(\d{2})(?::\d{2})?(?!\d)(?:\s?([ap])\.?m\b)?|(?<![\d:.])(\d{1,2})\s?([ap])\.?m\b",
    re.IGNORECASE,
)
# Month names that are also common words count only next to a number.
_COMMON_WORDS = frozenset(
    {"may", "march", "mar", "mars", "mai", "sept", "dec", "jan", "ago", "set", "ott", "mei", "جر", "آب", "مارس"}
)


@dataclass(frozen=True)
class NumericDate:
    """
    A date in digits.

    :param parts: its numbers, in the order in which they are written.
    :param month_positions: positions in ``parts`` at which the month can be; two positions in 5/1/2024.
    """

    text: str
    start: int
    end: int
    parts: tuple[int, ...]
    month_positions: tuple[int, ...]

    @property
    def months(self) -> set[int]:
        """The months that the date can be in, as numbers: "3/4" can be in month 3 or month 4."""
        return {self.parts[position] for position in self.month_positions if 1 <= self.parts[position] <= 12}


def numeric_dates(text: str) -> list[NumericDate]:
    """Return the dates in digits, including 2024年1月5日 and 1月5日."""
    return sorted(_numeric_dates(text), key=lambda date: date.start)


def _numeric_dates(text: str) -> Iterator[NumericDate]:
    for pattern in (_NUMERIC_DATE, _DENSE_DATE, _DAY_AND_MONTH):
        for match in pattern.finditer(text):
            parts = tuple(int(part) for part in match.groups() if part)
            if not all(parts):
                continue
            if pattern is _DENSE_DATE:
                positions: tuple[int, ...] = (1,) if match.group(1) else (0,)
            else:
                positions = (0, 1) if match.re is _NUMERIC_DATE and not match.group(1) else (1,)
            yield NumericDate(match.group(), match.start(), match.end(), parts, positions)


def months(text: str, of: Language) -> list[tuple[int, str]]:
    """Return each month in a cleaned ``text`` as its number, from 1 to 12, and the word that names it."""
    return list(_months(text, of))


def _months(text: str, of: Language) -> Iterator[tuple[int, str]]:
    if not of.months:
        return
    for match in WORD.finditer(text):
        word = match.group()
        month = of.months.get(word.lower())
        if month is None or (word.islower() and of.code == "en"):
            continue
        if word.lower() in _COMMON_WORDS and not _is_beside_number(text, match.start(), match.end()):
            continue
        yield month, word


def _is_beside_number(text: str, start: int, end: int) -> bool:
    return bool(re.search(r"\d(?:st|nd|rd|th|\.|er)?\s*(?:de |of )?$", text[max(0, start - 8) : start])) or bool(
        re.match(r"\.?\s*\d", text[end : end + 4])
    )


def document_months(text: str, of: Language) -> frozenset[int]:
    """Return the numbers of all months that a document names or that occur in its dates."""
    in_dates = {month for date in numeric_dates(text) for month in date.months}
    named = {month for month, _ in _months(text, of)}
    if of.code not in LATIN_SCRIPT:
        named |= {month for month, _ in _months(text, language("en"))}
    return frozenset(in_dates | named)


def times(text: str) -> list[tuple[int, int, int]]:
    """
    Return the start and end of each time of day, and the minutes since the last noon or midnight.

    The minutes are 550 for 9:10, for 21:10 and for 9:10 p.m.
    """
    found = []
    for match in _TIME.finditer(text):
        hour = int(match.group(1) or match.group(4))
        minute = int(match.group(2) or 0)
        if hour <= 24 and minute < 60:
            found.append((match.start(), match.end(), (hour % 12) * 60 + minute))
    return found


def clock_hours(text: str) -> frozenset[int]:
    """Return the hours of all times of day, each in both readings: 3 and 15 for both 3:20 and 15:20."""
    hours = {minute // 60 for _, _, minute in times(text)} | {int(match.group(1)) for match in _CLOCK.finditer(text)}
    return frozenset(hour % 12 + half for hour in hours for half in (0, 12))
