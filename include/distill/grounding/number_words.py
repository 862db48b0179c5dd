"""Read numbers that are written in words, such as "twenty-four", or in Chinese characters, such as 二十四."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from include.distill.grounding.languages import Language
from include.distill.grounding.plain_text import WORD

_ARABIC_TEENTH = re.compile(r"\bال(?:حادي|ثاني|ثالث|رابع|خامس|سادس|سابع|ثامن|تاسع)ة? عشرة?\b")
_ARABIC_PREFIXES, _SHORTEST_PREFIXED = "بلكف", 3
_BETWEEN = re.compile(r"[\s-]*")
_FRENCH_EIGHTY = re.compile(r"\bquatre-vingts?\b", re.IGNORECASE)
_DENSE_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "兩": 2,
}
_DENSE_SCALES = {"十": 10, "百": 100, "千": 1000}
_DENSE_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
DENSE_NUMERAL = re.compile("[〇零一二三四五六七八九两兩十百千][〇零一二三四五六七八九两兩十百千万萬亿億兆]*")


def dense_value(numeral: str) -> Decimal:
    """Return the value of a number in Chinese characters. 二〇二四 is read digit by digit."""
    if not any(character in _DENSE_SCALES or character in _DENSE_GROUPS for character in numeral):
        return Decimal("".join(str(_DENSE_DIGITS[character]) for character in numeral)).normalize()
    total = group = digit = 0
    for character in numeral:
        if character in _DENSE_DIGITS:
            digit = _DENSE_DIGITS[character]
        elif character in _DENSE_SCALES:
            group += (digit or 1) * _DENSE_SCALES[character]
            digit = 0
        else:
            total += (group + digit or 1) * _DENSE_GROUPS[character]
            group = digit = 0
    return Decimal(total + group + digit).normalize()


def dense_values(numeral: str) -> tuple[Decimal, ...]:
    """Return the values of a number in Chinese characters.

    两三 can mean 23 or "two or three", so its values are 23, 2 and 3.
    """
    value = dense_value(numeral)
    digits = [_DENSE_DIGITS[character] for character in numeral if character in _DENSE_DIGITS]
    if len(numeral) == len(digits) == 2 and digits[1] == digits[0] + 1:
        return (value, Decimal(digits[0]), Decimal(digits[1]))
    return (value,)


def word_runs(text: str, language: Language, *, is_source: bool = False) -> Iterator[tuple[int, int, Decimal]]:
    """
    Yield the start, the end and the value of each number that is written in words.

    :param is_source: whether to also read ordinals, and words such as "half".
    """
    if not language.numbers:
        return
    text = _prepared(text, language, is_source=is_source)
    numbers = {**language.fractions, **language.ordinals, **language.numbers} if is_source else language.numbers
    parser = _Run()
    joined_end = -1
    for match in WORD.finditer(text):
        word = match.group().lower()
        value = numbers.get(word)
        if value is None and language.code == "ar":
            value = _arabic_value(word, numbers, is_continued=parser.open)
        gap = text[max(parser.end, joined_end) : match.start()] if parser.open else ""
        follows = parser.open and _BETWEEN.fullmatch(gap) is not None
        if value is not None and follows and parser.add(value, match.end()):
            continue
        if parser.open and not (follows and word in language.joiners):
            yield parser.start, parser.end, parser.close()
        if value is not None:
            if parser.open:
                yield parser.start, parser.end, parser.close()
            parser.begin(value, match.start(), match.end())
            joined_end = -1
        else:
            joined_end = match.end() if parser.open else -1
    if parser.open:
        yield parser.start, parser.end, parser.close()


def _prepared(text: str, language: Language, *, is_source: bool) -> str:
    """
    Replace two-word numbers that would be misread if each word were read as a separate number.

    The French "quatre-vingts" (eighty) becomes "octante". In an Arabic answer, the ordinals from 11th to 19th become
    semicolons. Each replacement has the length of the original, so the positions of all other words stay the same.
    """
    if language.code == "fr":
        return _FRENCH_EIGHTY.sub(lambda match: "octante".ljust(len(match.group())), text)
    if language.code == "ar" and not is_source:
        return _ARABIC_TEENTH.sub(lambda match: ";" * len(match.group()), text)
    return text


def _arabic_value(word: str, numbers: Mapping[str, Decimal], *, is_continued: bool) -> Decimal | None:
    """Return the value of an Arabic number word with a prefix, such as بتسعين, or with an accusative ending."""
    bare = word.removesuffix("ً").removesuffix("ا")
    if word.startswith("و"):
        return numbers.get(word[1:], numbers.get(bare[1:])) if is_continued else None
    if word[0] in _ARABIC_PREFIXES and len(word) > _SHORTEST_PREFIXED:
        return numbers.get(word[1:])
    return numbers.get(bare) if bare != word else None


class _Run:
    """A number that is being read word by word."""

    def __init__(self) -> None:
        self.open = False
        self.start = self.end = 0
        self._total = self._group = Decimal(0)

    def begin(self, value: Decimal, start: int, end: int) -> None:
        """Start reading a number: ``value`` is the value of its first word."""
        self.open, self.start, self.end = True, start, end
        self._total, self._group = (Decimal(0), value) if value < 1000 else (value, Decimal(0))

    def add(self, value: Decimal, end: int) -> bool:
        """Add a word to the number. Return whether the word fits: "twenty four" is one number, "two four" is not."""
        if value >= 1000:
            if not self._group:
                return False
            self._total, self._group = self._total + self._group * value, Decimal(0)
        elif value == 100:
            if not 0 < self._group < 100:
                return False
            self._group *= 100
        else:
            # Arabic and German put the unit before the tens: "four and twenty".
            if value % 1 or self._group % 1:
                return False
            room = (value < 100 and self._group % 100 == 0) or (
                value < 10 and self._group % 10 == 0 and self._group % 100 > 10
            )
            reverse = value % 10 == 0 and 20 <= value < 100 and 0 < self._group % 100 < 10
            teen = value == 10 and 0 < self._group % 100 < 10
            french = 10 <= value < 20 and self._group % 100 in {60, 80}
            if not (room or reverse or teen or french) and not (self._group == 0 and self._total):
                return False
            self._group += value
        self.end = end
        return True

    def close(self) -> Decimal:
        """End the number that is being read, and return its value."""
        self.open = False
        return (self._total + self._group).normalize()
