"""Find the numbers, units, dates, identifiers, names and quotations in an answer that its document lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from include.distill.grounding.absence import Absence
from include.distill.grounding.clock_times import spoken_times
from include.distill.grounding.dates import NumericDate, months, numeric_dates, times
from include.distill.grounding.derivation import time_is_derivable
from include.distill.grounding.evidence import Evidence
from include.distill.grounding.identifiers import blanked, compounds, identifiers
from include.distill.grounding.languages import Language, english
from include.distill.grounding.name_facts import absent_names, expansions, has_name, is_transcription
from include.distill.grounding.names import names
from include.distill.grounding.number_facts import absent_quantities
from include.distill.grounding.numbers import quantities
from include.distill.grounding.quotations import quotations
from include.distill.grounding.thresholds import SMALL_COUNT
from include.distill.grounding.weekdays import weekdays
from include.distill.text.normalization import strip_punctuation

_VERSION_WITH_LETTER = re.compile(r"v\d[\w.]*")
_LONG_TOKEN, _WORD_OF_CODE = 7, 4
_WORDS_OF_QUOTATION = 0.75
_WORDS_OF_NAME = 2
_DAY_AND_MONTH = 2
# Last parts of ordinary compounds, which can follow many words: "policy-based".
_COMMON_LAST_PARTS = frozenset(
    {
        "based", "only", "specific", "level", "side", "time", "term", "day", "hour", "minute", "second", "week",
        "month", "year", "free", "out", "up", "in", "on", "off", "down", "over", "by", "to", "the", "and", "or",
        "end", "one", "two", "wide", "friendly", "like", "related", "aware", "scale", "step", "way", "size",
        "length", "old", "new", "long", "short", "first", "last", "backed", "sized", "style", "type", "class",
        "compatible", "enabled", "optimized",
    }
)  # fmt: skip
# An identifier that is joined with a noun: "i3en.metal-Instanz" in German, "gp3-based" in English.
_BEFORE_NOUN = re.compile("(.+)-[A-Z\u00c4\u00d6\u00dc][a-z\u00e4\u00f6\u00fc\u00df]{2,}")
_BEFORE_COMMON_PART = re.compile(rf"(.+)-(?:{'|'.join(sorted(_COMMON_LAST_PARTS))})")


def absent_facts(answer: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield the facts of ``answer`` that no source contains.

    :param answer: a cleaned answer without the marks of list entries.
    :param sources: the document, then the question.
    """
    yield from _absent_identifiers(answer, language, sources)
    rest = _blanked(answer, [(one.start, one.end) for one in identifiers(answer) if not one.is_number])
    dates = numeric_dates(rest)
    for date in dates:
        if not _has_date(date, sources):
            yield Absence("date_not_in_document", date.text)
    rest = _blanked(rest, [(date.start, date.end) for date in dates])
    clock = [*times(rest), *spoken_times(rest, language)]
    for start, end, minute in clock:
        if not any(minute in source.times or _has_hour(minute, source) for source in sources):
            is_certain = not time_is_derivable(minute, answer, language, sources)
            yield Absence("number_not_in_document", rest[start:end], is_certain=is_certain)
    rest = _blanked(rest, [(start, end) for start, end, _ in clock])
    yield from _absent_months_and_weekdays(rest, language, sources)
    yield from absent_quantities(rest, language, sources)
    yield from absent_names(rest, language, sources)
    yield from _absent_quotations(answer, language, sources)


def without_expansions(text: str, sources: Sequence[Evidence]) -> str:
    """
    Put semicolons in place of the words in ``text`` that spell out an abbreviation.

    The abbreviation is in a source. For example, a source has "SQS", and ``text`` has "Simple Queue Service".
    """
    for start in expansions(text, sources):
        end = start + len(re.split(r"\W", text[start:], maxsplit=1)[0])
        text = blanked(text, start, end)
    return text


