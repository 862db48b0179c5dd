"""Check whether a quantity that is missing from a document can be calculated from quantities that are in it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import Language
from include.distill.grounding.numbers import Quantity
from include.distill.grounding.words import words

_HALF_DAY = 12 * 60
_SECONDS_PER_MINUTE = 60
_MONTHS_PER_YEAR = 12
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_LONGEST_SUM = 3
_MOST_TERMS = 30
_DAYS_PER_MONTH = (28, 30, 31)
_SECONDS_PER_DAY = 86_400
_TOLERANCE = Decimal("0.1")
_CHARACTERS_AROUND, _CHARACTERS_BEFORE = 40, 16
_EVERY = frozenset({"every", "alle", "les", "cada", "ogni", "हर", "كل", "每", "毎"})


def is_derivable(quantity: Quantity, text: str, language: Language, sources: Sequence[Evidence]) -> bool:
    """
    Return whether a quantity of an answer may be derived from quantities of the sources, for example as a sum.

    :param text: the answer, in which the quantity was found.
    """
    return (
        _is_calendar_conversion(quantity, sources)
        or _is_between_times(quantity, sources)
        or _is_frequency(quantity, sources)
        or _is_calculated(quantity, text, language, sources)
    )


def time_is_derivable(minute: int, text: str, language: Language, sources: Sequence[Evidence]) -> bool:
    """
    Return whether a time of day is a time of the sources plus or minus a duration of the sources.

    The answer must also have a word such as "later".
    """
    if not _has_word(text.lower(), language.calculations, language):
        return False
    times = {time for source in sources for time in source.times | _full_hours(source)}
    durations = {
        int(value) // _SECONDS_PER_MINUTE
        for source in sources
        for dimension, value in source.base_values
        if dimension == "time" and not value % _SECONDS_PER_MINUTE
    }
    return any(
        (time + sign * length) % _HALF_DAY == minute for time in times for length in durations for sign in (1, -1)
    )


def _full_hours(source: Evidence) -> set[int]:
    return {hour % 12 * 60 for hour in source.clock_hours}


def _is_calendar_conversion(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether months were converted to days or weeks, or days to months, as in "60 days" and "two months"."""
    if quantity.unit is None or quantity.unit.dimension not in {"time", "month"}:
        return False
    other = "month" if quantity.unit.dimension == "time" else "time"
    known = {value for source in sources for dimension, value in source.base_values if dimension == other}
    for _, value in quantity.base_values():
        for days in _DAYS_PER_MONTH:
            seconds = days * _SECONDS_PER_DAY
            converted = value / seconds if other == "month" else value * seconds
            if converted in known:
                return True
    return False


def _is_between_times(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether a duration is the time between two times of day that are in the same source."""
    if quantity.unit is None or quantity.unit.dimension != "time":
        return False
    lengths = {int(value) // _SECONDS_PER_MINUTE for _, value in quantity.base_values() if value < _SECONDS_PER_DAY}
    return any(
        abs(one - other) in lengths or _HALF_DAY - abs(one - other) in lengths
        for source in sources
        for one, other in combinations(source.times | _full_hours(source), 2)
    )


def _is_frequency(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether an interval in months may mean the same as a number of times per year in the sources.

    For example, "every three months" may restate "four times a year".
    """
    if quantity.unit is None or quantity.unit.dimension != "month" or quantity.before.lower() not in _EVERY:
        return False
    return any(
        value and _MONTHS_PER_YEAR / value in source.units_by_value
        for _, value in quantity.base_values()
        for source in sources
    )


def _is_calculated(quantity: Quantity, text: str, language: Language, sources: Sequence[Evidence]) -> bool:
    """
    Return whether a quantity may be calculated from quantities of a source.

    Near a word such as "total", it may be a sum or a difference. After a word such as "about", it may be a
    rounded value.
    """
    if quantity.unit is None and any(_FIRST_YEAR <= value <= _LAST_YEAR for value in quantity.values):
        return False
    before = text[max(0, quantity.start - _CHARACTERS_AROUND) : quantity.start].lower()
    around = before + text[quantity.end : quantity.end + _CHARACTERS_AROUND].lower()
    is_rounded = _has_word(before[-_CHARACTERS_BEFORE:], language.approximations, language)
    is_calculated = _has_word(around, language.calculations, language)
    for source in sources if is_rounded or is_calculated else ():
        terms = {
            value for one in source.quantities if one.unit == quantity.unit or not quantity.unit for value in one.values
        }
        if len(terms) > _MOST_TERMS:
            continue
        for value in quantity.values:
            if is_rounded and any(_is_rounding(value, term) for term in terms):
                return True
            if is_calculated and _is_sum(value, terms):
                return True
    return False


def _is_rounding(value: Decimal, term: Decimal) -> bool:
    """Return whether ``value`` has fewer digits than ``term`` and differs from it by at most 10 % of ``term``."""
    is_shorter = len(value.as_tuple().digits) < len(term.as_tuple().digits)
    return is_shorter and abs(term - value) <= _TOLERANCE * abs(term)


def _is_sum(value: Decimal, terms: set[Decimal]) -> bool:
    if any(abs(one - other) == value for one, other in combinations(terms, 2)):
        return True
    return any(sum(some) == value for count in (2, _LONGEST_SUM) for some in combinations(terms, count))


def _has_word(text: str, wanted: frozenset[str], language: Language) -> bool:
    if language.without_spaces:
        return any(word in text for word in wanted)
    return not wanted.isdisjoint(words(text))
