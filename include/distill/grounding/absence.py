"""Describe a fact that an answer states and its document does not contain."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_QUOTE = 120
_MESSAGES = {
    "number_not_in_document": "Neither the document nor the question contains the number {!r}.",
    "unit_not_in_document": "The document contains the number in {!r} only with another unit, or without a unit.",
    "date_not_in_document": "Neither the document nor the question contains the date or month {!r}.",
    "identifier_not_in_document": "Neither the document nor the question contains {!r}.",
    "name_not_in_document": "Neither the document nor the question contains the name {!r}.",
    "quotation_not_in_document": "Neither the document nor the question contains the quoted text {!r}.",
    "not_in_document": "The document is about something else: {}.",
    "only_in_question": "The document contains none of the content words that the answer {!r} adds to its question.",
    "low_coverage": "Too little of the answer is supported: {}.",
    "not_checked": "The answer was not compared with the document, because curation.min_grounding is 0.",
    "polarity": "The document seems to say the opposite of {!r}.",
    "replaced_word": "The answer copies a sentence of the document, but replaces words with {!r}.",
}


@dataclass(frozen=True)
class Absence:
    """
    A fact of the answer that neither the document nor the question contains.

    :param reason: name of the rule, in snake_case.
    :param text: the fact as it is written in the answer.
    :param is_certain: false if the fact could still follow from the document, for example a count of listed things.
    """

    reason: str
    text: str
    is_certain: bool = True

    @property
    def message(self) -> str:
        """A sentence that tells a person which fact is absent, or why the answer is in doubt."""
        return _MESSAGES[self.reason].format(self.text[:_LONGEST_QUOTE])
