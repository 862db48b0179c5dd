"""
Replace Cyrillic and Greek letters that look like Latin letters, in words of a text that is written in Latin letters.

A Russian or Greek word stays unchanged. Only two kinds of words are changed: words that mix Latin letters with letters
of the other script, and words that consist only of look-alikes in a text that has mostly Latin letters.
"""

from __future__ import annotations

import re

_OTHER_SCRIPT = re.compile("[\u0370-\u052f]")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CYRILLIC = str.maketrans("АВЕКМНОРСТУХІЈЅԌаеорсухіјѕһԁԛԝ", "ABEKMHOPCTYXIJSGaeopcyxijshdqw")
_GREEK = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανιρ", "ABEZHIKMNOPTYXoavip")
_LOOKALIKES = _CYRILLIC | _GREEK


def replace_lookalikes(text: str) -> str:
    """Replace Cyrillic and Greek look-alikes in ``text`` with Latin letters."""
    if not _OTHER_SCRIPT.search(text):
        return text
    is_latin = len(_LATIN.findall(text)) > len(_OTHER_SCRIPT.findall(text))

    def replacement(match: re.Match[str]) -> str:
        word = match.group()
        if not _OTHER_SCRIPT.search(word):
            return word
        latin = word.translate(_LOOKALIKES)
        is_mixed = _LATIN.search(word) is not None
        return latin if not _OTHER_SCRIPT.search(latin) and (is_mixed or is_latin) else word

    return _WORD.sub(replacement, text)
