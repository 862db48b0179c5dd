"""Find a number in a text in any of the languages of the grounding set, in digits or in words."""

from __future__ import annotations

import re
import unicodedata

WORDS = {
    2: "two zwei deux dos दो اثنان اثنين اثنتان اثنتين اثنا اثني",
    4: "four vier quatre cuatro चार أربع أربعة",
    5: "five fünf cinq cinco पाँच पांच خمس خمسة",
    6: "six sechs seis छह छः छे ست ستة",
    7: "seven sieben sept siete सात سبع سبعة",
    8: "eight acht huit ocho आठ ثمان ثماني ثمانية",
    9: "nine neun neuf nueve नौ تسع تسعة",
    10: "ten zehn dix diez दस عشر عشرة",
    14: "fourteen vierzehn quatorze catorce चौदह",
    15: "fifteen fünfzehn quinze quince पंद्रह पन्द्रह",
    18: "eighteen achtzehn dix-huit dieciocho अठारह",
    20: "twenty zwanzig vingt veinte बीस عشرون عشرين",
    22: "zweiundzwanzig vingt-deux veintidós बाईस",
    25: "fünfundzwanzig vingt-cinq veinticinco पच्चीस",
    28: "achtundzwanzig vingt-huit veintiocho अट्ठाईस",
    30: "thirty dreißig trente treinta तीस ثلاثون ثلاثين",
    35: "fünfunddreißig trente-cinq पैंतीस",
    40: "forty vierzig quarante cuarenta चालीस أربعون أربعين",
    45: "fünfundvierzig quarante-cinq पैंतालीस",
    50: "fifty fünfzig cinquante cincuenta पचास خمسون خمسين",
    55: "fünfundfünfzig cinquante-cinq पचपन",
    60: "sixty sechzig soixante sesenta साठ ستون ستين",
    70: "seventy siebzig soixante-dix setenta सत्तर سبعون سبعين",
    72: "zweiundsiebzig soixante-douze बहत्तर",
    75: "fünfundsiebzig soixante-quinze पचहत्तर",
    90: "ninety neunzig quatre-vingt-dix noventa नब्बे تسعون تسعين",
    200: "zweihundert doscientos مئتان مئتين مئتا مئتي",
    300: "dreihundert trescientos ثلاثمئة",
    400: "vierhundert cuatrocientos أربعمئة",
}
"""Words for the numbers that false values contain. A compound counts as one word, so that `dix-huit` is not 8."""

_CHINESE_DIGITS = "〇一二三四五六七八九"
_CHINESE_NUMBER = "〇零一二三四五六七八九十百千万"
_DIGITS = re.compile(r"\d+(?:[.:]\d+)*")


def numbers_of(text: str) -> set[str]:
    """Return the numbers that a text states, in ASCII digits with a decimal point."""
    plain = plain_digits(text)
    digits = {_without_trailing_zeros(number) for number in _DIGITS.findall(plain)}
    words = {str(value) for value, names in WORDS.items() if any(has_word(plain, name) for name in names.split())}
    chinese = {_read_chinese(number) for number in re.findall(rf"[{_CHINESE_NUMBER}]+", plain)}
    return digits | words | chinese


def plain_digits(text: str) -> str:
    """Write every digit as an ASCII digit, without thousands separators and with a decimal point."""
    normal = unicodedata.normalize("NFKC", text)
    ascii_digits = "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in normal)
    joined = re.sub(r"(?<=\d)[ .,٬](?=\d{3}(?!\d))", "", ascii_digits)
    return re.sub(r"(?<=\d)[,٫](?=\d)", ".", joined)


def has_word(text: str, word: str) -> bool:
    """Return whether a text contains a word, whatever its case and with or without Arabic prefixes."""
    letter = r"[\w\u0900-\u0963\u064b-\u0652-]"
    prefix = r"(?:و?(?:ب|ل|ك|ف)?(?:ال)?)" if re.match(r"[\u0600-\u06ff]", word) else ""
    ending = r"(?:[\u064b-\u0652ا]{0,2})" if prefix else ""
    return re.search(rf"(?<!{letter}){prefix}{re.escape(word)}{ending}(?!{letter})", text, re.IGNORECASE) is not None


def _without_trailing_zeros(number: str) -> str:
    return re.sub(r"\.0+$", "", number)


def _read_chinese(number: str) -> str:
    """Read a Chinese or Japanese number below a hundred million."""
    ten_thousands, separator, rest = number.rpartition("万")
    total = int(_read_chinese(ten_thousands)) * 10_000 if separator and ten_thousands else 10_000 * bool(separator)
    digit = 0
    for char in rest:
        unit = {"十": 10, "百": 100, "千": 1000}.get(char)
        if unit:
            total, digit = total + (digit or 1) * unit, 0
        else:
            digit = digit * 10 + max(_CHINESE_DIGITS.find(char), 0)
    return str(total + digit)
