"""Build the German words for the numbers below 1,000 and for whole thousands, such as "vierundzwanzig"."""

from __future__ import annotations

from decimal import Decimal

_UNITS = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_TEENS = (
    "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")


def german_number_words() -> dict[str, Decimal]:
    """
    Return the values of German number words, by word.

    The words are those for 1 to 999, for whole thousands up to "neunhundertneunundneunzigtausend" (999,000), and for
    numbers with a half from "anderthalb" (1.5) to "neuneinhalb" (9.5).
    """
    below_hundred = {word: value for value, word in enumerate(_UNITS, 1)}
    below_hundred["eins"] = 1
    below_hundred |= {word: value for value, word in enumerate(_TEENS, 10)}
    for tens, word in enumerate(_TENS, 2):
        below_hundred[word] = 10 * tens
        below_hundred |= {f"{unit}und{word}": 10 * tens + value for value, unit in enumerate(_UNITS, 1)}
    words = dict(below_hundred)
    for hundreds, prefix in enumerate(("", *_UNITS)):
        value = 100 * max(hundreds, 1)
        words[f"{prefix}hundert"] = value
        words |= {f"{prefix}hundert{word}": value + part for word, part in below_hundred.items()}
    words |= {f"{word}tausend": 1000 * value for word, value in list(words.items()) if not word.endswith("eins")}
    spellings = {word.replace("ß", "ss"): value for word, value in words.items()}
    halves = {f"{word}einhalb": Decimal(value) + Decimal("0.5") for value, word in enumerate(_UNITS, 1)}
    return (
        {word: Decimal(value) for word, value in (words | spellings).items()} | halves | {"anderthalb": Decimal("1.5")}
    )
