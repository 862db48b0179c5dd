"""
Replace look-alike letters from another script, such as a Cyrillic letter in a Latin word.

A Latin, Russian or Greek word stays unchanged. Only two kinds of words are changed: words that mix Latin letters with
Cyrillic or Greek letters, and words that consist only of look-alikes in a text that has mostly Latin letters.
"""

from __future__ import annotations

import re

_OTHER_SCRIPT = re.compile("[\u0370-\u052f]")
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC_LETTER = re.compile("[\u0400-\u052f]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CYRILLIC = str.maketrans("АВЕКМНОРСТУХІЈЅԌаеорсухіјѕһԁԛԝ", "ABEKMHOPCTYXIJSGaeopcyxijshdqw")
_GREEK = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανιρ", "ABEZHIKMNOPTYXoavip")
_LOOKALIKES = _CYRILLIC | _GREEK
_FROM_LATIN = tuple({latin: letter for letter, latin in letters.items()} for letters in (_CYRILLIC, _GREEK))


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
        if not _OTHER_SCRIPT.search(latin) and (is_mixed or is_latin):
            return latin
        return _without_latin(word) if is_mixed else word

    return _WORD.sub(replacement, text)


def _without_latin(word: str) -> str:
    """Replace the Latin letters in a Cyrillic or Greek word with the look-alikes from the word's own script.

    If the word has a Latin letter without such a look-alike, return the word unchanged.
    """
    table = _FROM_LATIN[0 if _CYRILLIC_LETTER.search(word) else 1]
    replaced = word.translate(table)
    return word if _LATIN.search(replaced) else replaced
