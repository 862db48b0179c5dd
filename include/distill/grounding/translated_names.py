"""Compare names across languages and scripts: names that are translated, and names that are transliterated."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import yaml

from include.distill.core.single_flight_cache import single_flight_cache
from include.distill.grounding.languages import FOLDER
from include.distill.grounding.plain_text import WORD

_FILE = FOLDER / "translated_names.yaml"
_SHORTEST_SKELETON = 2
_ARABIC = {
    "ب": "b", "ت": "t", "ث": "t", "ج": "g", "ح": "h", "خ": "k", "د": "d", "ذ": "d", "ر": "r", "ز": "s", "س": "s",
    "ش": "s", "ص": "s", "ض": "d", "ط": "t", "ظ": "s", "غ": "g", "ف": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m",
    "ن": "n", "ه": "h", "پ": "b", "چ": "g", "گ": "g", "ڤ": "f",
}  # fmt: skip
_DEVANAGARI = {
    "क": "k", "ख": "k", "ग": "g", "घ": "g", "ङ": "n", "च": "g", "छ": "g", "ज": "g", "झ": "g", "ञ": "n", "ट": "t",
    "ठ": "t", "ड": "d", "ढ": "d", "ण": "n", "त": "t", "थ": "t", "द": "d", "ध": "d", "न": "n", "प": "b", "फ": "f",
    "ब": "b", "भ": "b", "म": "m", "र": "r", "ल": "l", "व": "f", "श": "s", "ष": "s", "स": "s", "ह": "h", "ं": "n",
    "ँ": "n",
}  # fmt: skip
_KATAKANA_ROWS = {
    "カキクケコヵヶ": "k", "ガギグゲゴ": "g", "サスセソシ": "s", "ザズゼゾ": "s", "ジ": "g", "タテト": "t", "チ": "g",
    "ツ": "t", "ダデドヂヅ": "d", "ナニヌネノン": "n", "ハヒヘホ": "h", "フ": "f", "バビブベボ": "b", "ヴ": "f",
    "パピプペポ": "b", "マミムメモ": "m", "ラリルレロ": "r",
}  # fmt: skip
_KATAKANA = {character: letter for row, letter in _KATAKANA_ROWS.items() for character in row}
_LATIN_PAIRS = (("sch", "s"), ("sh", "s"), ("ch", "g"), ("kh", "k"), ("gh", "g"), ("th", "t"), ("dh", "d"), ("ph", "f"))
_LATIN = str.maketrans({"p": "b", "v": "f", "w": "f", "c": "k", "q": "k", "z": "s", "j": "g", "x": "s"})
_ARTICLE = re.compile("^[وفبكل]?(?:ال|لل)|^(?:al|el|ad|ar|as|ash|at|an)-", re.IGNORECASE)
_KATAKANA_RUN = re.compile("[\u30a1-\u30fa\u30fc]{2,}")
_NASAL_BEFORE_LABIAL = re.compile("ं(?=[पफबभम])")
_DEVANAGARI_Z = "ज\u093c"  # two characters, even after normalization
_ENOUGH_LETTERS = 0.7
_SILENT = re.compile("[aeiouyh]")
_LOOSE = str.maketrans({"g": "k", "s": "s", "f": "b", "l": "r", "t": "d"})


@single_flight_cache
def _beginnings(path: Path) -> tuple[str, ...]:
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8"))["beginnings"].split())


def is_usually_translated(name: str) -> bool:
    """Return whether a name usually differs between languages, like the name of a country, a language or a city."""
    return name.lower().startswith(_beginnings(_FILE))


@cache
def skeleton(word: str) -> str:
    """
    Return the consonants of a word in order, each replaced with a letter that stands for all similar sounds.

    The word may be in any of the known scripts.
    """
    word = _ARTICLE.sub("", word) or word
    letters = unicodedata.normalize("NFD", word.lower())
    if "a" <= letters[0] <= "z":
        plain = "".join(letter for letter in letters if "a" <= letter <= "z")
        for pair, sound in _LATIN_PAIRS:
            plain = plain.replace(pair, sound)
        sounds = plain.translate(_LATIN)
    else:
        word = _NASAL_BEFORE_LABIAL.sub("म", unicodedata.normalize("NFKC", word)).replace(_DEVANAGARI_Z, "स")
        sounds = "".join(_ARABIC.get(one) or _DEVANAGARI.get(one) or _KATAKANA.get(one) or "" for one in word)
    consonants = _SILENT.sub("", sounds).translate(_LOOSE)
    return re.sub(r"(.)\1+", r"\1", consonants)


def skeletons(text: str) -> frozenset[str]:
    """Return the :func:`skeleton` of each word of a text: its consonants, which are compared across scripts."""
    words = {match.group() for match in WORD.finditer(text)} | set(_KATAKANA_RUN.findall(text))
    return frozenset(map(skeleton, words)) - {""}


def sounds_like(name: str, known: frozenset[str]) -> bool:
    """
    Return whether a name sounds like a word of another text, judged by its consonants.

    A name with too few consonants for a comparison counts as similar.

    :param known: the skeletons of the other text's words; see :func:`skeleton`.
    """
    wanted = skeleton(name)
    if len(wanted) < _SHORTEST_SKELETON:
        return True
    return any(wanted == one or _is_near(wanted, one) for one in known)


def _is_near(one: str, other: str) -> bool:
    """Return whether two skeletons are equal except for one consonant that only one of them has."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) <= _SHORTEST_SKELETON or len(longer) != len(shorter) + 1:
        return False
    return any(longer[:position] + longer[position + 1 :] == shorter for position in range(len(longer)))


def is_spelled_like(name: str, words: frozenset[str]) -> bool:
    """Return whether a name in Latin letters is spelled nearly like one of ``words``: "Milano" and "Mailand"."""
    plain = _without_accents(name.lower())
    return any(
        plain == other or (plain[0] == other[0] and SequenceMatcher(None, plain, other).ratio() >= _ENOUGH_LETTERS)
        for other in map(_without_accents, words)
        if other
    )


@cache
def _without_accents(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
