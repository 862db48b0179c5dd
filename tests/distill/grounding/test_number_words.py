from __future__ import annotations

from decimal import Decimal

import pytest

from include.distill.grounding.languages import UNKNOWN, language
from include.distill.grounding.number_words import dense_value, dense_values, word_runs


def runs(text: str, code: str, *, is_source: bool = False) -> list[tuple[str, float]]:
    return [
        (text[start:end], float(value)) for start, end, value in word_runs(text, language(code), is_source=is_source)
    ]


@pytest.mark.parametrize(
    ("numeral", "expected"),
    [
        ("十", 10),
        ("二十四", 24),
        ("三百零五", 305),
        ("一千二百", 1200),
        ("三万五千", 35_000),
        ("十二万", 120_000),
        ("一亿二千万", 120_000_000),
        ("二〇二四", 2024),
        ("两百", 200),
    ],
)
def test_a_number_in_chinese_characters_has_the_sum_of_its_groups(numeral: str, expected: int) -> None:
    assert dense_value(numeral) == expected


def test_only_two_digits_in_a_row_are_an_approximate_number() -> None:
    assert set(dense_values("三四")) == {Decimal(34), Decimal(3), Decimal(4)}
    assert dense_values("四三") == (Decimal(43),)
    assert dense_values("三五") == (Decimal(35),)
    assert dense_values("一二三") == (Decimal(123),)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("en", "one million two hundred thousand and six", 1_200_006),
        ("en", "nineteen hundred", 1900),
        ("en", "three hundred forty-two", 342),
        ("fr", "quatre-vingt-quinze", 95),
        ("fr", "soixante-dix", 70),
        ("es", "dos mil quinientos", 2500),
        ("ar", "خمسة وعشرون", 25),
    ],
)
def test_the_words_of_one_number_are_read_together(code: str, text: str, expected: int) -> None:
    assert runs(text, code) == [(text, expected)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two four", [("two", 2), ("four", 4)]),
        ("twenty thirty", [("twenty", 20), ("thirty", 30)]),
        ("twenty twelve", [("twenty", 20), ("twelve", 12)]),
        ("five, six", [("five", 5), ("six", 6)]),
        ("two cats and four dogs", [("two", 2), ("four", 4)]),
        ("hundred hundred", [("hundred", 100), ("hundred", 100)]),
    ],
)
def test_words_that_do_not_fit_together_or_have_words_between_them_are_separate_numbers(
    text: str, expected: list[tuple[str, float]]
) -> None:
    assert runs(text, "en") == expected


def test_a_joiner_after_the_last_word_is_no_part_of_the_number() -> None:
    assert runs("it has twenty and more", "en") == [("twenty", 20)]
    assert runs("it has two hundred and six keys", "en") == [("two hundred and six", 206)]


def test_ordinals_and_halves_are_read_only_in_a_source() -> None:
    text = "the third floor and half the roof"
    assert runs(text, "en") == []
    assert runs(text, "en", is_source=True) == [("third", 3), ("half", 0.5)]


def test_an_arabic_number_may_have_a_prefix_but_starts_with_no_conjunction() -> None:
    assert runs("بتسعين", "ar") == [("بتسعين", 90)]
    assert runs("بستة", "ar") == [("بستة", 6)]
    assert runs("بست", "ar") == []
    assert runs("وعشرون", "ar") == []


def test_an_arabic_ordinal_between_eleven_and_nineteen_is_read_only_in_a_source() -> None:
    text = "الثاني عشر"
    assert runs(text, "ar") == []
    assert runs(text, "ar", is_source=True) != []


def test_a_language_without_number_words_has_no_numbers_in_words() -> None:
    assert list(word_runs("twenty-four", UNKNOWN)) == []