def _absent_identifiers(answer: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    yield from _other_compounds(answer, language, sources)
    for identifier in identifiers(answer):
        # "WeChat" is 微信 in a Chinese document.
        is_transcribed = identifier.text.isalpha() and is_transcription(language, sources)
        if (
            not identifier.is_number
            and not is_transcribed
            and not any(_has_identifier(identifier.text, source) for source in sources)
        ):
            yield Absence("identifier_not_in_document", identifier.text)


def _absent_months_and_weekdays(text: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    # If a document is in another language with Latin letters, a short English answer counts as written in that
    # language. So English months are also looked up.
    named = {*months(text, language), *(months(text, english()) if language.is_latin else ())}
    for month, word in sorted(named):
        if not any(month in source.months for source in sources):
            yield Absence("date_not_in_document", word)
    known_days = frozenset[int]().union(*(source.weekdays for source in sources))
    for day, word in weekdays(text):
        if day not in known_days:
            # A document with no weekday, or with several as in "Monday to Friday", may imply other days.
            yield Absence("date_not_in_document", word, is_certain=len(known_days) == 1)


def _other_compounds(answer: str, language: Language, sources: Sequence[Evidence]) -> Iterator[Absence]:
    """
    Yield hyphenated words that no source contains, if a source has another hyphenated word with the same last part.

    For example, yield "billing-dlq" if the sources have "orders-dlq" but not "billing-dlq".
    """
    if not language.is_latin:
        return
    known = {compound for source in sources for compound in source.compounds}
    parts_of_known = {part for compound in known for part in compound.split("-")[-1:]}
    for compound in compounds(answer):
        parts = compound.split("-")
        if compound in known or parts[-1] not in parts_of_known or parts[-1] in _COMMON_LAST_PARTS:
            continue
        if any(" ".join(parts) in source.plain or "".join(parts) in source.words for source in sources):
            continue
        is_alone = answer.strip(" .`'\"") == compound
        is_new = not any(parts[0] in source.words for source in sources)
        yield Absence("identifier_not_in_document", compound, is_certain=is_alone or is_new)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = blanked(text, start, end)
    return text


def _has_identifier(text: str, source: Evidence) -> bool:
    token = "".join(text.lower().split()).strip(".,:;").strip("`'\"")
    if _has_token(token, source) or token in source.abbreviations:
        return True
    compound = _BEFORE_NOUN.fullmatch(text) or _BEFORE_COMMON_PART.fullmatch(token)
    if compound and not compound.group(1).isalpha():
        return _has_identifier(compound.group(1), source)
    if _VERSION_WITH_LETTER.fullmatch(token):
        return _has_version(token[1:], source)
    parts = [part for part in re.split(r"[/:=]", token) if part]
    # Words of the document that were joined in another way, such as "HTTP/HTTPS" or "s3:GetObject".
    return len(parts) > 1 and all(part in source.squeezed for part in parts)


def _has_version(digits: str, source: Evidence) -> bool:
    """
    Return whether the source has a version without the letter v.

    A version without a dot, such as "18", must follow a name or the word "version".

    :param digits: the version without the letter, such as "18" for "v18".
    """
    if "." in digits:
        return _has_token(digits, source)
    return re.search(rf"(?:[Vv]ersion|\b[A-Z][\w.+#]*)[ -]?{re.escape(digits)}(?![\w.]*\d)", source.text) is not None


def _has_token(token: str, source: Evidence) -> bool:
    """Return whether the source has a token. A short token must be a whole word: "volumes 3" does not contain "S3"."""
    if len(token) >= _LONG_TOKEN or (token.isalpha() and len(token) >= _WORD_OF_CODE):
        return token in source.squeezed
    before = r"\d." if token[:1].isdigit() else "a-z0-9"
    return re.search(rf"(?<![{before}]){re.escape(token)}(?!(?!s\b)[a-z0-9]|\.\d)", source.lower) is not None


def _has_hour(minute: int, source: Evidence) -> bool:
    """
    Return whether a source may state a time of day in another form: the hour as one number and the minutes as another.

    A time on the hour needs only the hour. For example, "7 in the evening" and 晚上七点 have the hour of "19:00".
    """
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
        is_certain = share < _WORDS_OF_QUOTATION
        if len(parts) <= _WORDS_OF_NAME:
            # An answer may quote a word only for emphasis, unless the document also puts words in quotation marks.
            is_certain = not share and bool(quotations(sources[0].text))
        yield Absence("quotation_not_in_document", quoted, is_certain=is_certain)


def has_own_fact(answer: str, language: Language, question: Evidence) -> bool:
    """
    Return whether an answer states a fact that is unlikely to occur in a document by chance and is not in the question.

    :param answer: a cleaned answer.
    """
    if any(not one.is_number and not _has_identifier(one.text, question) for one in identifiers(answer)):
        return True
    for quantity in quantities(answer, language):
        is_distinct = bool(quantity.unit) or max(quantity.values, default=Decimal(0)) > SMALL_COUNT
        if is_distinct and not any(value in question.units_by_value for value in quantity.values):
            return True
    if any(not _has_date(date, (question,)) for date in numeric_dates(answer)):
        return True
    return any(name.is_certain and not has_name(name, question, language) for name in names(answer, language))
