"""Find the quantities in an answer that its document does not contain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from include.distill.grounding.absence import Absence
from include.distill.grounding.derivation import is_derivable
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import Language
from include.distill.grounding.numbers import Quantity, quantities
from include.distill.grounding.thresholds import SMALL_COUNT
from include.distill.grounding.words import generic_stems, stem, words

_DESIGNATION = re.compile(r"(?<![\w-])(\d+)-\d+(?![\w-])")
_SECONDS_PER_HOUR = 3600
_LONE_SCALE = 100_000
_LONG_NUMBER = 6


def absent_quantities(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield the quantities of a cleaned ``text`` that no source contains."""
    yield from _other_designations(text, sources)
    for quantity in quantities(text, language):
        if _is_no_statement(quantity, text, language) or _is_written_otherwise(quantity, language, sources):
            continue
        values = [value for value in quantity.values if any(value in source.units_by_value for source in sources)]
        if values:
            yield from _unit_mismatch(quantity, values, text, language, sources)
            yield from _other_label(quantity, values, language, sources)
        elif not any(quantity.base_values() & source.base_values for source in sources):
            is_certain = _is_certain(quantity, text, language, sources)
            yield Absence("number_not_in_document", quantity.text, is_certain=is_certain)


def _is_certain(quantity: Quantity, text: str, language: Language, sources: Sequence[Evidence]) -> bool:
    """Return whether a quantity that no source contains certainly cannot be derived from the sources."""
    if not quantity.values:
        return True
    if is_derivable(quantity, text, language, sources):
        return False
    is_in_date = bool(quantity.following) and quantity.following[0] in language.months
    return is_in_date or not _may_follow(quantity, text, language, sources)


def _is_no_statement(quantity: Quantity, text: str, language: Language) -> bool:
    """Return whether a number states no quantity: it numbers a step, or is a word such as "one" or a lone "million"."""
    is_vague = quantity.written == "words" and (max(quantity.values) <= 1 or _is_lone_scale(quantity))
    return is_vague or _is_step_number(quantity, text, language)


def _is_written_otherwise(quantity: Quantity, language: Language, sources: Sequence[Evidence]) -> bool:
    """Return whether a source has the number as a time of day, in a telephone number, or in a version."""
    if _is_in_long_number(quantity, sources):
        return True
    if not quantity.values:
        return any(quantity.text.lower() in source.lower for source in sources)
    counts_things = quantity.unit is None and any(
        stem(word) in source.counted
        for source in sources
        for word in quantity.following[:1]
        if word not in language.stop_words
    )
    is_hour = not counts_things and (quantity.unit is None or quantity.unit.factor == _SECONDS_PER_HOUR)
    return is_hour and any(value in source.clock_hours for value in quantity.values for source in sources)


