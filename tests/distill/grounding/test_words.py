from __future__ import annotations

import pytest

from include.distill.grounding.languages import language
from include.distill.grounding.words import (
    content_stems,
    covered,
    dense_pairs,
    generic_stems,
    number_stems,
    stem,
    words,
)


def test_words_are_in_lower_case_and_a_contraction_is_one_word() -> None:
    assert words("Isn't the A_b-c 2x 'quoted'?") == ["isn't", "the", "a", "b", "c", "x", "quoted"]


@pytest.mark.parametrize(
    "forms",
    [
        ["encrypts", "encryption", "encrypted", "encrypting"],
        ["policy", "policies"],
        ["cost", "costs"],
        ["الكتاب", "والكتاب"],
        ["المدرسة", "بالمدرسة", "مُدَرِّسة", "مدرسات"],
        ["إدارة", "ادارة"],
        ["लड़का", "लड़के"],
    ],
)
def test_forms_of_one_word_have_one_stem(forms: list[str]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("its", "its"),
        ("keys", "key"),
        ("uses", "use"),
        ("carries", "carr"),
        ("लड़कियाँ", "लड़क"),
        ("لعب", "لعب"),
        ("ключевой", "ключ"),
    ],
)
def test_a_short_word_keeps_its_letters_and_a_long_one_its_first(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_content_stems_leave_out_stop_words_and_single_letters() -> None:
    assert content_stems("The archive encrypts a record with x keys.", language("en")) == [
        "archi",
        "encry",
        "recor",
        "key",
    ]


def test_content_stems_of_chinese_and_japanese_are_pairs_of_characters_and_latin_words() -> None:
    assert content_stems("数据存储在 AWS 和 a。", language("zh")) == ["数据", "据存", "存储", "储在", "aws"]
    # Hiragana and single kanji do not count in Japanese.
    assert content_stems("データを保存する年", language("ja")) == ["デー", "ータ", "保存"]


def test_number_words_and_generic_words_have_separate_stems() -> None:
    english, german = language("en"), language("de")
    assert stem("twenty") in number_stems(english) - generic_stems(english)
    assert stem("service") in generic_stems(english) - number_stems(english)
    assert stem("zwanzig") in number_stems(german) - number_stems(english)


def test_pairs_of_characters_do_not_reach_over_punctuation() -> None:
    assert dense_pairs("存储, c1") == {"存储", "c1"}


def test_a_long_stem_is_covered_as_a_part_of_the_text_and_a_short_one_is_not() -> None:
    assert covered(["speic"], frozenset(), "der blockspeicher") == 1.0
    assert covered(["key"], frozenset(), "the keyboard") == 0.0
    assert covered(["key", "speic", "absen", "datei"], frozenset({"key"}), "der blockspeicher") == 0.5
    assert covered([], frozenset(), "") == 1.0


@pytest.mark.parametrize(
    "forms",
    [
        ["كتاب", "الكتاب", "بالكتاب", "للكتاب", "والكتاب", "بكتاب"],
        ["بيانات", "البيانات", "بالبيانات", "وبيانات", "للبيانات"],
        ["لغة", "اللغة", "باللغة"],
        ["برنامج", "البرنامج"],
        ["فريق", "الفريق", "للفريق"],
        ["مدة", "المدة", "لمدة"],
        ["كلمة", "الكلمة", "بكلمة"],
    ],
)
def test_an_arabic_noun_has_one_stem_with_and_without_its_article(forms: list[str]) -> None:
    assert len(set(map(stem, forms))) == 1


def test_the_first_letter_of_an_arabic_word_is_kept_if_it_is_not_an_article() -> None:
    assert stem("كتاب") == "كتاب"
