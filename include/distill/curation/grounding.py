"""
Measure the grounding of an answer: the share of the answer's character n-grams that the document contains.

Characters are used instead of words, so the measure works for any language. An n-gram has eight characters, or three in
Chinese, Japanese and Korean, where one character is a syllable or a word. Case, spacing and punctuation make no
difference.

Grounding measures wording, not truth. A changed number hardly lowers the grounding, and an answer in a different
language from the document has no grounding at all. ``docs/explanation/curation.md`` lists the grounding of real
answers.
"""

from __future__ import annotations

import re

from include.distill.text.minhash import ngram_hashes
from include.distill.text.normalization import strip_punctuation

# Han, kana, Hangul and their compatibility forms. One of these characters carries about as much
# information as two or three letters.
_DENSE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTERS_PER_NGRAM = 8
_DENSE_PER_NGRAM = 3
_MIN_NGRAMS = 5  # an answer with fewer n-grams must appear in the document as a whole, since a share would mean little


class GroundingScorer:
    """Score answers by their grounding in one document, whose n-grams are computed once for all answers."""

    def __init__(self, document: str) -> None:
        self._words = f" {strip_punctuation(document)} "
        self._ngrams: dict[int, set[int]] = {}

    def score(self, answer: str) -> float:
        """Return the share of ``answer`` that the document contains, from 0 to 1."""
        return self.score_words(strip_punctuation(answer))

    def score_words(self, words: str) -> float:
        """Return the share of ``words`` that the document contains. ``words`` is an answer without punctuation."""
        is_dense = 2 * len(_DENSE.findall(words)) > len(words)
        ngram = _DENSE_PER_NGRAM if is_dense else _LETTERS_PER_NGRAM
        if len(words) < ngram + _MIN_NGRAMS - 1:
            return float((words if is_dense else f" {words} ") in self._words)
        if ngram not in self._ngrams:
            self._ngrams[ngram] = set(ngram_hashes(self._words, ngram).tolist())
        hashes = set(ngram_hashes(words, ngram).tolist())
        return len(hashes & self._ngrams[ngram]) / len(hashes)
