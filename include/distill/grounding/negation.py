"""Compare what a sentence of an answer and the most similar sentence of the document affirm and deny."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from include.distill.grounding.evidence import Sentence
from include.distill.grounding.languages import Language
from include.distill.grounding.words import dense_pairs, stem, words

_ENOUGH_SHARED = 0.6
_ENOUGH_OF_CLAUSE = 0.6
_MOST_STEMS = 40  # a longer sentence is a table or a list without punctuation
_MIN_STEMS, _MIN_PAIRS = 3, 4
_NEGATED_WORDS = 2  # number of content words after a negator that the negator can deny
_CLAUSE_END = re.compile(r"[,;:()|]\s|[،؛]\s?|\s-\s|[、，；：。]|(?<=[\u3040-\u9fff])[,;:]")
_QUESTION_MARKS = ("?", "？", "؟")
# In these languages, the negator can end the sentence, after the word that it denies.
_DENIES_BACKWARD = frozenset({"de", "hi"})


def contradicts(answer: Sentence, document: Sequence[Sentence], language: Language) -> str | None:
    """
    Return the sentence of the document that is most like ``answer``, if one of the two denies what the other affirms.

    Return ``None`` if no sentence is similar enough, or if the two sentences do not contradict each other.
    """
    if language.without_spaces:
        return _other_parity(answer, document, language)
    if len(answer.stems) < _MIN_STEMS:
        return _other_polarity(answer, document, language)
    statements = (one for one in document if not one.text.endswith(_QUESTION_MARKS) and len(one.stems) <= _MOST_STEMS)
    best = max(
        statements, key=lambda sentence: (len(answer.stems & sentence.stems), -len(sentence.stems)), default=None
    )
    if best is None or len(answer.stems & best.stems) < _ENOUGH_SHARED * len(answer.stems):
        return None
    is_contradiction = _denies(answer, best, language) or _denies(best, answer, language)
    return best.text if is_contradiction or _are_opposite(answer, best, language) else None


def _other_polarity(answer: Sentence, document: Sequence[Sentence], language: Language) -> str | None:
    """Return a document sentence that differs from a short ``answer`` only in that one of the two is negated."""

    def is_denied(sentence: Sentence) -> bool:
        return not language.negators.isdisjoint(sentence.words)

    def statement(sentence: Sentence) -> tuple[str, ...]:
        return tuple(word for word in sentence.words if word not in language.negators)

    same = [one for one in document if answer.stems and statement(one) == statement(answer)]
    is_stated = any(is_denied(one) == is_denied(answer) for one in same)
    return None if is_stated or not same else same[0].text


def _other_parity(answer: Sentence, document: Sequence[Sentence], language: Language) -> str | None:
    """
    Compare each clause of ``answer`` with the most similar clause of the document, and find the first contradiction.

    Two clauses contradict each other if one has an odd number of negations and the other an even number.

    :return: the document's clause; ``None`` if no clauses contradict each other.
    """
    clauses = [
        (clause, dense_pairs(clause))
        for sentence in document
        if not sentence.text.endswith(_QUESTION_MARKS)
        for clause in _CLAUSE_END.split(sentence.text)
    ]
    for clause in _CLAUSE_END.split(answer.text):
        pairs = dense_pairs(clause)
        if len(pairs) < _MIN_PAIRS or clause.isascii():
            continue
        best, shared = max(
            ((other, len(pairs & other_pairs)) for other, other_pairs in clauses),
            key=lambda entry: (entry[1], -len(entry[0])),
            default=("", 0),
        )
        is_negated = _is_odd(clause, language)
        if shared < (_ENOUGH_SHARED if is_negated else _ENOUGH_OF_CLAUSE) * len(pairs):
            continue
        if is_negated != _is_odd(best, language):
            return best
    return None


@lru_cache
def _any_of(negators: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, negators), key=len, reverse=True)))


def _is_odd(text: str, language: Language) -> bool:
    """Return whether a text in a language without spaces contains an odd number of negations."""
    return len(_any_of(language.negators).findall(text)) % 2 == 1


def _denies(one: Sentence, other: Sentence, language: Language) -> bool:
    """Return whether a clause of ``one`` denies what ``other`` affirms."""
    # "Stop" in "when you stop an instance" restricts nothing if both sentences have it.
    if any(word in language.negators or (word in language.restrictors - {*one.words}) for word in other.words):
        return False
    for clause in _negated_clauses(one, language):
        stems = {stem(word) for word in clause if word not in language.stop_words and word not in language.negators}
        denied = denied_stems(clause, language)
        if denied & other.stems and len(stems & other.stems) >= _ENOUGH_OF_CLAUSE * len(stems):
            return True
    return False


def _negated_clauses(sentence: Sentence, language: Language) -> Iterator[list[str]]:
    """Yield the words of each clause that contains a negator."""
    for clause in _CLAUSE_END.split(sentence.text):
        clause_words = words(clause)
        if any(word in language.negators for word in clause_words):
            yield clause_words


def denied_stems(clause: Sequence[str], language: Language) -> frozenset[str]:
    """Return the stems of the content words that a negator in a clause can deny."""
    denied: set[str] = set()
    for position, word in enumerate(clause):
        if word not in language.negators:
            continue
        following = [word for word in clause[position + 1 :] if word not in language.stop_words]
        denied |= {stem(word) for word in following[:_NEGATED_WORDS]}
        if language.code in _DENIES_BACKWARD and not following:
            before = [word for word in clause[:position] if word not in language.stop_words]
            denied |= {stem(word) for word in before[-1:]}
    return frozenset(denied)


def _are_opposite(answer: Sentence, document: Sentence, language: Language) -> bool:
    """
    Return whether one sentence has a word and the other sentence has only its opposite.

    An example is "enabled" in one sentence and "disabled" in the other.
    """
    answer_words, document_words = frozenset(answer.words), frozenset(document.words)
    return any(
        first in answer_words
        and first not in document_words
        and second in document_words
        and second not in answer_words
        for one, other in language.opposites
        for first, second in ((one, other), (other, one))
    )
