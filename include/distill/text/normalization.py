"""
Normalize texts for comparison, and detect blank texts and characters that a training file cannot contain.

Normalized texts are for comparison only. Accepted texts are stored unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from include.distill.text.homoglyphs import replace_lookalikes
from include.distill.text.markup import strip_markup

# Invisible characters that Excel, browsers and editors leave behind: soft hyphens, joiners, direction marks, fillers,
# variation selectors and tags.
_INVISIBLE_RANGES = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# \s includes the no-break space.
_BLANK = re.compile(rf"[\s{_INVISIBLE_RANGES}]*+")
# In comparisons, control characters that are not white space count as invisible too.
_NOT_VISIBLE = re.compile(rf"[{_INVISIBLE_RANGES}\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufff9-\ufffb]")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
# Control characters except TAB, LF and CR. The patterns are separate, because a small set is searched ten times faster
# than the union of all three.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Unpaired surrogates, and Unicode's noncharacters in its first plane.
_SURROGATE_OR_NONCHARACTER = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BEYOND_FIRST_PLANE = re.compile("[\U00010000-\U0010ffff]")
# Quotation marks and dashes that editors insert instead of the characters on the keyboard.
_TYPOGRAPHY = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\u00b4"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
}
_TYPOGRAPHIC = re.compile("[" + "".join(map(chr, _TYPOGRAPHY)) + "]")  # str.translate takes ten times as long


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


# The texts of a row are normalized several times in succession: for duplicates, for questions and for passages.
@lru_cache(maxsize=16)
def normalize(text: str) -> str:
    """
    Convert ``text`` so that texts become equal if readers see the same words.

    The following differences disappear: case, spacing, compatibility forms, invisible characters, typographic quotation
    marks and dashes, HTML entities, paired HTML tags, Markdown, and letters of another script that look like Latin
    letters.
    """
    text = strip_markup(text)
    if text.isascii():  # ASCII has no compatibility forms, and no letter that case-folds into several letters
        return " ".join((_ASCII_CONTROL.sub("", text) if _ASCII_CONTROL.search(text) else text).lower().split())
    visible = _TYPOGRAPHIC.sub(lambda match: _TYPOGRAPHY[ord(match.group())], _NOT_VISIBLE.sub("", text))
    visible = replace_lookalikes(visible)
    folded = unicodedata.normalize("NFKC", visible).casefold()
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

    Pairs that differ only in case, spacing, compatibility forms, markup or invisible characters have the same key.
    """
    return normalize(question), normalize(answer)
