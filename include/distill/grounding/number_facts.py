"""Find the quantities of an answer that its document does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from include.distill.grounding.absence import Absence
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import Language
from include.distill.grounding.numbers import Quantity, quantities
from include.distill.grounding.thresholds import SMALL_COUNT
from include.distill.grounding.words import stem, words

_LONE_SCALE = 100_000
_LONG_NUMBER = 6


def absent_quantities(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield the quantities of a cleaned ``text`` that no source contains."""
    for quantity in quantities(text, language):
        if _is_no_statement(quantity, text, language) or _is_written_otherwise(quantity, sources):
            continue
        values = [value for value in quantity.values if any(value in source.units_by_value for source in sources)]
        if values:
            yield from _unit_mismatch(quantity, values, sources)
            yield from _other_label(quantity, values, language, sources)
        elif not any(quantity.base_values() & source.base_values for source in sources):
            is_in_date = bool(quantity.following) and quantity.following[0] in language.months
            is_certain = not quantity.values or is_in_date or not _may_follow(quantity, sources)
            yield Absence("number_not_in_document", quantity.text, is_certain=is_certain)


def _is_no_statement(quantity: Quantity, text: str, language: Language) -> bool:
    """Return whether a number only counts a step, or is a word such as "one", which is often a pronoun."""
    is_vague = quantity.written == "words" and (max(quantity.values) <= 1 or _is_lone_scale(quantity))
    return is_vague or _is_step_number(quantity, text, language)


def _is_written_otherwise(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether a source has a number that is no value: a time of day, a telephone number, or a version."""
    if _is_in_long_number(quantity, sources):
        return True
    if not quantity.values:
        return any(quantity.text.lower() in source.lower for source in sources)
    return any(value in source.clock_hours for value in quantity.values for source in sources)


def _is_in_long_number(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether a source has the digits of a long number, such as a telephone number, in other groups."""
    digits = "".join(filter(str.isdigit, quantity.text))
    return len(digits) >= _LONG_NUMBER and any(digits in source.digits for source in sources)


def _is_lone_scale(quantity: Quantity) -> bool:
    """Return whether a word such as "million" stands without a number that it multiplies."""
    return max(quantity.values) >= _LONE_SCALE and " " not in quantity.text.strip()


def _is_step_number(quantity: Quantity, text: str, language: Language) -> bool:
    before = words(text[max(0, quantity.start - 20) : quantity.start])
    return bool(before) and before[-1] in language.steps


def _unit_mismatch(quantity: Quantity, values: list[Decimal], sources: Sequence[Evidence]) -> Iterator[Absence]:
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
    if None not in units or (is_other and not is_heading):
        yield Absence("unit_not_in_document", quantity.text)
    elif not is_heading and any(quantity.unit == one.unit for source in sources for one in source.quantities):
        # The document has this unit with other numbers, and this number without a unit.
        yield Absence("unit_not_in_document", quantity.text, is_certain=False)


def _other_label(
    quantity: Quantity, values: list[Decimal], language: Language, sources: Sequence[Evidence]
) -> Iterator[Absence]:
    """Yield the quantity if the sources have the name before it only with other numbers, as in "Windows 11"."""
    label = quantity.before.lower()
    if not quantity.before[:1].isupper() or quantity.unit or label in language.months:
        return
    labelled = set[Decimal]().union(*(source.labelled.get(label, set()) for source in sources))
    if labelled and not labelled & set(values):
        yield Absence("number_not_in_document", f"{quantity.before} {quantity.text}")


def _may_follow(quantity: Quantity, sources: Sequence[Evidence]) -> bool:
    """Return whether an absent number may count things that the document lists, or is a part of an identifier."""
    if quantity.unit or any(value % 1 for value in quantity.values):
        return False
    if quantity.written == "digits" and any(
        value in source.values_in_identifiers for value in quantity.values for source in sources
    ):
        return max(quantity.values) > SMALL_COUNT
    is_counted = any(stem(word) in source.counted for source in sources for word in quantity.following[:1])
    return max(quantity.values) <= SMALL_COUNT and not is_counted
