"""
How much of an answer stands in its document: the share of its character n-grams that the document has too.

Characters, not words, so that it holds in any language: eight characters of an alphabet, three where a character is a
syllable or a word (Chinese, Japanese, Korean). Case, spacing and punctuation make no difference. It measures wording,
not truth: a number exchanged for another is not noticed, and neither is an answer in another language than the
document's found in it. ``docs/explanation/curation.md`` says what real answers reach.
"""

from __future__ import annotations

import re

from include.distill.text.minhash import ngram_hashes
from include.distill.text.normalization import strip_punctuation

# Han, kana, Hangul and their compatibility forms: a character says about as much there as two or three letters.
_DENSE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTERS_PER_NGRAM = 8
_DENSE_PER_NGRAM = 3
_FEWEST_NGRAMS = 5  # of fewer, a share says nothing: the whole answer must stand in the document


class GroundingScorer:
    """A document that answers are measured against, read once for all of them."""

    def __init__(self, document: str) -> None:
        self._bare = f" {strip_punctuation(document)} "
        self._ngrams: dict[int, set[int]] = {}

    def score(self, answer: str) -> float:
        """Return the share of ``answer`` that stands in the document, from 0 to 1."""
        words = strip_punctuation(answer)
        dense = 2 * len(_DENSE.findall(words)) > len(words)
        ngram = _DENSE_PER_NGRAM if dense else _LETTERS_PER_NGRAM
        if len(words) < ngram + _FEWEST_NGRAMS - 1:
            return float((words if dense else f" {words} ") in self._bare)
        if ngram not in self._ngrams:
            self._ngrams[ngram] = set(ngram_hashes(self._bare, ngram).tolist())
        hashes = set(ngram_hashes(words, ngram).tolist())
        return len(hashes & self._ngrams[ngram]) / len(hashes)
