from __future__ import annotations

from decimal import Decimal

import pytest

from include.distill.grounding.german_numbers import german_number_words

WORDS = german_number_words()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("eins", 1),
        ("neun", 9),
        ("zehn", 10),
        ("zwölf", 12),
        ("neunzehn", 19),
        ("zwanzig", 20),
        ("einundzwanzig", 21),
        ("neunundneunzig", 99),
        ("hundert", 100),
        ("einhundert", 100),
        ("hunderteins", 101),
        ("zweihundertfünfzig", 250),
        ("neunhundertneunundneunzig", 999),
        ("eintausend", 1000),
        ("hunderteintausend", 101_000),
        ("neunhundertneunundneunzigtausend", 999_000),
    ],
)
def test_a_number_in_one_word_has_its_value(word: str, value: int) -> None:
    assert WORDS[word] == value


def test_every_whole_number_up_to_999_and_every_full_thousand_has_a_word() -> None:
    values = set(WORDS.values())
    assert {Decimal(value) for value in range(1, 1000)} <= values
    assert {Decimal(1000 * value) for value in range(1, 1000)} <= values
    assert max(values) == 999_000


def test_no_word_has_eins_before_another_part() -> None:
    assert [word for word in WORDS if "eins" in word and not word.endswith("eins")] == []


def test_a_word_with_a_sharp_s_has_two_spellings() -> None:
    assert WORDS["dreiunddreißig"] == WORDS["dreiunddreissig"] == 33
    assert WORDS["dreißigtausend"] == WORDS["dreissigtausend"] == 30_000


def test_a_half_is_added_to_a_single_digit() -> None:
    halves = {word: value for word, value in WORDS.items() if value % 1}
    assert sorted(halves.values()) == [Decimal("1.5"), *(Decimal(digit) + Decimal("0.5") for digit in range(1, 10))]
    assert halves["anderthalb"] == halves["eineinhalb"] == Decimal("1.5")
    assert halves["neuneinhalb"] == Decimal("9.5")
