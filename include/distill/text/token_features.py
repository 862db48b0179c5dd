"""
Count what decides how many tokens a text has: words, digits, punctuation, white space, and characters by script.

A tokenizer first cuts a text into pieces: words, groups of digits, runs of punctuation, and runs of white space. A
frequent piece is one token. Any other piece is several tokens, and a piece with rare pairs of letters has more tokens.
The counts of this module are multiplied by the weights of ``token_weights.py``.

Punctuation includes symbols such as "+" and the underscore. In identifiers, ``sign`` means a punctuation mark.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from include.distill.text.characters import character_class

# A punctuation mark directly before a word belongs to the word, and a space before a word or punctuation mark costs
# nothing. Both rules are true of the tokenizers of GPT-4 and Llama 3.
_PIECE = re.compile(r"(?:[^\w\s]|_)?[^\W\d_]+|\d+|(?:[^\w\s]|_)+|\s{2,}|[^\S ]| (?=\d)")
# The parts of an ASCII word such as parseHTTPHeader.
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]")
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")

# The share of these words tells English from other languages, whose words have more tokens.
_ENGLISH = frozenset(
    """
    a about all also an and any are as at be been but by can could did do for from had has have he her him his how i if
    in into is it its may me more must my no not of on one only or other our out over she should so some such than that
    the their them then there these they this to up use was we were what when which who will with would you your
    """.split()  # noqa: SIM905
)
_ENGLISH_SHARE = 0.35  # share of these words in English text
_SIGNS_PER_WORD = 0.8  # in code, whose words are mostly English
# For each letter, the letters that rarely follow it in words of European languages. Random letters, hashes and base64
# have many such pairs.
_RARE_SECONDS = """
b:cdfghkmnpqtvwxz c:bdfgnqvw d:cghjkqwx f:bcdghjkmnpqvwxz g:bdfjkqwxz h:bcdfghjkmpqwxyz i:hwy j:bcfghjmpqrtvwxyz
k:bcdfhjmpqvwxyz l:qrwx m:cfghjkqvwxyz n:bjqwx o:hqy p:bfjnqvwxz q:abcdefghijkmnopqrstvwxyz r:jqx s:jx t:bgjqv u:hkquvwy
v:bcdfghjklmpqstvwxyz w:bcfgjklmpqtuvwxz x:bdfghjklnoqrsuvwy y:dhjkquvxyz z:bcdfghjklpqrsvx
"""
_RARE_PAIRS = frozenset(entry[0] + second for entry in _RARE_SECONDS.split() for second in entry[2:])
_LONG_PIECE = 40  # characters; longer words are not natural language
_SIGNS = ("sign_runs", "single_signs", "sign_before_word", "quote_before_word", "underscore_before_word")


@dataclass
class TokenFeatures:
    """
    The features of a text.

    :param counts: how often each feature occurs; the names are the keys of ``WEIGHTS`` in ``token_weights.py``.
    """

    counts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    words: int = 0
    english_words: int = 0

    def add_piece(self, piece: str, times: int) -> None:
        """Count the features of a piece. The piece occurs ``times`` times in the text."""
        first, counts = piece[0], self.counts
        if first.isalpha():
            self._add_word(piece, times)
        elif len(piece) > 1 and piece[-1].isalpha():
            sign = "underscore" if first == "_" else "quote" if first in "\"'`" else "sign"
            counts[f"{sign}_before_word"] += times * first.isascii()
            self._add_word(piece[1:], times)
        elif first.isspace():
            self._add_space(piece, times)
        elif first.isalnum():
            counts["digit_groups"] += times * -(-len(piece) // 3)
        elif len(piece) == 1:
            counts["single_signs"] += times * first.isascii()
        elif signs := sum(map(str.isascii, piece)):
            counts["sign_runs"] += times
            counts["sign_changes"] += times * _changes(piece)
            counts["more_signs"] += times * (signs - 1)

    def _add_word(self, word: str, times: int) -> None:
        self.words += times
        if not word.isascii():
            if feature := _word_feature(word):
                self.counts[feature] += times
            self.counts["ascii_in_accented_words"] += times * sum(map(str.isascii, word))
            return
        self.english_words += times * (word.lower() in _ENGLISH)
        for name, value in _ascii_word_counts(word):
            self.counts[name] += times * value

    def _add_space(self, piece: str, times: int) -> None:
        if piece == " ":
            self.counts["spaces_before_digits"] += times
        elif len(piece) == 1:
            self.counts["single_spaces"] += times
        else:
            self.counts["space_runs"] += times
            self.counts["space_changes"] += times * _changes(piece)
            self.counts["more_spaces"] += times * (len(piece) - 2)

    def add_characters(self, text: str) -> None:
        """Count the characters of ``text`` that are not ASCII, by class."""
        for character, times in non_ascii(text).items():
            self.counts[character_class(character)] += times

    @property
    def signs(self) -> float:
        """The number of punctuation marks. Several marks in a row count as one."""
        return sum(self.counts[name] for name in _SIGNS)


def pieces(text: str) -> list[str]:
    """
    Cut a text into words, numbers, punctuation and white space.

    A single space before a word or punctuation mark is left out.
    """
    return _PIECE.findall(text)


def non_ascii(text: str) -> Counter[str]:
    """Count how often each character that is not ASCII occurs in a text."""
    return Counter("".join(_NON_ASCII.findall(text)))


def foreign_share(words: float, english_words: float, signs: float) -> float:
    """Return how likely it is that a text with these counts is neither English nor code, from 0 to 1."""
    if not words:
        return 0.0
    not_english = 1 - min(1.0, english_words / words / _ENGLISH_SHARE)
    not_code = 1 - min(1.0, signs / words / _SIGNS_PER_WORD)
    return not_english * not_code


def maximum_tokens(piece: str) -> int:
    """Return the maximum number of tokens of an ASCII piece.

    The maximum is one token per character. In a run of equal characters, it is one token per two characters.
    """
    return min(len(piece), 1 + len(piece) // 2 + _changes(piece))


def is_very_long(piece: str) -> bool:
    """
    Return whether an ASCII piece is longer than any natural word, as a hash or base64 can be.

    The average numbers of tokens, which were measured on words, do not apply to such a piece.
    """
    if len(piece) <= _LONG_PIECE or not piece.isascii() or piece[0].isdigit():
        return False
    # A run of white space or a line of equal signs is long, but has few tokens.
    return piece[-1].isalpha() or (not piece.isspace() and _changes(piece) > len(piece) // 4)


def may_be_rare(piece: str) -> bool:
    """
    Return whether a piece may have more tokens than the average piece with the same features.

    If such a piece makes up much of a text, the estimate from averages is too low for the whole text. The result is
    ``False`` for a piece that is not ASCII, because the characters of such a piece are counted one by one.
    """
    if not piece.isascii() or piece[0].isdigit() or piece == " " or piece.lower() in _ENGLISH:
        return False
    if len(piece) > 1 and piece.isspace():
        return False
    is_ordinary_word = len(piece) > 3 and piece[1:].islower() and "rare_pairs" not in dict(_ascii_word_counts(piece))
    return not is_ordinary_word


@lru_cache(maxsize=100_000)
def _word_feature(word: str) -> str | None:
    """
    Return the name of the feature that counts words in the script of ``word``, a word that is not ASCII.

    :return: ``None`` if there is no such feature, because only the letters of these words are counted.
    """
    script = character_class(next(character for character in word if not character.isascii()))
    script = script.removesuffix("_capital")
    if script in ("latin", "cyrillic", "hangul"):
        return f"{script}_words"
    return "han_or_kana_runs" if script.startswith(("han", "hira", "kata")) else None


@lru_cache(maxsize=100_000)
def _ascii_word_counts(word: str) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for part in _PART.findall(word):
        length = len(part)
        if length > 1 and part.isupper():
            counts["capitals"] += 1
            counts["more_capitals"] += length - 1
        else:
            counts["words"] += 1
            counts["letters_over_4"] += max(0, length - 4)
            counts["letters_over_8"] += max(0, length - 8)
            counts["foreign_words"] += length > 2
        counts["rare_pairs"] += sum(first + second in _RARE_PAIRS for first, second in pairwise(part.lower()))
    return tuple((name, count) for name, count in counts.items() if count)


def _changes(piece: str) -> int:
    """Return how many characters of a piece differ from the preceding character."""
    return sum(first != second for first, second in pairwise(piece))
