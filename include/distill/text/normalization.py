"""
Normalize texts for comparison, and detect blank texts and characters that a training file cannot contain.

Normalized texts are for comparison only. Accepted texts are stored unchanged.
"""

from __future__ import annotations

import re
import unicodedata

# Invisible characters that Excel, browsers and editors leave behind: soft hyphens, joiners, direction marks, fillers,
# variation selectors and tags.
_INVISIBLE_RANGES = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
# \s includes the no-break space.
_BLANK = re.compile(rf"[\s{_INVISIBLE_RANGES}]*+")
_INVISIBLE = re.compile(f"[{_INVISIBLE_RANGES}]+")
# Control characters except TAB, LF and CR. The patterns are separate, because a small set is searched ten times faster
# than the union of all three.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Unpaired surrogates, and Unicode's noncharacters in its first plane.
_SURROGATE_OR_NONCHARACTER = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BEYOND_FIRST_PLANE = re.compile("[\U00010000-\U0010ffff]")


def is_blank(text: str) -> bool:
    """Return whether ``text`` is empty or has only white space and invisible characters."""
    return _BLANK.fullmatch(text) is not None


def unsupported_character(text: str) -> str | None:
    """Find the first character of ``text`` that a training file cannot contain.

    Training files cannot contain unpaired surrogates, which UTF-8 cannot encode. They must not contain control
    characters (other than TAB, LF and CR) or noncharacters either: no text needs them, and they are a sign of a wrong
    encoding or of a backslash that was read as an escape sequence.

    :return: the code point of the character, such as ``U+0000``; ``None`` if there is no such character.
    """
    match = _CONTROL.search(text)
    if match is None and not text.isascii():
        match = _SURROGATE_OR_NONCHARACTER.search(text) or next(
            (far for far in _BEYOND_FIRST_PLANE.finditer(text) if ord(far.group()) & 0xFFFE == 0xFFFE), None
        )
    return f"U+{ord(match.group()):04X}" if match else None


def normalize(text: str) -> str:
    """Convert ``text`` so that texts that differ only in case, spacing or compatibility forms become equal."""
    if text.isascii():  # ASCII has no compatibility forms, and no letter that case-folds into several letters
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


class _PunctuationStripper(dict[int, str]):
    """A translation table that replaces punctuation with spaces. An entry is added when a character first occurs."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        # Without "#", "&", "%" or "/", "C#", "R&D", "50%" and "/dev" would mean something else. Unicode classes "+" as
        # a symbol, so "+" is kept too.
        kept = unicodedata.category(character)[0] not in "PZC" or character in "#&@%/"
        self[code] = character if kept else " "
        return self[code]


_WITHOUT_PUNCTUATION = _PunctuationStripper()


def strip_punctuation(text: str) -> str:
    """Normalize ``text`` and remove its punctuation. Words, numbers and symbols remain, separated by single spaces."""
    return words_of_normalized(normalize(text))


def words_of_normalized(normalized: str) -> str:
    """Remove punctuation from normalized text, as :func:`strip_punctuation` does for any text."""
    return " ".join(normalized.translate(_WITHOUT_PUNCTUATION).split())


def pair_key(question: str, answer: str) -> tuple[str, str]:
    """Return the key of a pair.

    Pairs that differ only in case, spacing, compatibility forms or invisible characters have the same key.
    """
    return normalize(_without_invisible(question)), normalize(_without_invisible(answer))


def _without_invisible(text: str) -> str:
    return text if text.isascii() else _INVISIBLE.sub("", text)
