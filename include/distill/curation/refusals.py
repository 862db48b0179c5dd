"""
Answers that are none: refusals, "the document does not say", a model that talks about itself.

The patterns are data, ``include/refusals.yaml``, by language; all languages are searched. A refusal in a language
without patterns is not found by them, though it is seldom found in the document either.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.text.normalization import normalize

PATTERNS_PATH = INCLUDE / "refusals.yaml"
_PLACES = {
    "whole": r"\A(?:{})[\s.!。！]*\Z",
    "start": r"\A(?:{})",
    "sentence": r"(?:\A|(?<=[.!?:;] ))(?:{})",
    "anywhere": r"{}",
}
_DRESSED = str.maketrans({"’": "'", "ʼ": "'", "`": None, "*": None, "_": " ", "“": None, "”": None, '"': None})


def find_refusal(answer: str) -> str | None:
    """Return the words by which ``answer`` is a refusal or boilerplate, or ``None``."""
    text = normalize(answer.translate(_DRESSED))
    first = next((match for pattern in _patterns(PATTERNS_PATH) if (match := pattern.search(text))), None)
    return first.group().strip() if first else None


@single_flight_cache
def _patterns(path: Path) -> tuple[re.Pattern[str], ...]:
    """Read the patterns: one for each place, of all languages together."""
    by_place: dict[str, list[str]] = {}
    for places in yaml.safe_load(path.read_text(encoding="utf-8")).values():
        for place, patterns in places.items():
            by_place.setdefault(place, []).extend(patterns)
    return tuple(
        re.compile(_PLACES[place].format("|".join(patterns)), re.IGNORECASE) for place, patterns in by_place.items()
    )
