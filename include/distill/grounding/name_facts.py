"""Find the names of an answer that its document does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from include.distill.grounding.absence import Absence
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.languages import LATIN_SCRIPT, Language
from include.distill.grounding.names import Name, names
from include.distill.grounding.words import stem

_PART_OF_NAME = 4
_MIN_ABBREVIATION = 3
_TITLED = re.compile(r"\b(?:Frau|Herrn?|Dr\.|Prof\.)\s+(?!Dr|Prof)([A-ZÄÖÜÇŞİ]\w+)")
_CAPITALIZED_PAIR = re.compile(r"\b([A-ZÄÖÜ]\w+) (?=([A-ZÄÖÜ]\w+))")


def absent_names(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield the names of a cleaned ``text`` that no source contains."""
    is_translated = sources[0].language.code != language.code and bool(language.code)
    # A Latin name inside another script must be in the document. A name in a translation can have another spelling.
    is_comparable = not is_translated or (
        language.code not in LATIN_SCRIPT and sources[0].language.code in {*LATIN_SCRIPT, ""}
    )
    is_transcribed = is_transcription(language, sources)
    found = names(text, language)
    absent = [name for name in found if not any(_has_name(name, source, language) for source in sources)]
    yield from _absent_full_names(found, text, sources)
    if language.code == "de" and not is_translated:
        yield from _other_surnames(text, language, sources)
        yield from _other_titled_names(text, sources)
    for name in absent:
        # A translated name has another spelling, unless it is an abbreviation or is written in another script.
        if name.text.lower() in language.months or is_transcribed or (not is_comparable and not _is_coined(name.text)):
            continue
        if len(name.text) == _MIN_ABBREVIATION - 1 and any(_has_initials(name.text, source) for source in sources):
            yield Absence("name_not_in_document", name.text, is_certain=False)
            continue
        if not name.is_certain or _is_expanded_abbreviation(name, found, text, sources):
            continue
        yield Absence("name_not_in_document", name.text)


def _absent_full_names(found: Sequence[Name], text: str, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """Yield names of two words, such as "AWS Backup", if the sources write the second word only in lower case."""
    for first, second in pairwise(found):
        if text[first.end : second.start] != " " or not second.text[1:].islower():
            continue
        full_name = f"{first.text} {second.text}"
        is_word = any(second.text.lower() in source.words for source in sources)
        is_name = any(second.text in source.text for source in sources)
        if is_word and not is_name and not any(full_name.lower() in source.lower for source in sources):
            yield Absence("name_not_in_document", full_name, is_certain=False)


def _other_surnames(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield names such as "Lena Schuster", if the sources have "Lena" only before other capitalized words.

    Every German noun is capitalized, so a single capitalized word says little.
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
    """Return whether an answer in Latin letters translates a document in another script, which writes names itself."""
    return language.code in LATIN_SCRIPT and sources[0].language.code not in {*LATIN_SCRIPT, ""}


def _is_coined(name: str) -> bool:
    return any(letter.isupper() or letter.isdigit() for letter in name[1:])


def _is_expanded_abbreviation(name: Name, found: Sequence[Name], text: str, sources: Sequence[Evidence]) -> bool:
    run = [name]
    for step in (1, -1):
        position = found.index(name) + step
        while 0 <= position < len(found):
            one, other = sorted((found[position], run[0] if step < 0 else run[-1]), key=lambda entry: entry.start)
            if text[one.end : other.start].strip() not in {"", "of", "and"}:
                break
            run.insert(0 if step < 0 else len(run), found[position])
            position += step
    initials = "".join(one.text[0].lower() for one in run)
    position = run.index(name)
    return any(
        initials[start:end] in source.words
        for start in range(position + 1)
        for end in range(position + 1, len(initials) + 1)
        if end - start >= _MIN_ABBREVIATION
        for source in sources
    )


def _has_initials(abbreviation: str, source: Evidence) -> bool:
    first, second = abbreviation[0].lower(), abbreviation[1].lower()
    return re.search(rf"\b{re.escape(first)}\w+[ -]{re.escape(second)}\w+", source.lower) is not None


def _has_name(name: Name, source: Evidence, language: Language) -> bool:
    # "PUT" and "AND" are names only if the source writes them in capitals too.
    if name.text.isupper() and name.text.lower() in language.stop_words:
        return name.text in source.text
    parts = re.findall(r"[^\W_]+[+#]*", name.text.lower())
    return all(_has_part(part, source) for part in parts)


def _has_part(part: str, source: Evidence) -> bool:
    """Return whether the source has one word of a name, in any case, or as a part of another word."""
    bare = part.rstrip("+#")
    if part != bare:
        return part in source.lower
    singular = part.removesuffix("s") if len(part) > 2 else part
    if {part, singular, f"{part}s"} & source.words:
        return True
    if len(part) >= _PART_OF_NAME and (stem(part) in source.all_stems or part in source.squeezed):
        return True
    return len(singular) >= _MIN_ABBREVIATION and len(singular) <= 5 and singular in source.initials
