"""Split texts into content words, and reduce the words to stems that rephrased sentences share."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from include.distill.grounding.languages import WITHOUT_SPACES, Language
from include.distill.grounding.languages import language as language_named
from include.distill.grounding.plain_text import WORD

_TOKEN = re.compile(rf"{WORD.pattern}(?:['][^\W\d_]+)?")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_DENSE_TOKEN = re.compile("[\u30a0-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_STEM_LETTERS = 5
_ENGLISH_ENDING = re.compile(r"(?:ies|ied|ing|ed|es|ly|s|e|y)$")
_ARABIC_ARTICLE = re.compile("^(?:و|ف)?(?:ال|لل|بال|كال)")
# First letters that look like a prefix are removed from a word without an article, even if they are part of the word.
# They are therefore removed after an article too, so that "بيانات" and "البيانات" have the same stem.
_ARABIC_PREFIX = re.compile("^(?:و|ف)?[بل]?")
_ARABIC_ENDING = re.compile("(?:ات|ون|ين|ها|هم|ية|ة|ه|ي|ا|ًا)$")
_ARABIC_MARKS = re.compile("[\u064b-\u0652\u0640]")
_INDIC_ENDING = re.compile("[\u0900-\u0903\u093a-\u094f]+$")


def words(text: str) -> list[str]:
    """Return the words of ``text`` in lower case. "isn't" is one word."""
    return [match.group().lower() for match in _TOKEN.finditer(text)]


@functools.lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the first letters of ``word`` without common endings: "encry" for both "encrypts" and "encryption"."""
    if word[0] < "\u0250":
        shorter = _ENGLISH_ENDING.sub("", word) if len(word) > 4 else word.removesuffix("s") if len(word) > 3 else word
        return shorter[:_STEM_LETTERS]
    if "\u0600" <= word[0] <= "\u06ff":
        bare = _ARABIC_MARKS.sub("", word).translate(_ARABIC_LETTERS)
        noun = _ARABIC_ARTICLE.sub("", bare)
        noun = noun if len(noun) > 2 else bare
        shorter = _ARABIC_PREFIX.sub("", noun)
        shorter = shorter if len(shorter) > 2 else noun
        ending = _ARABIC_ENDING.sub("", shorter)
        return (ending if len(ending) > 2 else shorter)[:4]
    if "\u0900" <= word[0] <= "\u097f":
        shorter = _INDIC_ENDING.sub("", word)
        return (shorter or word)[:4]
    return word[:4]


_ARABIC_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"})


def number_stems(language: Language) -> frozenset[str]:
    """Return the stems of the number words. The grounding check compares number words by value, not by stem."""
    return _stems(language.code)[0]


def generic_stems(language: Language) -> frozenset[str]:
    """Return the stems of the content words that are common in texts about any topic, such as "service"."""
    return _stems(language.code)[1]


@functools.cache
def _stems(code: str) -> tuple[frozenset[str], frozenset[str]]:
    of = language_named(code)
    return frozenset(map(stem, of.numbers)), frozenset(map(stem, of.generic))


def content_stems(text: str, language: Language) -> list[str]:
    """Return the stems of the content words of ``text``. In Chinese and Japanese, pairs of characters are returned."""
    if language.code in WITHOUT_SPACES:
        return [*_dense_pairs(text, language), *(stem(word) for word in words(_DENSE.sub(" ", text)) if len(word) > 1)]
    return [stem(word) for word in words(text) if word not in language.stop_words and len(word) > 1]


def _dense_pairs(text: str, language: Language) -> Iterable[str]:
    # Hiragana is mostly grammar in Japanese, so only kanji and katakana count there.
    runs = _DENSE_TOKEN if language.code == "ja" else _DENSE
    for run in runs.findall(text):
        yield from (run[start : start + 2] for start in range(len(run) - 1)) if len(run) > 1 else ()


def dense_pairs(text: str) -> frozenset[str]:
    """Return all pairs of adjacent characters of ``text`` in which both are letters or digits."""
    return frozenset(text[start : start + 2] for start in range(len(text) - 1) if text[start : start + 2].isalnum())


def covered(stems: list[str], known: frozenset[str], text: str) -> float:
    """
    Return the share of ``stems`` that are in ``known`` or in ``text``.

    Only stems of at least five letters are looked up in ``text``, in which they may be a part of a word. For example,
    the German word "Speicher" is a part of "Blockspeicher".
    """
    if not stems:
        return 1.0
    return sum(one in known or (len(one) >= _STEM_LETTERS and one in text) for one in stems) / len(stems)
