"""Index the facts of a document or a question once, so that many answers can be compared with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from include.distill.grounding.abbreviations import abbreviations_in, with_count
from include.distill.grounding.clock_times import spoken_hours, spoken_times
from include.distill.grounding.dates import clock_hours, document_months, numeric_dates, times
from include.distill.grounding.fractions import shares
from include.distill.grounding.identifiers import Identifier, blanked, compounds, identifiers
from include.distill.grounding.languages import UNKNOWN, Language, language, language_of
from include.distill.grounding.list_lengths import list_lengths
from include.distill.grounding.numbers import Quantity, quantities, readings, units_and_a_half
from include.distill.grounding.plain_text import WORD, clean, sentences
from include.distill.grounding.translated_names import skeletons
from include.distill.grounding.units import Unit, single_periods, unit_named
from include.distill.grounding.weekdays import weekdays
from include.distill.grounding.words import content_stems, stem, words
from include.distill.text.normalization import strip_punctuation

_RUN_OF_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_UNIT_IN_HEADING = re.compile(
    rf"[(\[|/,]\s*({WORD.pattern}|[%$€£¥₹])\s*[)\]|,]|\b(?:in|en)\s({WORD.pattern})|\|[^|\n]*?({WORD.pattern})\s*\|"
)
_VERSION_WITH_LETTER = re.compile(r"\b[vV](\d{1,4}(?:\.\d+)?)(?![\w.]*\d)")
_LABEL_BEFORE = re.compile(r"(?:[A-Z]\w*|[Vv]ersion)\s?$")
_CAPITALIZED_RUN = re.compile(r"[A-Z]\w*(?:[ /-](?:of |and |for |the |to )?[A-Z]\w*)+")
_ENDS_OF_CLAUSE = frozenset(".,;:)。、，；") | {""}
_LATIN_WORD = re.compile("[a-z]+")
_CELL = re.compile(r"[|\t,;]\s*(\d+(?:\.\d+)?)\s*(?=[|\t,;\n]|\. |$)", re.MULTILINE)
_NUMBER_IN_LATIN_TEXT = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a text: the stems of its content words, and its words."""

    text: str
    stems: frozenset[str]
    words: tuple[str, ...]


