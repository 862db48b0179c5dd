"""Recognize units of measurement before or after a number, and give the factor from each unit to its base unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.grounding.languages import FOLDER
from include.distill.grounding.plain_text import WORD

_FILE = FOLDER / "units.yaml"
_CURRENCY_BEFORE = re.compile(r"(US\$|[$€£¥₹]|\bUSD|\bEUR|\bRs\.?)\s?$", re.IGNORECASE)
_NEXT = re.compile(
    r"[\s\u00a0]?-?\s?(?:(?:of )?(?:an?|eine[rn]?|une?|una|uma) )?"
    r"(°\s?[cf]?|[%$€£¥₹¢]|p(?:er|or|our)\s?c(?:ent|ento|ien|iento)\b|[kmg]bit/s|" + WORD.pattern + ")",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"p(?:er|or|our)\s?c")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LONGEST_DENSE_UNIT = 7
# Single letters that are more often a label or a part of a name than a unit, unless they follow the number directly.
_ONLY_ATTACHED = frozenset("sdhbmglw")
_AMBIGUOUS = frozenset({"to", "go", "an", "ano", "no", "ora", "mes", "mo", "us", "tag"})

_ONE_PERIOD = re.compile(
    r"(?:\b(?:an?|every|each|per|jede[rsnm]?|pro|chaque|par|cada|por|ogni|हर|प्रति|كل)\s|[每毎])"
    rf"(年|月|[周週]|天|日|小时|小時|時間|分钟|分鐘|{WORD.pattern})"
)
_PERIODS_BY_ADVERB = {
    "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year",
    "annual": "year", "stündlich": "hour", "täglich": "day", "wöchentlich": "week", "monatlich": "month",
    "jährlich": "year",
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit of measurement. ``factor`` converts to the base unit of ``dimension``."""

    dimension: str
    factor: Decimal


@single_flight_cache
def _units(path: Path) -> dict[str, Unit]:
    table: dict[str, dict[Any, list[str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        name: Unit(dimension, Decimal(str(factor)))
        for dimension, names_by_factor in table.items()
        for factor, names in names_by_factor.items()
        for name in names
    }


def unit_named(name: str) -> Unit | None:
    """Return the unit with this name, which must be in lower case; ``None`` if there is no such unit."""
    return _units(_FILE).get("percent" if _PERCENT.match(name) else name.replace("° ", "°"))


def unit_at(text: str, start: int, end: int) -> tuple[Unit | None, str, int]:
    """
    Return the unit of the number at ``text[start:end]``, the word that follows the number, and the end of the unit.

    The unit is ``None`` if the number has none.
    """
    if before := _CURRENCY_BEFORE.search(text, max(0, start - 5), start):
        return unit_named(before.group(1).lower().replace("us$", "$").rstrip(".")), "", end
    match = _NEXT.match(text, end)
    if not match:
        return None, "", end
    word = match.group(1).lower()
    if _DENSE.match(word):
        longest = min(len(word), _LONGEST_DENSE_UNIT)
        for length in range(longest, 0, -1):
            if unit := unit_named(word[:length]):
                return unit, word[:length], match.start(1) + length
        return None, word[:2], end
    attached = match.start(1) == end
    if (word in _ONLY_ATTACHED and not attached and not _is_abbreviation(match.group(1))) or word in _AMBIGUOUS:
        return None, word, end
    unit = unit_named(word)
    return unit, word, match.end(1) if unit else end


def _is_abbreviation(word: str) -> bool:
    """Return whether a single letter after a number and a space is likely a unit: "5 m", but not "5 B"."""
    return word in {"s", "h", "m", "g", "l", "L", "W"}


def single_periods(text: str) -> Iterator[tuple[str, Decimal]]:
    """Yield the dimension and the length of each period that a text names without a number, as in "every year".

    :param text: the text in lower case.
    """
    adverbs = (_PERIODS_BY_ADVERB[word] for word in WORD.findall(text) if word in _PERIODS_BY_ADVERB)
    for word in (*_ONE_PERIOD.findall(text), *adverbs):
        unit = unit_named(word)
        if unit and unit.dimension in {"time", "month"}:
            yield unit.dimension, unit.factor.normalize()
