"""
Recognize the language of a text, and load the words of each language that the grounding check needs.

The words are in ``include/languages/``, one file per language. A text in another language gets :data:`UNKNOWN`, which
has no words. Digits, names in Latin letters, commands and quotations are then still checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from include.distill.core.paths import INCLUDE
from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.grounding.german_numbers import german_number_words
from include.distill.grounding.plain_text import WORD

FOLDER = INCLUDE / "languages"
LATIN_SCRIPT = ("en", "de", "fr", "es", "it", "pt")
WITHOUT_SPACES = frozenset({"zh", "ja"})

_SCRIPTS = {
    "kana": re.compile("[\u3040-\u30ff]"),
    "han": re.compile("[\u3400-\u9fff\uf900-\ufaff]"),
    "hangul": re.compile("[\u1100-\u11ff\uac00-\ud7af]"),
    "arabic": re.compile("[\u0600-\u06ff]"),
    "devanagari": re.compile("[\u0900-\u097f]"),
    "latin": re.compile("[A-Za-z\u00c0-\u024f]"),
}
_MIN_VOTES = 1
_LETTERS_OF_MONTH = 5
# A word that is not a part of an identifier such as "c5d.large". A single consonant is a French word only with an
# apostrophe.
_VOTING_WORD = re.compile(rf"(?<![\w.])(?!(?![aeiouyàèéêòóý])\w(?:[^\w']|$))(?:{WORD.pattern})(?!\w|\.\w)")
_SAMPLE_CHARACTERS = 2_000  # enough to recognize the language of a document


@dataclass(frozen=True)
class Language:
    """
    The words of one language that the grounding check needs, in lower case.

    :param numbers: number words and scale words, such as "twenty" and "million", with their values.
    :param joiners: words that connect the parts of a number, such as "and".
    :param fractions: words such as "half" and "both", which state a number only in some of their uses.
    :param restrictors: words that restrict or deny a statement but are not negators, such as "only" and "unless".
    :param calculations: words next to a number that was calculated, such as "total" and "later".
    :param approximations: words before a number that was rounded, such as "about".
    :param limits: words before a number that states a limit instead of a count, such as "most" in "at most eight".
    :param generic: content words that are common in texts about any topic, such as "service" and "choose".
    :param steps: words that come before the number of a step, such as "step".
    :param opposites: pairs of words with opposite meanings.
    """

    code: str = ""
    stop_words: frozenset[str] = frozenset()
    negators: frozenset[str] = frozenset()
    affirmations: frozenset[str] = frozenset()
    denials: frozenset[str] = frozenset()
    months: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    ordinals: Mapping[str, Decimal] = field(default_factory=dict)
    fractions: Mapping[str, Decimal] = field(default_factory=dict)
    joiners: frozenset[str] = frozenset()
    restrictors: frozenset[str] = frozenset()
    calculations: frozenset[str] = frozenset()
    approximations: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    generic: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    opposites: tuple[tuple[str, str], ...] = ()

    @property
    def is_latin(self) -> bool:
        """Whether the language is written in Latin letters."""
        return self.code in LATIN_SCRIPT

    @property
    def without_spaces(self) -> bool:
        """Whether the language does not separate its words with spaces."""
        return self.code in WITHOUT_SPACES


UNKNOWN = Language()


@single_flight_cache
def language(code: str) -> Language:
    """Return the words of a language, or :data:`UNKNOWN` if ``include/languages/`` has no file for it."""
    path = FOLDER / f"{code}.yaml"
    return _read(path) if code and path.exists() else UNKNOWN


def english() -> Language:
    """Return the words of English, which also occur in texts in other languages."""
    return language("en")


def _read(path: Path) -> Language:
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    code = path.stem
    numbers = {word: Decimal(value) for word, value in words["numbers"].items()}
    if code == "de":
        numbers = {**german_number_words(), **numbers}
    return Language(
        code=code,
        stop_words=frozenset(words["stop_words"].split()),
        negators=frozenset(words["negators"].split()),
        affirmations=frozenset(words["affirmations"]),
        denials=frozenset(words["denials"]),
        months=words["months"],
        numbers=numbers,
        ordinals={word: Decimal(value) for word, value in words["ordinals"].items()},
        fractions={word: Decimal(str(value)) for word, value in words["fractions"].items()},
        joiners=frozenset(words["joiners"]),
        restrictors=frozenset(words["restrictors"].split()),
        calculations=frozenset(words["calculations"].split()),
        approximations=frozenset(words["approximations"].split()),
        limits=frozenset(words["limits"].split()),
        generic=frozenset(words["generic"].split()),
        steps=frozenset(words["steps"]),
        opposites=tuple((one, other) for one, other in words["opposites"]),
    )


def language_of(text: str) -> Language:
    """Return the language of ``text``. The script decides; in Latin script, stop words and names of months decide."""
    sample = text[:_SAMPLE_CHARACTERS]
    letters = {name: len(script.findall(sample)) for name, script in _SCRIPTS.items()}
    total = sum(letters.values())
    if not total:
        return UNKNOWN
    # A Chinese or Japanese character says as much as two or three letters, and technical texts in these languages
    # contain many names in Latin letters.
    if letters["kana"] + letters["han"] > 0.12 * total:
        return language("ja" if letters["kana"] > 0.05 * (letters["kana"] + letters["han"]) else "zh")
    for script, code in (("hangul", "ko"), ("arabic", "ar"), ("devanagari", "hi")):
        if letters[script] > 0.2 * total:
            return language(code)
    return _latin_language(sample.lower()) if 2 * letters["latin"] > sum(map(str.isalpha, sample)) else UNKNOWN


@single_flight_cache
def _voters(code: str) -> frozenset[str]:
    """
    Return the words that show which language a text is in: the stop words and the long names of months.

    Short names of months, such as "mars", are often words of other languages too.
    """
    of = language(code)
    return of.stop_words | {month for month in of.months if len(month) >= _LETTERS_OF_MONTH}


def _latin_language(text: str) -> Language:
    words = _VOTING_WORD.findall(text)
    votes = {code: sum(word in _voters(code) for word in words) for code in LATIN_SCRIPT}
    best = max(votes, key=lambda code: votes[code])
    # "a" and "in" are words of several languages, so a tie does not identify the language.
    is_tie = sum(count == votes[best] for count in votes.values()) > 1
    return language(best) if votes[best] >= _MIN_VOTES and not is_tie else UNKNOWN
