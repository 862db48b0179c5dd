"""
Find the names in a text: capitalized words inside sentences, and abbreviations.

In a text that is not in Latin script, words in Latin letters are also names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.distill.grounding.languages import LATIN_SCRIPT, Language
from include.distill.grounding.units import unit_named

_WORD = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f0-9+#]*(?:[-&][A-Za-z\u00c0-\u024f0-9+#]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;•|\n\"“”„«»\[\u2022/>-]\s*)$")
_TITLE = re.compile(r"\b(?:M|Mme|Mlle|Mr|Mrs|Ms|Dr|Prof|Sr|Sra|Sig|Dott)\.\s$")
_SHORTEST_NAME = 2
_NOT_NAMES = frozenset({"i", "ok", "vs", "etc", "eg", "ie", "am", "pm", "faq", "no", "yes"})
# Words in Latin letters that are common in texts of other scripts. They do not count as names.
LOAN_WORDS = frozenset(
    {
        "web",
        "pc",
        "it",
        "id",
        "url",
        "api",
        "app",
        "apps",
        "email",
        "mail",
        "ok",
        "os",
        "cpu",
        "gpu",
        "ip",
        "http",
        "https",
    }
    | {"wifi", "pdf", "html", "iot", "ai", "sdk", "cli", "vs", "and", "or"}
)


@dataclass(frozen=True)
class Name:
    """
    A name in a text.

    :param is_certain: false for a capitalized word at the start of a sentence, which may be any word.
    """

    text: str
    start: int
    end: int
    is_certain: bool


def names(text: str, language: Language) -> list[Name]:
    """Return the words of a cleaned ``text`` that are names."""
    return list(_names(text, language))


def _names(text: str, language: Language) -> Iterator[Name]:
    is_latin = language.code in LATIN_SCRIPT or not language.code
    for match in _WORD.finditer(text):
        word = match.group()
        before = text[max(0, match.start() - 2) : match.start()]
        is_unit = before[-1:].isdigit() or (before[-1:] == " " and before[:1].isdigit() and unit_named(word.lower()))
        if is_unit or word.lower() in _NOT_NAMES or len(word) < _SHORTEST_NAME:
            continue
        if not is_latin:
            if word.lower().replace("-", "") not in LOAN_WORDS and unit_named(word.lower()) is None:
                yield Name(word, *match.span(), is_certain=True)
            continue
        if not word[0].isupper() and not any(letter.isupper() for letter in word[1:]):
            continue
        if word.lower() in language.stop_words and not (word.isupper() and not text.isupper()):
            continue
        inner = word[1:].replace("-", "")
        is_abbreviation = sum(letter.isupper() for letter in word) >= 2 and not inner.islower()
        at_start = (
            _SENTENCE_START.search(text, max(0, match.start() - 4), match.start()) is not None or match.start() == 0
        )
        # The period after a title does not end the sentence.
        at_start = at_start and not _TITLE.search(text, max(0, match.start() - 6), match.start())
        if is_abbreviation and language.code == "de" and "-" in word:
            yield from _coined_parts(word, match.start())
        elif is_abbreviation:
            yield Name(word, *match.span(), is_certain=True)
        elif language.code != "de":  # every German noun is capitalized
            yield Name(word, *match.span(), is_certain=not at_start)


def _coined_parts(word: str, start: int) -> Iterator[Name]:
    """Yield the parts of a German compound that are not ordinary nouns, such as "ServiceNow" in "ServiceNow-Konto"."""
    for part in re.finditer(r"[^-]+", word):
        text = part.group()
        if len(text) >= _SHORTEST_NAME and any(letter.isupper() or letter.isdigit() for letter in text[1:]):
            yield Name(text, start + part.start(), start + part.end(), is_certain=True)
