"""Find the times of day that a text writes in words, such as "half past nine", 午後五時半 and "halb sieben"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from include.distill.grounding.languages import WITHOUT_SPACES, Language, language
from include.distill.grounding.number_words import dense_value
from include.distill.grounding.plain_text import WORD

_HOUR = rf"(?P<hour>\d{{1,2}}|{WORD.pattern})"
_HALF_DAY = 12 * 60
_LATEST_HOUR = 24
# Per language: patterns, and the minutes that they add to the full hour.
_SPOKEN: dict[str, tuple[tuple[str, int], ...]] = {
    "en": ((rf"half past {_HOUR}", 30), (rf"quarter past {_HOUR}", 15), (rf"quarter to {_HOUR}", -15)),
    "de": (
        (rf"halb {_HOUR}", -30),
        (rf"viertel nach {_HOUR}", 15),
        (rf"(?:viertel vor|dreiviertel) {_HOUR}", -15),
    ),
    "fr": (
        (rf"(?:à|de|dès|vers|avant|après|et|jusqu'à) {_HOUR} heures? et demie", 30),
        (rf"(?:à|de|dès|vers|avant|après|et|jusqu'à) {_HOUR} heures? et quart", 15),
        (rf"(?:à|de|dès|vers|avant|après|et|jusqu'à) {_HOUR} heures? moins le quart", -15),
    ),
    "es": (
        (rf"las? {_HOUR} y media", 30),
        (rf"las? {_HOUR} y cuarto", 15),
        (rf"las? {_HOUR} menos cuarto", -15),
    ),
    "it": ((rf"(?:le|alle|dalle) {_HOUR} e mezz[ao]", 30), (rf"(?:le|alle|dalle) {_HOUR} e un quarto", 15)),
    "pt": ((rf"(?:as|às) {_HOUR} e meia", 30),),
    "hi": (
        (rf"साढ़े {_HOUR} बजे", 30),
        (rf"सवा {_HOUR} बजे", 15),
        (rf"पौने {_HOUR} बजे", -15),
    ),
    "ar": (
        (rf"{_HOUR} و(?:ال)?نصف(?! دينار)", 30),
        (rf"{_HOUR} و(?:ال)?ربع", 15),
        (rf"{_HOUR} إلا (?:ال)?ربع[اً]*", -15),
    ),
}
_NOON_OR_MIDNIGHT = re.compile(
    r"\b(?:noon|midday|midnight|mitternacht|midi|minuit|mediodía|medianoche|mezzogiorno|mezzanotte|meio-dia|meia-noite)\b"
    "|12 Uhr mittags|正午|昼の?12時|真夜中|午夜|半夜12[点點]|आधी रात|منتصف الليل|منتصف النهار",
    re.IGNORECASE,
)
_DENSE = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2}|[一二三四五六七八九十两]{1,3})\s?[時点點时](?![間间])"
    r"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>\d{1,2}|[一二三四五六七八九十]{1,3})(?=分)分)"
)
_DENSE_HOUR = re.compile(r"(?<!\d)(\d{1,2}|[一二三四五六七八九十两]{1,3})\s?[時点點时](?![間间])")
_HOUR_AND_MINUTE = re.compile(r"(?<!\d)(\d{1,2})\s?(?:Uhr|heures?|h)\s?(\d{2})(?!\d)")


def spoken_times(text: str, of: Language) -> list[tuple[int, int, int]]:
    """Return the start and end of each time that contains words, and the minutes since the last noon or midnight."""
    found = [(match.start(), match.end(), 0) for match in _NOON_OR_MIDNIGHT.finditer(text)]
    if of.code in WITHOUT_SPACES:
        found += _dense_times(text)
    found += _spoken_times(text, of)
    for match in _HOUR_AND_MINUTE.finditer(text):
        hour, minute = int(match.group(1)), int(match.group(2))
        if hour <= _LATEST_HOUR and minute < 60:
            found.append((match.start(), match.end(), (hour * 60 + minute) % _HALF_DAY))
    return found


def spoken_hours(text: str, of: Language) -> set[int]:
    """Return the full hours that a Chinese or Japanese text writes in characters, such as 十時."""
    if of.code not in WITHOUT_SPACES:
        return set()
    return {hour for match in _DENSE_HOUR.finditer(text) if (hour := _value(match.group(1))) <= _LATEST_HOUR}


def _dense_times(text: str) -> Iterator[tuple[int, int, int]]:
    for match in _DENSE.finditer(text):
        minute = 30 if match["half"] else 15 * _value(match["quarter"]) if match["quarter"] else _value(match["minute"])
        hour = _value(match["hour"])
        if hour <= _LATEST_HOUR and minute < 60:
            yield match.start(), match.end(), (hour * 60 + minute) % _HALF_DAY


def _value(numeral: str) -> int:
    return int(numeral) if numeral.isdigit() else int(dense_value(numeral))


def _spoken_times(text: str, of: Language) -> Iterator[tuple[int, int, int]]:
    for pattern, minutes in _SPOKEN.get(of.code, ()):
        for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE):
            hour = _hour(match["hour"], of)
            if hour is not None and hour <= _LATEST_HOUR:
                yield match.start(), match.end(), (hour * 60 + minutes) % _HALF_DAY


def _hour(word: str, of: Language) -> int | None:
    """Return the hour that a word or digits name. Arabic uses ordinals for hours."""
    if word.isdigit():
        return int(word)
    values = language(of.code)
    value = values.numbers.get(word.lower())
    if value is None and of.code == "ar":
        value = values.ordinals.get(word.removeprefix("لل").removeprefix("ل")) or values.ordinals.get(f"ا{word}")
    return int(value) if value is not None else None
