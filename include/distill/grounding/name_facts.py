"""Find the names in an answer that its document does not contain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from include.distill.grounding.abbreviations import expanded_words
from include.distill.grounding.absence import Absence
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import LATIN_SCRIPT, Language
from include.distill.grounding.languages import language as language_named
from include.distill.grounding.names import LOAN_WORDS, Name, names
from include.distill.grounding.translated_names import is_spelled_like, is_usually_translated, sounds_like
from include.distill.grounding.units import unit_named
from include.distill.grounding.weekdays import weekdays
from include.distill.grounding.words import stem, words

_PART_OF_NAME = 4
_MIN_ABBREVIATION = 3
_COUNTRY_ROOT = 5
_SHORT_ANSWER = 12
_WORDS_OF_CAPITALS = 4
_CHARACTERS_BEFORE = 12
# A nationality, which may follow from the name of a place.
_ADJECTIVE = re.compile("(?:an|ish|ese|ch|eek|ss|sche[rns]?|ais|aise|és|ol|ole|ien|ienne|ano|ana|eo|ea)$")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "sir", "miss"})
_CAPITALIZED_AFTER_WORD = re.compile(r"(?<=[a-z] )[A-Z][a-z]+\b")
_LONG_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?:[ -][A-Z][a-z]+){2,}")
_CHOICES = frozenset({"choose", "select", "click", "press", "open", "tab", "button", "option"})
_TITLED = re.compile(r"\b(?:Frau|Herrn?|Dr\.|Prof\.)\s+(?!Dr|Prof)([A-ZÄÖÜÇŞİ]\w+)")
_CAPITALIZED_PAIR = re.compile(r"\b([A-ZÄÖÜ]\w+) (?=([A-ZÄÖÜ]\w+))")


def absent_names(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield the names of a cleaned ``text`` that no source contains."""
    if text.isupper() and len(text.split()) > _WORDS_OF_CAPITALS:
        return  # in a text in capitals, every word looks like a name
    found = names(text, language)
    expanded = expansions(text, sources)
    absent = [
        name
        for name in found
        if name.start not in expanded and not any(has_name(name, source, language) for source in sources)
    ]
    is_translated = sources[0].language.code != language.code and bool(language.code)
    if is_translated and language.code in LATIN_SCRIPT:
        yield from _absent_in_translation(absent, text, language, sources)
        return
    yield from _absent_full_names([name for name in found if name.start not in expanded], text, sources)
    if language.code != "de":
        yield from _absent_long_names(text, expanded, sources)
    yield from _in_other_case(found, text, language, sources)
    yield from _capitalized_stop_words(text, language, sources)
    if language.code == "de":
        yield from _other_surnames(text, language, sources)
        yield from _other_titled_names(text, sources)
    for name in absent:
        if _is_date(name) or not name.is_certain:
            continue
        yield Absence("name_not_in_document", name.text, is_certain=not _may_be_another_form(name, sources))


def expansions(text: str, sources: Sequence[Evidence]) -> frozenset[int]:
    """Return the start positions of the words in ``text`` that spell out an abbreviation that a source has."""
    return frozenset[int]().union(*(expanded_words(text, one.words, one.in_capitals) for one in sources))


def _may_be_another_form(name: Name, sources: Sequence[Evidence]) -> bool:
    """Return whether a name may be another form of words in the sources: an abbreviation, compound or nationality."""
    bare = name.text.lower().removesuffix("s")
    if len(name.text) == _MIN_ABBREVIATION - 1 and any(_has_initials(name.text, source) for source in sources):
        return True
    if name.text.rstrip("s").isupper() and any(
        {bare, name.text.lower()} & source.possible_abbreviations for source in sources
    ):
        return True
    capitalized = [part for part in re.findall(r"[^\W_]+", name.text) if not part.islower()]
    is_compound = "-" in name.text and len(capitalized) < len(re.findall(r"[^\W_]+", name.text))
    if is_compound and all(any(part.lower() in source.words for source in sources) for part in capitalized):
        return True  # "SSD-backed", which the sources may say in other words
    root = name.text.lower()[:_COUNTRY_ROOT]
    return is_usually_translated(name.text) and (
        _ADJECTIVE.search(name.text) is not None or any(f" {root}" in source.plain for source in sources)
    )


def _absent_in_translation(
    absent: Sequence[Name], text: str, language: Language, sources: Sequence[Evidence]
) -> Iterator[Absence]:
    """Yield the names in a translated answer that the document does not contain in any spelling."""
    is_other_script = is_transcription(language, sources)
    is_one_sentence = len(text.split()) <= _SHORT_ANSWER
    for name in absent:
        is_coined = _is_coined(name.text)
        is_common = name.text.lower().replace("-", "") in LOAN_WORDS | _TITLES or unit_named(name.text.lower())
        if _is_date(name) or is_common or (not is_coined and (language.code == "de" or not name.is_certain)):
            continue
        if is_usually_translated(name.text):
            if not is_other_script:
                yield Absence("name_not_in_document", name.text, is_certain=False)
        elif is_other_script:
            is_comparable = sources[0].language.code in {"ar", "hi"} or is_one_sentence
            if is_comparable and not any(sounds_like(name.text, source.skeletons) for source in sources):
                yield Absence("name_not_in_document", name.text, is_certain=False)
        elif is_coined or not any(is_spelled_like(name.text, source.words) for source in sources):
            yield Absence("name_not_in_document", name.text)


