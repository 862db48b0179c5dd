"""Find the weekdays that a text names, in all languages of the grounding check."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.grounding.languages import FOLDER
from include.distill.grounding.plain_text import WORD

_FILE = FOLDER / "weekdays.yaml"
_NAME = re.compile(rf"(?:{WORD.pattern})(?:-feira)?")
_SHORTEST_WORD = 4  # shorter names must be capitalized, because "sat" and "sun" are also other words
# Korean is included, because it attaches particles to the name.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@single_flight_cache
def _names(path: Path) -> dict[str, int]:
    days: list[list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: day for day, names in enumerate(days) for name in names}


def weekdays(text: str) -> list[tuple[int, str]]:
    """Return the number, from 0 for Monday, and the name of each weekday in a cleaned ``text``."""
    names = _names(_FILE)
    found = []
    for match in _NAME.finditer(text):
        word = match.group()
        day = names.get(word.lower(), names.get(word.removeprefix("و").removeprefix("ب")))
        if day is not None and (len(word) >= _SHORTEST_WORD or word[0].isupper()):
            found.append((day, word))
    if _DENSE.search(text):
        found += [(day, name) for name, day in names.items() if _DENSE.match(name) and name in text]
    return found
