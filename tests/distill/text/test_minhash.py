from __future__ import annotations

import random

import numpy as np
import pytest

from include.distill.text.minhash import NearDuplicateIndex, signature, similarity

LETTERS = random.Random(1)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(3000)]


def text_of(seed: int, words: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def changed(text: str, words: int, seed: int = 0) -> str:
    """Return ``text`` with the last ``words`` words replaced by others."""
    draw = random.Random(f"other {seed}")
    return " ".join(text.split()[:-words] + draw.choices(WORDS, k=words))


def index_of(*texts: str, threshold: float = 0.8) -> NearDuplicateIndex:
    index = NearDuplicateIndex(threshold=threshold)
    for text in texts:
        index.add(text)
    return index


class TestSimilarity:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            pytest.param("What is  S3?", "what is s3?", 1, id="case and spacing"),
            pytest.param("", " \n", 1, id="two empty texts"),
            pytest.param("abc", "abd", 0, id="shorter than an n-gram"),
            pytest.param("abcdef", "abcdeg", 1 / 3, id="one n-gram of three"),
            pytest.param("東京都の天気は", "東京都の天気が", 2 / 4, id="no spaces"),
        ],
    )
    def test_similarity_is_the_share_of_n_grams_that_two_texts_have_in_common(
        self, one: str, other: str, expected: float
    ) -> None:
        assert similarity(one, other) == pytest.approx(expected)

    @pytest.mark.parametrize("words", [6, 20])
    def test_signatures_estimate_the_similarity_without_bias(self, words: int) -> None:
        """The mean error over 200 pairs is within three standard errors of zero."""
        errors = []
        for seed in range(200):
            text = text_of(seed, 60)
            other = changed(text, words, seed)
            errors.append((signature(text) == signature(other)).mean() - similarity(text, other))
        assert abs(np.mean(errors)) < 3 * 0.063 / 200**0.5 + 1 / 256
        assert np.std(errors) < 0.075


class TestNearDuplicateIndex:
    def test_similar_texts_are_found_with_the_most_similar_first_and_other_texts_are_not_found(self) -> None:
        text = text_of(1)
        index = index_of(text_of(2), changed(text, 20), changed(text, 5), text_of(3))
        assert [match.position for match in index.find(text)] == [2, 1]
        assert index.find(text_of(4)) == []

    def test_an_added_text_is_compared_only_with_earlier_texts(self) -> None:
        index = NearDuplicateIndex(threshold=0.8)
        assert index.add("How do I make a bucket?") == []
        assert [match.position for match in index.add("how do I make a  BUCKET?")] == [0]
        assert len(index) == 2

    @pytest.mark.parametrize(("target", "minimum_share"), [(0.7, 0.95), (0.8, 0.99), (0.9, 1.0)])
    def test_near_duplicates_are_rarely_missed(self, target: float, minimum_share: float) -> None:
        """A copy with ``n`` of 300 words replaced has about (300 - n) / (300 + n) of its n-grams in common."""
        texts = [text_of(seed) for seed in range(300)]
        index = index_of(*texts, threshold=0.5)
        words = round(300 * (1 - target) / (1 + target))
        is_found = [any(match.position == n for match in index.find(changed(t, words, n))) for n, t in enumerate(texts)]
        assert sum(is_found) / len(is_found) >= minimum_share

    def test_estimated_similarities_are_close_to_exact_jaccard(self) -> None:
        """Each of 200 estimates is within four standard errors of the exact share, which this test computes itself."""
        for seed in range(200):
            text = text_of(seed, 60)
            other = changed(text, 1 + seed % 5, seed)  # similar enough that every text is found
            ngrams, other_ngrams = ({t[i : i + 5] for i in range(len(t) - 4)} for t in (text, other))
            exact = len(ngrams & other_ngrams) / len(ngrams | other_ngrams)
            (match,) = index_of(text, threshold=0.5).find(other)
            assert match.similarity == pytest.approx(exact, abs=4 * 0.063)

    def test_a_text_is_found_among_many_copies_of_another_text(self) -> None:
        boilerplate, text = text_of(1), text_of(2)
        index = index_of(text, *[boilerplate] * 500, *(changed(boilerplate, 1, seed) for seed in range(100)))
        assert [match.position for match in index.find(changed(text, 5))] == [0]
        assert index.find(boilerplate)[0].similarity == 1

    def test_texts_are_found_after_the_index_has_grown(self) -> None:
        texts = [f"Question number {seed}: {text_of(seed, 8)}?" for seed in range(3000)]
        index = index_of(*texts)
        assert all(n in {match.position for match in index.find(texts[n])} for n in range(0, 3000, 100))

    def test_the_index_uses_less_than_210_bytes_per_text(self) -> None:
        index = NearDuplicateIndex(threshold=0.8)
        for row in np.random.default_rng(1).integers(0, 256, (5000, 64), dtype=np.uint8):
            index.add_signature(row)
        assert index.memory_bytes / len(index) < 210

    def test_an_empty_index_finds_nothing(self) -> None:
        assert NearDuplicateIndex(threshold=0.5).find("anything") == []

    @pytest.mark.parametrize("threshold", [0, 0.49, 1.01, float("nan")])
    def test_a_threshold_that_the_buckets_cannot_serve_is_refused(self, threshold: float) -> None:
        with pytest.raises(ValueError, match=r"expected a value from 0\.5 to 1"):
            NearDuplicateIndex(threshold=threshold)


def test_the_signature_of_a_long_text_does_not_depend_on_case() -> None:
    text = text_of(5, 4000)
    assert (signature(text) == signature(text.upper())).all()
    assert signature(text).nbytes == 64