def _is_in_long_number(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """
    Return whether a source contains the digits of a long number, however the source groups them.

    For example, a telephone number may be written as 555-012-3456 or as 5550 123456.
    """
    digits = "".join(filter(str.isdigit, quantity.text))
    return len(digits) >= _LONG_NUMBER and any(digits in source.digits for source in sources)


def _is_lone_scale(quantity: Quantity) -> bool:
    """Return whether a word such as "million" is used without a number that it multiplies."""
    return max(quantity.values) >= _LONE_SCALE and " " not in quantity.text.strip()


def _is_step_number(quantity: Quantity, text: str, language: Language) -> bool:
    before = words(text[max(0, quantity.start - 20) : quantity.start])
    return bool(before) and before[-1] in language.steps


def _unit_mismatch(
    quantity: Quantity, values: list[Decimal], text: str, language: Language, sources: Sequence[Evidence]
) -> Iterator[Absence]:
    """Yield the quantity if the sources have its number, but only with other units."""
    if quantity.unit is None:
        return
    units = {unit for source in sources for value in values for unit in source.units_by_value.get(value, ())}
    if quantity.unit in units:
        return
    is_other = any(unit is not None and unit.dimension == quantity.unit.dimension for unit in units)
    # A size in GiB may equal another size in TiB by chance, because most sizes are powers of two.
    is_size = quantity.unit.dimension == "bytes"
    if not (is_other and is_size) and any(quantity.base_values() & source.base_values for source in sources):
        return
    is_heading = any(quantity.unit in source.heading_units for source in sources)
    is_used = any(quantity.unit in source.bare_units for source in sources)
    if None not in units or (is_other and not is_heading):
        yield Absence(
            "unit_not_in_document", quantity.text, is_certain=not is_derivable(quantity, text, language, sources)
        )
    elif not is_heading and is_used:
        # The document has this unit with other numbers, and this number without a unit.
        is_certain = not _may_leave_unit_out(values, sources) and not is_derivable(quantity, text, language, sources)
        yield Absence("unit_not_in_document", quantity.text, is_certain=is_certain)


def _may_leave_unit_out(values: list[Decimal], sources: Sequence[Evidence]) -> bool:
    """
    Return whether a source has the number in a place where its unit may be left out.

    Such places are the end of a clause and a table cell. In a table, another cell may have the unit.
    """
    return any(set(values) & (source.values_in_tables | source.values_without_noun) for source in sources)


def _other_label(
    quantity: Quantity, values: list[Decimal], language: Language, sources: Sequence[Evidence]
) -> Iterator[Absence]:
    """
    Yield the quantity if the sources have only other numbers after the capitalized word that precedes it.

    For example, the answer has "Windows 10", and the sources have only "Windows 11".
    """
    label = quantity.before.lower()
    if not quantity.before[:1].isupper() or quantity.unit or label in language.months:
        return
    labeled = set[Decimal]().union(*(source.labeled.get(label, set()) for source in sources))
    if labeled and not labeled & set(values):
        yield Absence("number_not_in_document", f"{quantity.before} {quantity.text}")


def _may_follow(quantity: Quantity, text: str, language: Language, sources: Sequence[Evidence]) -> bool:
    """
    Return whether a number that no source contains may still follow from the sources.

    It may be the count of things that the document lists, or a part of an identifier, such as 5 in "m5.large".
    """
    if quantity.unit or any(value % 1 for value in quantity.values) or _has_other_label(quantity, sources):
        return False
    nouns = [stem(word) for word in quantity.following if word not in language.stop_words]
    if any(noun in source.counted for source in sources for noun in nouns):
        return False
    if quantity.written == "digits" and any(
        value in source.values_in_identifiers for value in quantity.values for source in sources
    ):
        return max(quantity.values) > SMALL_COUNT
    if max(quantity.values) > SMALL_COUNT or _is_limit(quantity, text, language):
        return False
    # "Five kinds" may count things that the document names in different places.
    counts_anything = not generic_stems(language).isdisjoint(nouns)
    return counts_anything or any(value in source.list_lengths for value in quantity.values for source in sources)


def _other_designations(text: str, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield each hyphenated number that no source contains, if a source has another one with the same first part.

    For example, yield "140-3" if the sources have "140-2" but not "140-3".
    """
    for match in _DESIGNATION.finditer(text):
        is_new = not any(match.group() in source.text for source in sources)
        if is_new and any(re.search(rf"(?<!\d){match.group(1)}-\d", source.text) for source in sources):
            yield Absence("number_not_in_document", match.group())


def _has_other_label(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether the word before the number, such as "CentOS" in "CentOS 8", precedes a number in a source too."""
    return quantity.before[:1].isupper() and any(quantity.before.lower() in source.labeled for source in sources)


def _is_limit(quantity: Quantity, text: str, language: Language) -> bool:
    """Return whether a number states a limit instead of a count, as in "at most eight devices"."""
    before = text[max(0, quantity.start - 20) : quantity.start].lower()
    if language.without_spaces:
        return any(word in before for word in language.limits)
    return not language.limits.isdisjoint(words(before)[-2:])
