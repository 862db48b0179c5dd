"""Prepare texts for the grounding check: digits of all scripts, invisible characters, markup, sentences and lines."""

from __future__ import annotations

import re
import unicodedata

# A word, with the vowel signs of Arabic and of Indian scripts, which are not letters.
WORD = re.compile(r"(?:[^\W\d_]|[\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963])+")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ARABIC_SEPARATORS = str.maketrans(
    {"٫": ".", "٬": ",", "٪": "%", "’": "'", "‘": "'", "–": "-", "−": "-", "‑": "-", "‐": "-", "—": " - "}
)
_MARKUP = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|^#{1,6}\s+", re.MULTILINE)
# The number of a step, or the mark of a list entry, at the start of a line. The number is not a statement.
_LIST_MARK = re.compile(
    r"^[ \t]*(?:[-•●▪◦+]|\(?\d{1,3}[.)、．:](?!\d)|\(?[a-zA-Z][.)](?=\s)|[①-⑳])[ \t]*", re.MULTILINE
)
_INLINE_MARK = re.compile(r"(?<![\w.])\(\d{1,2}\)(?=\s)|(?<=[;:,.] )\d{1,2}\)(?=\s)")
_SENTENCE_END = re.compile(r"(?<=[.!?؟])[\"'”»)]*\s+|(?<=[。！？।])|\n+|(?<=;)\s+")


class _DigitTable(dict[int, str]):
    """A translation table that turns the decimal digits of every script into ASCII digits."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        digit = unicodedata.decimal(character, None)
        self[code] = character if digit is None else str(digit)
        return self[code]


_DIGITS = _DigitTable()


def clean(text: str) -> str:
    """Return ``text`` without markup, and with a single form of each digit, dash, apostrophe and other character."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.replace("½", " 1/2").replace("¼", " 1/4").replace("¾", " 3/4"))
        text = _INVISIBLE.sub("", text).translate(_DIGITS).translate(_ARABIC_SEPARATORS)
    return _MARKUP.sub("", text)


def without_list_marks(text: str) -> str:
    """Return ``text`` without the numbers and bullets of its list entries."""
    return _INLINE_MARK.sub(" ", _LIST_MARK.sub("", text))


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``. A line break ends a sentence."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def list_entries(text: str) -> int:
    """Return the number of lines of ``text`` that are list entries or steps."""
    return len(_LIST_MARK.findall(text))
