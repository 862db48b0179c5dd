"""Read quantities with a fraction in words: "three quarters of an hour", "deux heures et demie", 百分之七, 3割."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from include.distill.grounding.languages import Language
from include.distill.grounding.number_words import dense_value
from include.distill.grounding.plain_text import WORD
from include.distill.grounding.units import Unit, unit_named

_HALF, _QUARTER = Decimal("0.5"), Decimal("0.25")
_NUMERAL = "(\\d+(?:[.]\\d+)?|[〇零一二三四五六七八九两十百千]+)"
_PERCENT_OF_HUNDRED = re.compile(f"百分之{_NUMERAL}")
_PARTS = re.compile(f"{_NUMERAL}分[之の]{_NUMERAL}")
_TENTHS = re.compile(f"{_NUMERAL}(?:割(?!引?り)|成(?![为為立本功员員分长長年]))")
_DENSE_HALF = re.compile("(?<![个個])半(?:个|個)?(小时|小時|時間|钟头|天|日|年|个月|個月|分钟|分鐘|月|시간|년)")
_OF_UNIT = re.compile(
    rf"(?P<three>\b(?:three[- ]quarters|trois quarts|tres cuartos|tre quarti|três quartos|dreiviertel|ثلاثة أرباع))"
    r"[- ]?"
    rf"(?:of (?:an?|the) |d'|de la |de |di |ال)?(?P<unit1>{WORD.pattern})"
    rf"|(?P<one>\b(?:a quarter|one quarter|quarter|quart|cuarto|quarto|ربع|सवा))[- ]"
    rf"(?:of (?:an?|the) |d[e'] ?|di )?(?P<unit2>{WORD.pattern})"
    rf"|(?P<half>\b(?:half|demi|demie|media|mezz'|mezza|meia|halbe|halben|halbes|نصف|आधा|आधे|आधी))[- ]?"
    rf"(?:an? |of an? )?(?P<unit3>{WORD.pattern})",
    re.IGNORECASE,
)
_GERMAN_COMPOUND = re.compile(r"\b(dreiviertel|viertel|halb)(stunden?|jahre?|tage?)\b", re.IGNORECASE)
_GERMAN_FRACTIONS = {"dreiviertel": 3 * _QUARTER, "viertel": _QUARTER, "halb": _HALF}
_AFTER = re.compile(
    r"[\s-]*(?P<half>and a half|et demie?|y medi[ao]|e mezz[ao]|e mei[ao]|ونصفا?ً?|[个個]?半)(?!\w*[分間])"
    r"|[\s-]*(?P<quarter>and a quarter|et quart|y cuarto|e un quarto|e quarto|وربع)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(साढ़े|सवा|पौने)\s$")
_HINDI_FRACTIONS = {"साढ़े": _HALF, "सवा": _QUARTER, "पौने": -_QUARTER}
_HINDI_SCALES = tuple(map(Decimal, (10_000_000, 100_000, 1_000, 100)))
_SHARE = re.compile(
    r"(?<![\d.,])(?P<parts>\d{1,2}|" + WORD.pattern + r")[ -](?P<whole>" + WORD.pattern + r")", re.IGNORECASE
)
_WHOLES = {
    "thirds": 3, "quarters": 4, "fourths": 4, "fifths": 5, "sixths": 6, "eighths": 8, "tenths": 10,
    "drittel": 3, "viertel": 4, "fünftel": 5, "zehntel": 10, "tiers": 3, "quarts": 4, "cinquièmes": 5, "dixièmes": 10,
    "tercios": 3, "cuartos": 4, "quintos": 5, "décimos": 10, "terzi": 3, "quarti": 4, "quinti": 5, "decimi": 10,
    "terços": 3, "quartos": 4, "أثلاث": 3, "أرباع": 4, "أخماس": 5, "أعشار": 10, "तिहाई": 3, "चौथाई": 4,
}  # fmt: skip
_DUAL_ENDING = re.compile("(?:ان|ين)$")
_SHORTEST_DUAL = 5


@dataclass(frozen=True)
class Fraction:
    """A quantity that is written with words for a fraction, with its place in the text."""

    value: Decimal
    unit: Unit | None
    start: int
    end: int


def fractions(text: str, language: Language) -> Iterator[Fraction]:
    """
    Yield the quantities of a cleaned ``text`` that name a fraction of a unit, such as "half an hour".

    Arabic duals, which are one word for two units, are also found.
    """
    for match in _OF_UNIT.finditer(text):
        if unit := unit_named((match["unit1"] or match["unit2"] or match["unit3"]).lower()):
            value = 3 * _QUARTER if match["three"] else _QUARTER if match["one"] else _HALF
            yield Fraction(value, unit, match.start(), match.end())
    for match in _GERMAN_COMPOUND.finditer(text):
        yield Fraction(_GERMAN_FRACTIONS[match[1].lower()], unit_named(match[2].lower()), match.start(), match.end())
    if language.without_spaces:
        yield from _dense_fractions(text)
    if language.code == "ar":
        yield from _duals(text)


def shares(text: str, language: Language) -> Iterator[Fraction]:
    """Yield the shares that are written as parts of a whole, such as "three quarters" and "zwei Drittel"."""
    position = 0
    while match := _SHARE.search(text, position):
        whole = _WHOLES.get(match["whole"].lower())
        parts = Decimal(match["parts"]) if match["parts"].isdigit() else language.numbers.get(match["parts"].lower())
        if whole and parts and parts < whole:
            yield Fraction((parts / whole).normalize(), None, match.start(), match.end())
        position = match.start("whole")  # the second word of a match can be the first word of the next match


def _dense_fractions(text: str) -> Iterator[Fraction]:
    percent = unit_named("%")
    for match in _PERCENT_OF_HUNDRED.finditer(text):
        yield Fraction(_value(match[1]), percent, match.start(), match.end())
    for match in _PARTS.finditer(text):
        parts, whole = _value(match[2]), _value(match[1])
        if whole > parts > 0 and match[1] != "百":
            yield Fraction((parts / whole).normalize(), None, match.start(), match.end())
    for match in _TENTHS.finditer(text):
        if 0 < _value(match[1]) < 10:
            yield Fraction(10 * _value(match[1]), percent, match.start(), match.end())
    for match in _DENSE_HALF.finditer(text):
        yield Fraction(_HALF, unit_named(match[1]), match.start(), match.end())


def _value(numeral: str) -> Decimal:
    return Decimal(numeral).normalize() if numeral[0].isdigit() else dense_value(numeral)


def _duals(text: str) -> Iterator[Fraction]:
    """Yield a quantity of two units for each Arabic dual, such as جنيهان, which means two pounds."""
    for match in WORD.finditer(text):
        word = match.group()
        if len(word) < _SHORTEST_DUAL or not _DUAL_ENDING.search(word):
            continue
        for bare in (word, word[1:]) if word[0] in "وبلك" else (word,):
            stem = bare[:-2]
            unit = (unit_named(f"{stem[:-1]}ة") if stem.endswith("ت") else None) or unit_named(stem)
            if unit:
                added, end = with_fraction(Decimal(2), text, match.start(), match.end())
                yield Fraction(added, unit, match.start(), end)
                break


def with_fraction(value: Decimal, text: str, start: int, end: int) -> tuple[Decimal, int]:
    """
    Add the fraction in words that is written before or after a number, such as "and a half".

    The Hindi word पौने, which means "a quarter less", is subtracted.

    :param value: the number that ``text`` states from ``start`` to ``end``.
    :return: the sum, and the position where the number ends. If a fraction follows the number, this is the end of the
        fraction. Otherwise, it is ``end``. If there is no fraction, the sum is ``value``.
    """
    if before := _BEFORE.search(text, max(0, start - 8), start):
        scale = next((scale for scale in _HINDI_SCALES if value >= scale), Decimal(1))
        return (value + scale * _HINDI_FRACTIONS[before[1]]).normalize(), end
    after = _AFTER.match(text, end)
    if not after or value % 1:
        return value, end
    return (value + (_HALF if after["half"] else _QUARTER)).normalize(), after.end()
