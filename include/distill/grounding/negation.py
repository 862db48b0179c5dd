"""Compare what a sentence of an answer and the most similar sentence of the document affirm and deny."""

from __future__ import annotations

import re
from collections.abc import Sequence

from include.distill.grounding.evidence import Sentence
from include.distill.grounding.languages import Language
from include.distill.grounding.words import stem

_ENOUGH_SHARED = 0.6
_ENOUGH_SHARED_CHARACTERS = 0.7
_MIN_STEMS = 3
_NEGATED_WORDS = 2  # content words after a negator that it can deny
# In these languages, the negator can end the sentence, after the word that it denies.
_DENIES_BACKWARD = frozenset({"de", "hi"})


def contradicts(answer: Sentence, document: Sequence[Sentence], language: Language) -> str | None:
    """
    Return the sentence of the document that is most like ``answer``, if it denies what ``answer`` affirms.

    ``None`` if no sentence is similar enough, or if the two sentences do not contradict each other.
    """
    if len(answer.stems) < _MIN_STEMS:
        return None
    best = max(document, key=lambda sentence: (len(answer.stems & sentence.stems), -len(sentence.stems)), default=None)
    enough = _ENOUGH_SHARED_CHARACTERS if language.without_spaces else _ENOUGH_SHARED
    if best is None or len(answer.stems & best.stems) < enough * len(answer.stems):
        return None
    if language.without_spaces:
        is_contradiction = _is_odd(answer, language) != _is_odd(best, language)
    else:
        is_contradiction = _denies(answer, best, language) or _denies(best, answer, language)
    return best.text if is_contradiction or _are_opposite(answer, best, language) else None


def _is_odd(sentence: Sentence, language: Language) -> bool:
    """Return whether a sentence of a language without spaces contains an odd number of negations."""
    pattern = "|".join(sorted(map(re.escape, language.negators), key=len, reverse=True))
    return len(re.findall(pattern, sentence.text)) % 2 == 1


def _denies(one: Sentence, other: Sentence, language: Language) -> bool:
    """Return whether ``one`` denies a word that ``other`` affirms."""
    denied = denied_stems(one, language) & other.stems
    return bool(denied - denied_stems(other, language)) and not _has_negator(other, language)


def _has_negator(sentence: Sentence, language: Language) -> bool:
    return any(word in language.negators for word in sentence.words)


def denied_stems(sentence: Sentence, language: Language) -> frozenset[str]:
    """Return the stems of the content words that a negator in the sentence can deny."""
    denied: set[str] = set()
    for position, word in enumerate(sentence.words):
        if word not in language.negators:
            continue
        following = [word for word in sentence.words[position + 1 :] if word not in language.stop_words]
        denied |= {stem(word) for word in following[:_NEGATED_WORDS]}
        if language.code in _DENIES_BACKWARD and not following:
            before = [word for word in sentence.words[:position] if word not in language.stop_words]
            denied |= {stem(word) for word in before[-1:]}
    return frozenset(denied)


def _are_opposite(answer: Sentence, document: Sentence, language: Language) -> bool:
    """Return whether one sentence has a word of which the other sentence has only the opposite."""
    answer_words, document_words = frozenset(answer.words), frozenset(document.words)
    return any(
        first in answer_words
        and first not in document_words
        and second in document_words
        and second not in answer_words
        for one, other in language.opposites
        for first, second in ((one, other), (other, one))
    )
