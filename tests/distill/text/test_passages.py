from __future__ import annotations

import random

import numpy as np
import pytest

from include.distill.text.passages import (
    MAX_HASHES,
    halvings_of,
    has_characters,
    has_shared_stretch,
    shared_share,
    sketch,
)
from tests.distill.dataset.test_document_groups import text_of


def share_of(text: str, other: str) -> float:
    return shared_share(np.isin(sketch(text), sketch(other)))


def changed(text: str, share: float) -> str:
    source = random.Random(1)
    return " ".join("other" if source.random() < share else word for word in text.split())


@pytest.mark.parametrize("share", [0, 0.05, 0.1])
def test_half_of_a_text_is_found_inside_another_text_if_a_tenth_of_the_words_differ(share: float) -> None:
    for seed in range(20):
        words = text_of(seed, 200).split()
        half = changed(" ".join(words[:100]), share)
        assert 0.35 <= share_of(" ".join(words), f"{text_of(seed + 100, 100)} {half} {text_of(seed + 200, 50)}") <= 0.7


def test_spaces_between_characters_of_scripts_without_spaces_are_ignored() -> None:
    for text in (
        "委員会は来年度の予算について話し合うため、火曜日に会合を開いた。" * 2,
        "คณะกรรมการประชุมกันเมื่อวันอังคาร" * 3,
    ):
        assert np.array_equal(sketch(text), sketch("\n".join(text)))


def test_a_chinese_japanese_or_korean_character_counts_as_two() -> None:
    assert has_characters("委員会は", 8)
    assert not has_characters("委員会は", 9)
    assert has_characters("abc委", 5)
    assert not has_characters("abcd", 5)


def test_unrelated_texts_share_nothing() -> None:
    assert share_of(text_of(1, 200), text_of(2, 200)) == 0


def test_a_long_text_has_a_bounded_sketch_that_still_contains_a_passage() -> None:
    long, passage = text_of(1, 3000), text_of(2, 300)
    text = f"{long} {passage} {long[::-1]}"
    assert len(sketch(text)) <= MAX_HASHES
    assert halvings_of(sketch(text)) >= 2
    comparable = sketch(passage)[sketch(passage) < 2 ** (32 - halvings_of(sketch(text)))]
    assert np.isin(comparable, sketch(text)).mean() > 0.9


def test_a_chinese_character_counts_as_two_letters() -> None:
    assert len(sketch("".join(map(chr, range(0x4E00, 0x4E00 + 800))))) > 140


def test_a_stretch_must_be_long_enough() -> None:
    matches = np.array([False] * 50 + [True] * 60 + [False] * 50)
    assert has_shared_stretch(matches, 400, 0)
    assert not has_shared_stretch(matches, 1200, 0)
    assert has_shared_stretch(matches, 900, 1)
