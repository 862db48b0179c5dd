"""
Find the quantities in a text: numbers in digits of every script, in words and in Chinese characters, with their units.

A number can have several readings. ``1.000`` in an English text is 1, or 1,000 if it is written as in German, so it has
both values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from include.distill.grounding.fractions import fractions, shares, with_fraction
from include.distill.grounding.languages import Language
from include.distill.grounding.number_words import DENSE_NUMERAL, dense_value, dense_values, word_runs
from include.distill.grounding.plain_text import WORD
from include.distill.grounding.units import Unit, unit_at, unit_named

_DIGITS = re.compile(r"\d{1,3}(?: \d{3})+(?:[.,]\d{1,2})?(?![\d]|[.,]\d)|\d+(?:[.,'/:]\d+)*|(?<!\d)[.]\d+")
_SCALE = re.compile(r"\s?(k|K|M|B|bn|mn|[^\W\d_]+)\b\.?")
_DENSE_SCALE = re.compile("[百千万萬亿億兆]+")
_LETTER_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "mn": 10**6, "B": 10**9, "bn": 10**9}
_WORD_BEFORE = re.compile(rf"({WORD.pattern})[\s-]?$")
_LONGEST_BEFORE = 24
_AND_A_HALF = re.compile(rf"({WORD.pattern}) (?:and a half|et demie?|y medi[ao]|e mezz[ao]|e mei[ao]|ونصف)")
_MONTHS_IN_YEAR, _FIRST_YEAR, _LAST_YEAR = 12, 1000, 2999
# Chinese and Japanese characters that count things or tell the time.
_COUNTERS = frozenset("点點時时岁歳歲个個人本冊册次回名台张件条种項项章级倍位只期篇层層枚匹")
# The text between two numbers that share the unit after the second number: "30 or 60 minutes", "5, 10 and 15 days".
_NOT_BETWEEN = "(?!(?:for|at|per|is|in|of|für|je|pro|por|par|pour)\\b)"
_BETWEEN = re.compile(
    rf"\s?(?:[-,/–~、或と至到和]|{_NOT_BETWEEN}(?![\u3040-\u30ff\u3400-\u9fff])\w{{1,3}})?,?\s?(?:{_NOT_BETWEEN}\w{{1,4}}\s)?"
)
# Languages that write 1,000 for a thousand. The other languages of the check write 1.000.
_COMMA_THOUSANDS = frozenset({"en", "zh", "ja", "ko", "hi", "ar"})
_NEXT_WORDS = re.compile(rf"[\s.-]*({WORD.pattern})(?:[\s-]+({WORD.pattern}))?")

Written = Literal["digits", "words"]


@dataclass(frozen=True)
class Quantity:
    """
    A number in a text.

    :param values: all values that the number can have.
    :param text: the number as it is written, with its unit.
    :param written: whether the number is written in digits or in words.
    :param following: the two words after the number, in lower case.
    :param before: the word before the number.
    """

    values: tuple[Decimal, ...]
    unit: Unit | None
    text: str
    start: int
    end: int
    written: Written
    following: tuple[str, ...]
    before: str = ""

    def base_values(self) -> set[tuple[str, Decimal]]:
        """
        Return each value in the base unit of its dimension, together with the dimension.

        "1 hour" and "60 minutes" have the same result, so they can be compared.
        """
        if self.unit is None:
            # "A quarter" is 25 %.
            return {("percent", (100 * value).normalize()) for value in self.values if 0 < value < 1}
        dimensions = ("money_usd", "money_eur") if self.unit.dimension == "cents" else (self.unit.dimension,)
        return {
            (dimension, (value * self.unit.factor).normalize()) for value in self.values for dimension in dimensions
        }


def quantities(text: str, language: Language, *, is_source: bool = False) -> list[Quantity]:
    """
    Return the quantities of a cleaned ``text`` in the order in which they occur.

    :param is_source: whether to also read ordinals and words such as "half". In a source, they can support a number of
        the answer; in an answer, they rarely state one.
    """
    in_fractions = [
        Quantity((one.value,), one.unit, text[one.start : one.end], one.start, one.end, "words", ())
        for one in (*fractions(text, language), *(() if is_source else shares(text, language)))
    ]
    in_digits = list(_in_digits(text, language))
    # "million" in "5 million" was read together with the digits.
    taken = {position for quantity in in_digits for position in range(quantity.start, quantity.end)}
    in_words = [quantity for quantity in _in_words(text, language, is_source=is_source) if quantity.start not in taken]
    ordered: list[Quantity] = []
    found = sorted([*in_fractions, *in_digits, *in_words], key=lambda quantity: (quantity.start, -quantity.end))
    for quantity in found:
        # "ciento" in "cuatro por ciento" is the unit of another number.
        if not ordered or quantity.start >= ordered[-1].end:
            ordered.append(quantity)
    for position in range(len(ordered) - 2, -1, -1):
        one, after = ordered[position], ordered[position + 1]
        if one.unit is None and after.unit and _BETWEEN.fullmatch(text[one.end : after.start]):
            ordered[position] = replace(one, unit=after.unit)
    return ordered


def units_and_a_half(text: str) -> Iterator[Quantity]:
    """Yield the quantities that are written as a unit and a half, such as "an hour and a half" or ساعة ونصف."""
    for match in _AND_A_HALF.finditer(text):
        if unit := unit_named(match.group(1).lower()):
            yield Quantity((Decimal("1.5"),), unit, match.group(), match.start(), match.end(), "words", ())


def _in_digits(text: str, language: Language) -> Iterator[Quantity]:
    for match in _DIGITS.finditer(text):
        values, end = readings(match.group(), language), match.end()
        scaled, end = _scaled(text, end, values, language)
        yield _quantity(text, match.start(), end, scaled, "digits")


def _in_words(text: str, language: Language, *, is_source: bool) -> Iterator[Quantity]:
    for start, end, value in word_runs(text, language, is_source=is_source):
        yield _quantity(text, start, end, (value,), "words")
    if language.without_spaces:
        for match in DENSE_NUMERAL.finditer(text):
            if start_of_digits(text, match.start()):
                continue
            quantity = _quantity(text, match.start(), match.end(), dense_values(match.group()), "words")
            # One character such as 一 or 十 is often a part of another word, so it needs a unit to be a number.
            if len(match.group()) > 1 or quantity.unit or text[match.end() : match.end() + 1] in _COUNTERS:
                yield quantity


def start_of_digits(text: str, position: int) -> bool:
    """
    Return whether a digit is directly before ``position``.

    If so, the characters at ``position`` were already read with the digits. An example is the 万 in "5万".
    """
    return position > 0 and text[position - 1].isdigit()


def _quantity(text: str, start: int, end: int, values: tuple[Decimal, ...], written: Written) -> Quantity:
    changed = [with_fraction(value, text, start, end) for value in values]
    values = tuple(value for value, _ in changed)
    end = max((new_end for _, new_end in changed), default=end)
    unit, _, unit_end = unit_at(text, start, end)
    if unit and len(values) == 1:
        # "deux heures et demie", 二時間半
        (value, unit_end) = with_fraction(values[0], text, unit_end, unit_end)
        values = (value,)
    following = _NEXT_WORDS.match(text, end)
    words = tuple(word.lower() for word in following.groups() if word) if following else ()
    if unit and unit.dimension == "month" and unit.factor == _MONTHS_IN_YEAR and _is_calendar_year(values):
        unit = None
    before = _WORD_BEFORE.search(text, max(0, start - _LONGEST_BEFORE), start)
    return Quantity(
        values, unit, text[start:unit_end], start, unit_end, written, words, before.group(1) if before else ""
    )


def _is_calendar_year(values: tuple[Decimal, ...]) -> bool:
    """Return whether a number before "year" is a date, as in 2024年, and not a number of years."""
    return len(values) == 1 and _FIRST_YEAR <= values[0] <= _LAST_YEAR and values[0] % 1 == 0


def readings(digits: str, language: Language) -> tuple[Decimal, ...]:
    """
    Return every value that a number written in digits can have, depending on what its separators mean.

    For example, 1.234 in an English text can be 1234 or 1.234. The result is empty for a version, a date or a time.
    """
    if digits.isdigit():
        return (Decimal(digits).normalize(),)
    if " " in digits:
        return (Decimal(digits.replace(" ", "").replace(",", ".")).normalize(),)
    if digits.startswith("."):
        return (Decimal(f"0{digits}").normalize(),)
    if "/" in digits or ":" in digits:
        parts = digits.split("/")
        is_fraction = (
            len(parts) == 2 and all(part.isdigit() for part in parts) and int(parts[1]) not in {0} and len(parts[1]) < 3
        )
        return (
            ((Decimal(parts[0]) / Decimal(parts[1])).normalize(),)
            if is_fraction and int(parts[0]) < int(parts[1])
            else ()
        )
    separators = [character for character in digits if not character.isdigit()]
    groups = re.split(r"[.,']", digits)
    values: list[Decimal] = []
    if len(set(separators)) == 1:
        are_thousands = _are_thousands(groups)
        if are_thousands:
            values.append(Decimal("".join(groups)).normalize())
        is_usual = language.code and (separators[0] == ",") == (language.code in _COMMA_THOUSANDS)
        if len(groups) == 2 and separators[0] != "'" and not (are_thousands and is_usual):
            values.append(Decimal(f"{groups[0]}.{groups[1]}").normalize())
    elif separators[-1] not in separators[:-1] and _are_thousands(groups[:-1]):
        values.append(Decimal(f"{''.join(groups[:-1])}.{groups[-1]}").normalize())
    return tuple(values)


def _are_thousands(groups: list[str]) -> bool:
    """Return whether groups of digits have the lengths of those in 1,234,567 or, as in India, in 12,34,567."""
    inner = {len(group) for group in groups[1:-1]}
    return 1 <= len(groups[0]) <= 3 and groups[0] != "0" and len(groups[-1]) == 3 and (inner <= {3} or inner == {2})


def _scaled(text: str, end: int, values: tuple[Decimal, ...], language: Language) -> tuple[tuple[Decimal, ...], int]:
    """
    Multiply the values of a number by the word that follows it, such as "million".

    A letter such as "k" may have another meaning. So the values without the factor are kept, and those with the factor
    are added.

    :return: the values, and the end of the number.
    """
    if dense := _DENSE_SCALE.match(text, end):
        scale = dense_value(f"一{dense.group()}")
        return tuple((value * scale).normalize() for value in values), dense.end()
    match = _SCALE.match(text, end)
    if not match:
        return values, end
    word = match.group(1)
    if factor := _LETTER_SCALES.get(word):
        return (*values, *((value * factor).normalize() for value in values)), end
    scale = language.numbers.get(word.lower(), Decimal(0))
    if scale >= 1000 or word.lower() in {"hundred"}:
        return tuple((value * scale).normalize() for value in values), match.end(1)
    return values, end
