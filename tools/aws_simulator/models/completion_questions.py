"""
Make questions from the sentences of a short document, without knowing its language.

The patterns of ``questions.py`` need English sentences of a certain form, so few sentences of a short document match
one. Here, a question is the beginning or the end of a sentence with an ellipsis for the rest: "Rinse the rice until
the water …?". Its answer is the sentence. If the document itself asks a question, the answer is the sentence after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.text import content_terms, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.aws_simulator.models.text import Document, Sentence

FEWEST_WORDS = 3  # in a sentence; no question is made from a shorter one
MOST_WORDS_ASKED = 12
MOST_CHARACTERS_ASKED = 30  # of a sentence that has no spaces, such as a Japanese one
_FULL_STOP = (".", "!", "。", "！", "।", "॥", "۔", "…")
_LIST_MARK = re.compile(r"^(?:[-•*]\s+|\d{1,2}[.)]\s+)+")
_AROUND = " \t\n.,;:!?…-–—()[]\"'”“„«»’。、，；：！？।॥۔،؛"


@dataclass(frozen=True)
class CompletionQuestion:
    """A question and the index of the sentence that answers it; the lowest ``rank`` is the best question."""

    question: str
    sentence: int
    rank: int


def completion_questions(document: Document) -> Iterator[CompletionQuestion]:
    """Yield the questions that the sentences of the document can answer, in document order."""
    sentences = document.sentences
    for index, sentence in enumerate(sentences):
        if not _is_statement(document, index):
            continue
        if index > 0 and sentences[index - 1].is_question:
            yield CompletionQuestion(sentences[index - 1].text, index, 0)
            continue
        opening, ending = _opening_and_ending(sentence)
        for question, part, rank in ((f"{opening} …?", opening, 1), (f"… {ending}?", ending, 2)):
            if any(map(str.isalpha, part)) and content_terms(words(part)):
                yield CompletionQuestion(question, index, rank)


def _is_statement(document: Document, index: int) -> bool:
    sentence = document.sentences[index]
    if sentence.is_question or sentence.is_code or len(sentence.words) < FEWEST_WORDS or len(sentence.terms) < 2:
        return False
    if is_title(sentence) or sentence.text.endswith((":", "：")):
        return False
    is_last = index + 1 == len(document.sentences)
    return is_last or not sentence.is_heading or sentence.text.rstrip("\"'”’»)] ").endswith(_FULL_STOP)


def is_title(sentence: Sentence) -> bool:
    """Return whether the sentence is a title after "Doc n:", such as "Refunds" in "Context: Doc 1: Refunds. ...".

    In a text without "Doc n:", no sentence is a title.
    """
    return sentence.is_heading and sentence.opens_part and sentence.start > 0


def _opening_and_ending(sentence: Sentence) -> tuple[str, str]:
    """Return the first two thirds of the sentence and its last half.

    If the first part is too long, its end is cut off. If the second part is too long, its beginning is cut off.
    """
    text = _LIST_MARK.sub("", sentence.text).strip(_AROUND)
    parts, separator, most = text.split(), " ", MOST_WORDS_ASKED
    if len(parts) < FEWEST_WORDS:
        parts, separator, most = list(text), "", MOST_CHARACTERS_ASKED
    opening = parts[: min(most, len(parts) * 2 // 3)]
    ending = parts[-min(most, len(parts) // 2) :]
    return separator.join(opening).strip(_AROUND), separator.join(ending).strip(_AROUND)
