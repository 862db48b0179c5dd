"""Find the numbers, units, dates, identifiers, names and quotations of an answer that its document does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from include.distill.grounding.absence import Absence
from include.distill.grounding.dates import NumericDate, months, numeric_dates, times
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.identifiers import blanked, identifiers
from include.distill.grounding.languages import Language
from include.distill.grounding.name_facts import absent_names, is_transcription
from include.distill.grounding.names import names
from include.distill.grounding.number_facts import absent_quantities
from include.distill.grounding.numbers import quantities
from include.distill.grounding.quotations import quotations
from include.distill.grounding.thresholds import SMALL_COUNT
from include.distill.text.normalization import strip_punctuation

_WORDS_OF_QUOTATION = 0.75
_DAY_AND_MONTH = 2


def absent_facts(answer: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield the facts of ``answer`` that no source contains.

    :param answer: a cleaned answer without the marks of list entries.
    :param sources: the document, then the question.
    """
    found_identifiers = identifiers(answer)
    for identifier in found_identifiers:
        # "WeChat" is 微信 in a Chinese document.
        is_transcribed = identifier.text.isalpha() and is_transcription(language, sources)
        if (
            not identifier.is_number
            and not is_transcribed
            and not any(_has_identifier(identifier.text, source) for source in sources)
        ):
            yield Absence("identifier_not_in_document", identifier.text)
    rest = _blanked(answer, [(one.start, one.end) for one in found_identifiers if not one.is_number])
    dates = numeric_dates(rest)
    for date in dates:
        if not _has_date(date, sources):
            yield Absence("date_not_in_document", date.text)
    rest = _blanked(rest, [(date.start, date.end) for date in dates])
    clock = times(rest)
    for start, end, minute in clock:
        if not any(minute in source.times or _has_hour(minute, source) for source in sources):
            yield Absence("number_not_in_document", rest[start:end])
    rest = _blanked(rest, [(start, end) for start, end, _ in clock])
    for month, word in months(rest, language):
        if not any(month in source.months for source in sources):
            yield Absence("date_not_in_document", word)
    yield from absent_quantities(rest, language, sources)
    yield from absent_names(rest, language, sources)
    yield from _absent_quotations(answer, language, sources)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = blanked(text, start, end)
    return text


def _has_identifier(text: str, source: Evidence) -> bool:
    token = "".join(text.lower().split()).strip(".,:;")
    if token.strip("`'\"") in source.squeezed:
        return True
    parts = [part for part in re.split(r"[/:=]", token) if part]
    # Words of the document that were joined in another way, such as "HTTP/HTTPS" or "s3:GetObject".
    return len(parts) > 1 and all(part in source.squeezed for part in parts)


def _has_hour(minute: int, source: Evidence) -> bool:
    """Return whether a source tells the time in words or without minutes, such as "7 in the evening" or 晚上七点."""
    hours = {Decimal(minute // 60).normalize(), Decimal(minute // 60 + 12).normalize()}
    minutes = Decimal(minute % 60).normalize()
    return bool(hours & source.units_by_value.keys()) and (not minutes or minutes in source.units_by_value)


def _has_date(date: NumericDate, sources: Sequence[Evidence]) -> bool:
    wanted = frozenset(date.parts)
    if any(wanted in source.dates for source in sources):
        return True
    # "3.11." can be the third of November or, at the end of a sentence, a version.
    number = Decimal(f"{date.parts[0]}.{date.parts[1]}").normalize() if len(date.parts) == _DAY_AND_MONTH else None
    if number is not None and any(number in source.units_by_value for source in sources):
        return True
    return any(
        date.parts[position] in source.months
        and all(
            Decimal(part).normalize() in source.units_by_value
            for other, part in enumerate(date.parts)
            if other != position
        )
        for source in sources
        for position in date.month_positions
    )


def _absent_quotations(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    if language.code != sources[0].language.code:
        return  # a quotation may be translated
    for quoted in quotations(text):
        plain = strip_punctuation(quoted)
        if not plain or any(plain in source.plain for source in sources):
            continue
        parts = plain.split()
        share = max(sum(f" {part} " in source.plain for part in parts) / len(parts) for source in sources)
        # Inside its own words, an answer may put one word in quotation marks to mark it as unusual.
        yield Absence("quotation_not_in_document", quoted, is_certain=len(parts) > 2 and share < _WORDS_OF_QUOTATION)


def has_checkable_fact(answer: str, language: Language) -> bool:
    """Return whether a cleaned answer states a fact that is unlikely to occur in a document by chance."""
    if any(not one.is_number for one in identifiers(answer)):
        return True
    if any(quantity.unit or max(quantity.values, default=0) > SMALL_COUNT for quantity in quantities(answer, language)):
        return True
    return bool(numeric_dates(answer)) or any(name.is_certain for name in names(answer, language))
