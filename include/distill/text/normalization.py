"""
When two texts count as the same, when a text counts as empty, and which characters a JSON file cannot carry.

These only judge. Text that passes is kept as it is, character for character.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# \s holds the no-break space; the rest is what Excel, browsers and editors leave behind without showing it: soft
# hyphens, joiners, directions, fillers, variation selectors, tags.
_BLANK = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]*+"
)
_UNSUPPORTED = re.compile("[\x00\ud800-\udfff]")


def is_blank(text: str) -> bool:
    """Tell whether nothing in ``text`` can be seen: white space, no-break and zero-width characters."""
    return _BLANK.fullmatch(text) is not None


def unsupported_character(text: str) -> str | None:
    """Return the first character that a training file cannot carry as ``U+0000``, or ``None``.

    Those are NUL and unpaired surrogates: the one is refused by services, the other is no valid UTF-8.
    """
    match = _UNSUPPORTED.search(text)
    return f"U+{ord(match.group()):04X}" if match else None


def normalize(text: str) -> str:
    """Return ``text`` as it is compared: compatibility forms, case and white space made equal."""
    if text.isascii():  # which has neither compatibility forms nor letters that fold into several
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


class _PunctuationStripper(dict[int, Any]):
    """What each character becomes when only words are compared; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        # "C++", "C#" and "/dev" differ by these; brackets, quotes, commas, dashes and emphasis make no difference.
        kept = unicodedata.category(character)[0] not in "PZC" or character in "#&@%/"
        self[code] = character if kept else " "
        return str(self[code])


_WITHOUT_PUNCTUATION = _PunctuationStripper()


def strip_punctuation(text: str) -> str:
    """Return the words, numbers and symbols of ``text``, :func:`normalize` and without punctuation."""
    return " ".join(normalize(text).translate(_WITHOUT_PUNCTUATION).split())


def pair_key(question: str, answer: str) -> tuple[str, str]:
    """Return what two question-answer pairs share when they are the same pair."""
    return normalize(question), normalize(answer)