def _is_date(name: Name) -> bool:
    return bool(weekdays(name.text)) or any(name.text.lower() in language_named(code).months for code in LATIN_SCRIPT)


def _in_other_case(found: Sequence[Name], text: str, of: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield the names that follow "choose" or a similar word, and that no source writes with the same capitals."""
    for name in found:
        before = words(text[max(0, name.start - _CHARACTERS_BEFORE) : name.start])
        if (
            name.is_certain
            and before
            and before[-1] in _CHOICES
            and not any(name.text in source.text for source in sources)
        ):
            yield Absence("name_not_in_document", name.text, is_certain=False)


def _capitalized_stop_words(text: str, of: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield stop words that the answer writes like a name, such as "Go", and that the sources never capitalize."""
    for match in _CAPITALIZED_AFTER_WORD.finditer(text):
        word = match.group()
        if of.code == "en" and word.lower() in of.stop_words and not any(word in source.text for source in sources):
            yield Absence("name_not_in_document", word, is_certain=False)


def _absent_full_names(found: Sequence[Name], text: str, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield names of two words whose second word the sources write only in lower case.

    For example, yield "AWS Backup" if the sources have the word "backup", but neither "Backup" nor "aws backup".
    """
    for first, second in pairwise(found):
        if text[first.end : second.start] != " " or not second.text[1:].islower():
            continue
        full_name = f"{first.text} {second.text}"
        is_word = any(second.text.lower() in source.words for source in sources)
        is_name = any(second.text in source.text for source in sources)
        if is_word and not is_name and not any(full_name.lower() in source.lower for source in sources):
            yield Absence("name_not_in_document", full_name, is_certain=False)


def _absent_long_names(text: str, expanded: frozenset[int], sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield names such as "Server Name Indication", if no two successive words of the name are in the sources."""
    for match in _LONG_NAME.finditer(text):
        name = match.group()
        if not expanded.isdisjoint(range(*match.span())):
            continue  # "Amazon Simple Queue Service": the rest of the name is compared word by word
        parts = re.split(r"[ -]", name)
        pairs = [f"{first} {second}".lower() for first, second in pairwise(parts)]
        if not any(pair in source.plain for pair in pairs for source in sources):
            yield Absence("name_not_in_document", name)


def _other_surnames(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield names with a known first word and a new second word.

    "Lena Schuster" is such a name if the sources contain "Lena Vogt", but never "Schuster".

    The sources must contain the first word before another capitalized word. A capital letter alone is not evidence of
    a name, because every German noun is capitalized.
    """
    for first, second in _CAPITALIZED_PAIR.findall(text):
        if first.lower() in language.stop_words:
            continue
        followers = {word for source in sources for word in re.findall(rf"\b{first} ([A-ZÄÖÜ]\w+)", source.text)}
        is_new = not any(second.lower() in source.lower for source in sources)
        if followers and is_new:
            yield Absence("name_not_in_document", f"{first} {second}")


def _other_titled_names(text: str, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield names after "Frau", "Herr", "Dr." or "Prof." that no source contains."""
    for name in _TITLED.findall(text):
        if not any(name.lower() in source.lower for source in sources):
            yield Absence("name_not_in_document", name)


def is_transcription(language: Language, sources: Sequence[Evidence]) -> bool:
    """Return whether the answer is in Latin letters but its document is not, so that names look different."""
    return language.code in LATIN_SCRIPT and sources[0].language.code not in {*LATIN_SCRIPT, ""}


def _is_coined(name: str) -> bool:
    return any(letter.isupper() or letter.isdigit() for letter in name[1:])


def _has_initials(abbreviation: str, source: Evidence) -> bool:
    first, second = abbreviation[0].lower(), abbreviation[1].lower()
    return re.search(rf"\b{re.escape(first)}\w+[ -]{re.escape(second)}\w+", source.lower) is not None


def has_name(name: Name, source: Evidence, language: Language) -> bool:
    """Return whether a source has all parts of a name."""
    # "PUT" and "AND" are names only if the source writes them in capitals too.
    if name.text.isupper() and name.text.lower() in language.stop_words:
        return name.text in source.text
    parts = re.findall(r"[^\W_]+[+#]*", name.text)
    return all(_has_part(part.lower(), source, is_abbreviation=part.isupper()) for part in parts)


def _has_part(part: str, source: Evidence, *, is_abbreviation: bool) -> bool:
    """Return whether the source has one word of a name, in upper or lower case, alone or as a part of another word."""
    bare = part.rstrip("+#")
    if part != bare:
        return part in source.lower
    # "ECS" is not the plural of "EC".
    singular = part.removesuffix("s") if len(part) > 2 and not is_abbreviation else part
    if {part, singular, f"{part}s"} & source.words or {part, singular} & source.abbreviations:
        return True
    # An abbreviation may be a part of another word by chance.
    return (
        not is_abbreviation and len(part) >= _PART_OF_NAME and (stem(part) in source.all_stems or part in source.lower)
    )
