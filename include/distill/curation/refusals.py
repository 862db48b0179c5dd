"""
Detect refusals and boilerplate in answers, such as "I am sorry" and sentences in which a model describes itself.

The patterns are in ``include/refusals.yaml``, by language. The patterns of all languages are applied to every answer. A
refusal in a language without patterns is not detected here. The grounding filter usually rejects such an answer,
because the document rarely contains its words.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.text.normalization import normalize

PATTERNS_PATH = INCLUDE / "refusals.yaml"
_POSITIONS = {
    "whole": r"\A(?:{})[\s.!。！]*\Z",
    "start": r"\A(?:{})",
    "sentence": r"(?:\A|(?<=[.!?:;] ))(?:{})",
    "anywhere": r"{}",
}
_TYPOGRAPHY = str.maketrans({"’": "'", "ʼ": "'", "`": None, "*": None, "_": " ", "“": None, "”": None, '"': None})


def find_refusal(answer: str) -> str | None:
    """Return the words that make ``answer`` a refusal or boilerplate, or ``None`` if it is neither."""
    text = normalize(answer.translate(_TYPOGRAPHY))
    match = next((match for pattern in _patterns(PATTERNS_PATH) if (match := pattern.search(text))), None)
    return match.group().strip() if match else None


@single_flight_cache
def _patterns(path: Path) -> tuple[re.Pattern[str], ...]:
    """Read the patterns of all languages, and compile one regular expression per position, such as ``start``."""
    by_position: dict[str, list[str]] = {}
    for positions in yaml.safe_load(path.read_text(encoding="utf-8")).values():
        for position, patterns in positions.items():
            by_position.setdefault(position, []).extend(patterns)
    return tuple(
        re.compile(_POSITIONS[position].format("|".join(patterns)), re.IGNORECASE)
        for position, patterns in by_position.items()
    )