def _initials(runs: Iterable[str], stop_words: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the first letters of every three to six consecutive words: "sqs" for "Simple Queue Service"."""
    for run in runs:
        letters = "".join(word[0] for word in re.findall(r"[^\W_]+", run.lower()) if word not in stop_words)
        for start in range(len(letters)):
            yield from (letters[start:end] for end in range(start + 3, min(len(letters), start + 6) + 1))


class Evidence:
    """
    The facts in one text. Each part is computed when it is first needed.

    :param of: language of the text; if ``None``, the language is recognized from the text.
    """

    def __init__(self, text: str, *, of: Language | None = None) -> None:
        self.text = clean(text)
        self.language = of or language_of(self.text)

    @cached_property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def squeezed(self) -> str:
        """The text in lower case without white space."""
        return "".join(self.lower.split())

    @cached_property
    def plain(self) -> str:
        """The text in lower case, without punctuation or repeated spaces, and with a space at each end."""
        return f" {strip_punctuation(self.text)} "

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the text, in lower case."""
        return frozenset(words(self.lower)) | frozenset(re.findall(r"[^\W_]+", self.lower)) | self._latin_words

    @cached_property
    def _latin_words(self) -> frozenset[str]:
        """The words in Latin letters in a Chinese or Japanese text, in which no spaces separate them from the rest."""
        return frozenset(_LATIN_WORD.findall(self.lower)) if self.language.without_spaces else frozenset()

    @cached_property
    def all_stems(self) -> frozenset[str]:
        """The stems of all words of the text, including stop words."""
        return frozenset(stem(word) for word in self.words) | self.stems

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of the content words of the text."""
        return frozenset(content_stems(self.text, self.language))

    @cached_property
    def abbreviations(self) -> frozenset[str]:
        """The initials of all sequences of capitalized words. An answer may use them as abbreviations."""
        initials = frozenset(_initials(_CAPITALIZED_RUN.findall(self.text)))
        return initials | {with_count(one) for one in initials}

    @cached_property
    def in_capitals(self) -> frozenset[str]:
        """
        The words that the text writes in capitals. They are returned in lower case: "sqs" for "SQS".

        An answer may write out such an abbreviation, as in "Simple Queue Service".
        """
        return abbreviations_in(self.text)

    @cached_property
    def possible_abbreviations(self) -> frozenset[str]:
        """The initials of all sequences of content words. An answer may use them as abbreviations."""
        runs = re.split(r"[.,;:!?()\n|]", self.lower)
        return frozenset(_initials(runs, self.language.stop_words))

    @cached_property
    def skeletons(self) -> frozenset[str]:
        """The consonants of each word. They are used to compare names in different scripts."""
        return skeletons(self.text)

    @cached_property
    def identifiers(self) -> list[Identifier]:
        """The identifiers in the text. A bare number in code formatting, such as ``300``, is left out."""
        return [one for one in identifiers(self.text) if not one.is_number]

    @cached_property
    def compounds(self) -> frozenset[str]:
        """The hyphenated words, in lower case."""
        return frozenset(compounds(self.text))

    @cached_property
    def quantities(self) -> list[Quantity]:
        """All quantities of the text. English number words are recognized in texts of other languages too."""
        text = self.text
        for identifier in self.identifiers:
            text = blanked(text, identifier.start, identifier.end)
        found = [*quantities(text, self.language, is_source=True), *units_and_a_half(text)]
        if self.language is UNKNOWN or (self.language.code not in {"en"} and _NUMBER_IN_LATIN_TEXT.search(self.text)):
            found = [
                *found,
                *(one for one in quantities(self.text, language("en"), is_source=True) if one.written == "words"),
            ]
        return found

    @cached_property
    def units_by_value(self) -> dict[Decimal, set[Unit | None]]:
        """The units that occur with each value. Ordinals and words such as "half" are listed without a unit."""
        units: dict[Decimal, set[Unit | None]] = {}
        for quantity in self.quantities:
            for value in quantity.values:
                units.setdefault(value, set()).add(quantity.unit)
        for match in _RUN_OF_DIGITS.finditer(self.text):
            run = match.group()
            # In a line of CSV, "15,70" is two numbers and not 15.7.
            is_list = "," in {
                self.text[match.start() - 1 : match.start()],
                self.text[match.end() : match.end() + 1].strip(),
            }
            values = readings(run, self.language)
            if run.isdigit() or not (is_list or not values or max(values) < 1000):
                continue
            parts = re.split("[.,]", run)
            if values and run.count(".") == 1 and "," not in run:
                # "TensorFlow 2.9" is TensorFlow 2, but $0.09 does not contain a nine.
                parts = parts[:1] if _LABEL_BEFORE.search(self.text, max(0, match.start() - 24), match.start()) else []
            for part in parts:
                units.setdefault(Decimal(part).normalize(), set()).add(None)
        for version in _VERSION_WITH_LETTER.findall(self.text):
            units.setdefault(Decimal(version).normalize(), set()).add(None)
        for values_by_word in (self.language.ordinals, self.language.fractions):
            named = [
                word for word in values_by_word if word in (self.text if self.language.without_spaces else self.words)
            ]
            for word in named:
                units.setdefault(values_by_word[word], set()).add(None)
        return units

    @cached_property
    def digits(self) -> str:
        """All digits of the text, joined into one string."""
        return "".join(filter(str.isdigit, self.text))

    @cached_property
    def values_in_identifiers(self) -> frozenset[Decimal]:
        """The runs of digits in the text, including those inside identifiers such as "m5.large"."""
        return frozenset(Decimal(run).normalize() for run in re.findall(r"\d+", self.text))

    @cached_property
    def values_without_noun(self) -> frozenset[Decimal]:
        """
        The numbers that end a clause and have no unit. Another number's unit may apply to them.

        For example, "series for four weeks, films for two" has the number 2, which means two weeks.
        """
        return frozenset(
            value
            for quantity in self.quantities
            if quantity.unit is None
            and self.text[quantity.end : quantity.end + 1] in _ENDS_OF_CLAUSE
            and not quantity.before[:1].isupper()
            for value in quantity.values
        )

    @cached_property
    def values_in_tables(self) -> frozenset[Decimal]:
        """The numbers that are the only content of a table cell."""
        return frozenset(Decimal(run).normalize() for run in _CELL.findall(self.text))

    @cached_property
    def labeled(self) -> dict[str, set[Decimal]]:
        """
        The values of all numbers that follow a capitalized word. The keys are these words in lower case.

        For "Visual Studio 2019", the key is "studio" and the value is 2019.
        """
        labeled: dict[str, set[Decimal]] = {}
        for quantity in self.quantities:
            if quantity.before[:1].isupper():
                labeled.setdefault(quantity.before.lower(), set()).update(quantity.values)
        return labeled

    @cached_property
    def heading_units(self) -> frozenset[Unit]:
        """The units that a heading or a table gives for numbers without a unit, as in "Size (GB)" and "Size in GB"."""
        named = (
            unit_named(word.lower())
            for match in _UNIT_IN_HEADING.finditer(self.text)
            for word in match.groups()
            if word
        )
        return frozenset(unit for unit in named if unit)

    @cached_property
    def base_values(self) -> frozenset[tuple[str, Decimal]]:
        """All quantities, converted to the base unit of their dimension, so that 1 hour is equal to 60 minutes."""
        in_digits = {
            ("percent", (100 * value).normalize())
            for value, units in self.units_by_value.items()
            if 0 < value < 1 and None in units
        }
        in_words = {("percent", (100 * one.value).normalize()) for one in shares(self.text, self.language)}
        in_numbers = {base for quantity in self.quantities for base in quantity.base_values()}
        return frozenset(in_numbers | in_digits | in_words | set(single_periods(self.lower)))

    @cached_property
    def counted(self) -> dict[str, set[Decimal]]:
        """The values of the numbers before each word, by the stem of the word: 3 for "files" in "3 new files"."""
        counted: dict[str, set[Decimal]] = {}
        for quantity in self.quantities:
            for word in quantity.following:
                counted.setdefault(stem(word), set()).update(quantity.values)
        return counted

    @cached_property
    def list_lengths(self) -> frozenset[int]:
        """The number of entries of each list, table and enumeration in the text. An answer may state such a count."""
        return frozenset(list_lengths(self.text))

    @cached_property
    def bare_units(self) -> frozenset[Unit]:
        """The units that the text uses with a number."""
        return frozenset(quantity.unit for quantity in self.quantities if quantity.unit)

    @cached_property
    def named_units(self) -> frozenset[Unit]:
        """The units that the text names, with or without a number."""
        return frozenset(unit for word in self.words if (unit := unit_named(word)))

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that the text names."""
        return document_months(self.text, self.language)

    @cached_property
    def weekdays(self) -> frozenset[int]:
        """The weekdays that the text names."""
        return frozenset(day for day, _ in weekdays(self.text))

    @cached_property
    def dates(self) -> frozenset[frozenset[int]]:
        """The dates in digits. Each date is a set of numbers, because the order of day and month varies."""
        return frozenset(frozenset(date.parts) for date in numeric_dates(self.text))

    @cached_property
    def clock_hours(self) -> frozenset[int]:
        """
        The hours of all times of day in the text. Each time gives two hours, one in each half of the day.

        For example, 3:20 gives 3 and 15, and so does 15:20.
        """
        hours = {minute // 60 for _, _, minute in spoken_times(self.text, self.language)}
        hours |= {hour % 12 for hour in spoken_hours(self.text, self.language)}
        return clock_hours(self.text) | {hour + half for hour in hours for half in (0, 12)}

    @cached_property
    def times(self) -> frozenset[int]:
        """The times of day, in minutes since the last noon or midnight: 550 for both 9:10 and 21:10."""
        found = (*times(self.text), *spoken_times(self.text, self.language))
        return frozenset(minute for _, _, minute in found)

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The sentences of the text."""
        return [
            Sentence(text, frozenset(content_stems(text, self.language)), tuple(words(text)))
            for text in sentences(self.text)
        ]
