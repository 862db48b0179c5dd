from __future__ import annotations

from include.distill.text.token_weights import WEIGHTS
from tests.distill.text.feature_counts import token_features

features = token_features


def test_words_digits_signs_and_spaces_are_counted() -> None:
    counts = features("see parseHTTPHeader(x_y):\n\n  12345 für 中国").counts
    assert counts["words"] == 5  # see, parse, Header, x, y
    assert (counts["capitals"], counts["more_capitals"]) == (1, 3)
    assert counts["digit_groups"] == 2
    assert (counts["sign_before_word"], counts["underscore_before_word"], counts["sign_runs"]) == (1, 1, 1)
    assert counts["space_runs"] == 1
    assert (counts["latin_words"], counts["latin"]) == (1, 1)
    assert counts["han_or_kana_runs"] == 1


def test_words_are_foreign_in_a_text_that_is_neither_english_nor_code() -> None:
    assert features("The cat sat on the mat and it was not at all in the way of the dog.").counts["foreign_words"] < 1
    assert features("call(open(path), mode=read, size=full)").counts["foreign_words"] < 1
    assert features("Der Hund liegt unter dem Tisch und wartet auf Futter").counts["foreign_words"] == 10


def test_random_letters_have_rare_pairs() -> None:
    assert features("xqzjvk").counts["rare_pairs"] == 5
    assert features("parliament").counts["rare_pairs"] == 0


def test_every_feature_has_a_weight() -> None:
    blocks = "".join(map(chr, range(1, 0x3000)))
    words = "漢字蚵鰺の カ 한국어 뷁 жук 。😀 aBc \"q 'x _u .s 12 \n\n\t ABC éa"
    text = f"{blocks} {words} {'x' * 60}"
    assert set(features(text).counts) == set(WEIGHTS)
