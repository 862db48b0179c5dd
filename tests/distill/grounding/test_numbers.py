from __future__ import annotations

from decimal import Decimal

import pytest

from include.distill.grounding.languages import language
from include.distill.grounding.numbers import quantities
from include.distill.grounding.plain_text import clean


def values(text: str, code: str) -> list[set[int | float]]:
    return [{float(value) for value in quantity.values} for quantity in quantities(clean(text), language(code))]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("en", "1,000", 1000),
        ("en", "1 000 items", 1000),
        ("en", "1,234,567.5", 1234567.5),
        ("en", "12,34,567", 1234567),
        ("en", "twenty-four", 24),
        ("en", "two hundred and fifty", 250),
        ("en", "one hundred thousand", 100_000),
        ("en", "5.5 million", 5_500_000),
        ("en", "3/4", 0.75),
        ("de", "1.000", 1000),
        ("de", "2,5 Millionen", 2_500_000),
        ("de", "vierundzwanzig", 24),
        ("de", "zweihundertfünfzig", 250),
        ("fr", "quatre-vingt-dix", 90),
        ("fr", "soixante-quinze", 75),
        ("es", "treinta y cinco", 35),
        ("es", "dos mil quinientos", 2500),
        ("hi", "चौबीस", 24),
        ("hi", "२४", 24),
        ("hi", "दो लाख", 200_000),
        ("ar", "خمسة وعشرون", 25),
        ("ar", "٢٤", 24),
        ("zh", "二十四", 24),
        ("zh", "三百五十", 350),
        ("zh", "二〇二四年", 2024),
        ("zh", "２４", 24),
        ("ja", "5万人", 50_000),
    ],
)
def test_a_number_is_read_in_every_usual_form(code: str, text: str, expected: float) -> None:
    assert values(text, code) == [{expected}]


def test_a_number_with_one_separator_has_both_readings_if_the_language_does_not_decide() -> None:
    assert values("1.000", "en") == [{1, 1000}]
    assert values("1,000", "de") == [{1, 1000}]


def test_approximate_chinese_numbers_have_both_values() -> None:
    assert {2, 3} < values("两三天", "zh")[0]


def test_two_number_words_that_do_not_form_one_number_are_two_numbers() -> None:
    assert values("two four", "en") == [{2}, {4}]
    assert values("ten to twenty", "en") == [{10}, {20}]


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("en", "2 GiB", "2GiB"),
        ("en", "5 %", "5 percent"),
        ("en", "30 min", "30 minutes"),
        ("en", "1 hour", "60 minutes"),
        ("en", "four weeks", "28 days"),
        ("en", "50 cents", "$0.50"),
        ("es", "4 %", "cuatro por ciento"),
        ("zh", "5角", "0.5元"),
        ("hi", "24 घंटे", "चौबीस घंटे"),
    ],
)
def test_quantities_with_equal_or_convertible_units_have_a_common_base_value(code: str, one: str, other: str) -> None:
    (first,), (second,) = quantities(clean(one), language(code)), quantities(clean(other), language(code))
    assert first.base_values() & second.base_values()


def test_numbers_in_a_row_share_the_unit_after_the_last_one() -> None:
    units = [quantity.unit for quantity in quantities("5, 10 or 15 minutes", language("en"))]
    assert len(units) == 3
    assert units[0] == units[1] == units[2]
    assert units[2]
    assert units[2].factor == Decimal(60)


def test_half_counts_as_a_number_only_in_a_source() -> None:
    assert quantities("half of the users", language("en")) == []
    (half,) = quantities("half an hour", language("en"), is_source=True)
    assert ("time", Decimal(1800).normalize()) in half.base_values()


@pytest.mark.parametrize("text", ["之后每100万次收费0.40美元。", "Use 3 for $5.", "The 2 is 5 GB."])
def test_a_number_has_no_unit_of_a_number_that_it_does_not_belong_with(text: str) -> None:
    assert quantities(clean(text), language("zh" if "万" in text else "en"))[0].unit is None


@pytest.mark.parametrize("text", ["5 to 10 GB", "5 or 10 GB", "from 5 up to 10 GB", "5, 10 and 20 GB", "5 और 10 GB"])
def test_numbers_that_are_listed_share_their_unit(text: str) -> None:
    assert all(one.unit for one in quantities(clean(text), language("en")))
