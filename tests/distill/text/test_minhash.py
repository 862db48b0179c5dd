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
    """Return ``text`` with so many words at its end replaced by others."""
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
            pytest.param("", " \n", 1, id="nothing and nothing"),
            pytest.param("abc", "abd", 0, id="shorter than an n-gram"),
            pytest.param("abcdef", "abcdeg", 1 / 3, id="one n-gram of three"),
            pytest.param("東京都の天気は", "東京都の天気が", 2 / 4, id="no spaces"),
        ],
    )
    def test_is_the_share_of_common_n_grams(self, one: str, other: str, expected: float) -> None:
        assert similarity(one, other) == pytest.approx(expected)

    @pytest.mark.parametrize("words", [6, 20])
    def test_is_what_signatures_estimate(self, words: int) -> None:
        """Over 200 pairs the mean error is within three standard errors of none."""
        errors = []
        for seed in range(200):
            text = text_of(seed, 60)
            other = changed(text, words, seed)
            errors.append((signature(text) == signature(other)).mean() - similarity(text, other))
        assert abs(np.mean(errors)) < 3 * 0.063 / 200**0.5 + 1 / 256
        assert np.std(errors) < 0.075


class TestTwins:
    def test_are_found_most_similar_first_and_others_are_not(self) -> None:
        text = text_of(1)
        index = index_of(text_of(2), changed(text, 20), changed(text, 5), text_of(3))
        assert [twin.position for twin in index.find(text)] == [2, 1]
        assert index.find(text_of(4)) == []

    def test_of_an_added_text_are_earlier_ones_only(self) -> None:
        index = NearDuplicateIndex(threshold=0.8)
        assert index.add("How do I make a bucket?") == []
        assert [twin.position for twin in index.add("how do I make a  BUCKET?")] == [0]
        assert len(index) == 2

    @pytest.mark.parametrize(("target", "found_at_least"), [(0.7, 0.95), (0.8, 0.99), (0.9, 1.0)])
    def test_are_rarely_overlooked(self, target: float, found_at_least: float) -> None:
        """A copy with ``n`` of 300 words replaced has about (300 - n) / (300 + n) of its n-grams in common."""
        texts = [text_of(seed) for seed in range(300)]
        index = index_of(*texts, threshold=0.5)
        words = round(300 * (1 - target) / (1 + target))
        found = [any(twin.position == n for twin in index.find(changed(t, words, n))) for n, t in enumerate(texts)]
        assert sum(found) / len(found) >= found_at_least

    def test_are_found_among_many_copies_of_something_else(self) -> None:
        boilerplate, text = text_of(1), text_of(2)
        index = index_of(text, *[boilerplate] * 500, *(changed(boilerplate, 1, seed) for seed in range(100)))
        assert [twin.position for twin in index.find(changed(text, 5))] == [0]
        assert index.find(boilerplate)[0].similarity == 1

    def test_survive_the_growth_of_the_index(self) -> None:
        texts = [f"Question number {seed}: {text_of(seed, 8)}?" for seed in range(3000)]
        index = index_of(*texts)
        assert all(n in {twin.position for twin in index.find(texts[n])} for n in range(0, 3000, 100))

    def test_cost_less_than_two_hundred_bytes_a_text(self) -> None:
        index = NearDuplicateIndex(threshold=0.8)
        for row in np.random.default_rng(1).integers(0, 256, (5000, 64), dtype=np.uint8):
            index.add_signature(row)
        assert index.memory_bytes / len(index) < 210

    def test_of_an_empty_index_are_none(self) -> None:
        assert NearDuplicateIndex(threshold=0.5).find("anything") == []

    @pytest.mark.parametrize("threshold", [0, 0.49, 1.01, float("nan")])
    def test_need_a_threshold_that_buckets_can_serve(self, threshold: float) -> None:
        with pytest.raises(ValueError, match=r"expected 0\.5 to 1"):
            NearDuplicateIndex(threshold=threshold)


def test_a_long_text_has_the_same_signature_however_it_is_cut() -> None:
    text = text_of(5, 4000)
    assert (signature(text) == signature(text.upper())).all()
    assert signature(text).nbytes == 64
