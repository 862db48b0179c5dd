"""
Convert questions that differ only in their spelling to the same form.

The following differences disappear, because readers see no difference in meaning: accents or vowel points ("niño",
"nino"), Persian forms of Arabic letters, digits of different scripts, digits in groups ("1,000"), hyphens inside words,
quotation marks around a name, dots in acronyms ("U.S."), and English contractions ("what's"). The form is used only to
compare whole questions, because two different words may differ only in their accents.
"""

from __future__ import annotations

import re
import unicodedata

# The marks of Latin, Greek and Cyrillic letters (except the one that makes the letter "й"), the points of Hebrew, and
# those of Arabic. The vowel signs of other scripts are not optional.
_MARKS = re.compile("(?<!\u0438)\u0306|[\u0300-\u0305\u0307-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0640]")
# Latin letters with a stroke; Arabic letters that are often confused, or have another form in Persian and Urdu.
_LETTERS = str.maketrans("\u0111\u0142\u00f8\u0131\u0671\u0649\u06cc\u06a9\u0629", "dloi\u0627\u064a\u064a\u0643\u0647")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_DOTTED = re.compile(r"(?<![\w.])(?:[A-Za-z]\. ?)+[A-Za-z]\.(?![\w.])")
_GROUPED = re.compile("(?<=[0-9])[,.'\u066c](?=[0-9]{3}(?![0-9]))")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-_]\s?(?=[^\W_])|(?<=[^\W_])[-_]\s?(?=[^\W\d_])")
# Also the marks at the beginning of a Spanish question.
_QUOTATION_MARKS = re.compile('["\u00a1\u00bf\u00ab\u00bb\u2039\u203a\u300c-\u300f]')
# Normalization replaces typographic apostrophes. Without an apostrophe, some contractions are other words ("well").
_CONTRACTIONS = (
    (re.compile(r"\b(?:can't|cannot|cant)\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|could|should|would|must)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(what|who|where|when|how|why|that|there|here|it)'s\b"), r"\1 is"),
    (re.compile(r"\bwhats\b"), "what is"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"\b(you|we|they|what|who)'re\b"), r"\1 are"),
    (re.compile(r"\b(i|you|we|they)'ve\b"), r"\1 have"),
)
_MAY_BE_CONTRACTED = re.compile(r"n't\b|\w'(?:s|m|re|ve)\b|\bcan(?:no|')?t\b|\bwhats\b|\b\w+nt\b")


def unified_spelling(normalized: str) -> str:
    """
    Return the form in which a question is compared with others.

    :param normalized: the question as :func:`include.distill.text.normalization.normalize` returns it.
    """
    text = normalized
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text))).translate(_LETTERS)
        text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match.group(), match.group())), text)
    text = without_acronym_dots(without_contractions(text))
    return _QUOTATION_MARKS.sub("", _HYPHEN.sub("", without_digit_groups(text)))


def without_contractions(normalized: str) -> str:
    """Replace English contractions with the words that they stand for ("what's" with "what is")."""
    if _MAY_BE_CONTRACTED.search(normalized):
        for pattern, replacement in _CONTRACTIONS:
            normalized = pattern.sub(replacement, normalized)
    return normalized


def without_acronym_dots(text: str) -> str:
    """Remove the dots and spaces of acronyms and initials ("U.S.", "J. K. Rowling")."""
    return _DOTTED.sub(lambda match: match.group().replace(".", "").replace(" ", ""), text) if "." in text else text


def without_digit_groups(text: str) -> str:
    """Remove the separators between groups of digits ("1,000")."""
    return _GROUPED.sub("", text)
