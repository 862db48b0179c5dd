from __future__ import annotations

import re
from decimal import Decimal

import pytest

from include.distill.grounding.units import Unit, single_periods, unit_at, unit_named

MINUTE = Unit("time", Decimal(60))


def unit_in(text: str) -> tuple[Unit | None, str, str]:
    """Return the unit of the only number in ``text``, the word after it, and the text after the unit."""
    number = re.search(r"\d+", text)
    assert number
    unit, word, end = unit_at(text, *number.span())
    return unit, word, text[end:]


@pytest.mark.parametrize(
    ("text", "unit", "word", "rest"),
    [
        ("takes 5 minutes.", MINUTE, "minutes", "."),
        ("a 90-Minute film", MINUTE, "minute", " film"),
        ("5\u00a0min later", MINUTE, "min", " later"),
        ("3 of a mile", Unit("length", Decimal("1609.344")), "mile", ""),
        ("2 KB", Unit("bytes", Decimal(1000)), "kb", ""),
        ("8 Mbit/s or less", Unit("rate", Decimal(1_000_000)), "mbit/s", " or less"),
        ("20 ° C outside", Unit("temperature", Decimal(1)), "° c", " outside"),
        ("5% off", Unit("percent", Decimal(1)), "%", " off"),
    ],
)
def test_the_word_after_a_number_is_its_unit(text: str, unit: Unit, word: str, rest: str) -> None:
    assert unit_in(text) == (unit, word, rest)


@pytest.mark.parametrize("text", ["5 per cent", "5 por ciento", "5 pour cent", "5 percent", "5 Prozent"])
def test_all_forms_of_percent_are_one_unit(text: str) -> None:
    assert unit_in(text)[0] == Unit("percent", Decimal(1))


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("US$ 5 each", "money_usd"),
        ("usd 5 each", "money_usd"),
        ("€5 each", "money_eur"),
        ("Rs. 5 each", "money_inr"),
        ("£5 each", "money_gbp"),
    ],
)
def test_a_currency_may_come_before_its_number(text: str, dimension: str) -> None:
    assert unit_in(text) == (Unit(dimension, Decimal(1)), "", " each")


def test_a_currency_belongs_only_to_the_number_that_it_touches() -> None:
    assert unit_in("the $ sign in 5 minutes")[0] == MINUTE
    assert unit_in("$ or 5 minutes")[0] == MINUTE


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("5d", "time"),
        ("5 d", None),
        ("5B", "bytes"),
        ("5 B", None),
        ("5 h", "time"),
        ("5 W", "power"),
        ("5 w", None),
        ("5 m", "length"),
        ("5 M", None),
    ],
)
def test_a_letter_that_is_often_a_label_must_touch_its_number(text: str, dimension: str | None) -> None:
    unit = unit_in(text)[0]
    assert (unit and unit.dimension) == dimension


@pytest.mark.parametrize("text", ["5 to 7 days", "5 no more", "5to", "5 apples"])
def test_a_word_that_is_no_clear_unit_is_returned_without_one(text: str) -> None:
    unit, word, rest = unit_in(text)
    assert unit is None
    assert rest == text[1:]
    assert word == text[1:].split()[0]


def test_nothing_follows_a_number_at_the_end_of_a_sentence() -> None:
    assert unit_in("There are 5. Minutes count.") == (None, "", ". Minutes count.")


@pytest.mark.parametrize(
    ("text", "unit", "word", "rest"),
    [
        ("3个星期后关闭", Unit("time", Decimal(604_800)), "个星期", "后关闭"),
        ("3小时后关闭", Unit("time", Decimal(3600)), "小时", "后关闭"),
        ("5시간이", Unit("time", Decimal(3600)), "시간", "이"),
        ("3苹果树", None, "苹果", "苹果树"),
    ],
)
def test_the_longest_unit_counts_in_scripts_that_attach_the_next_word(
    text: str, unit: Unit | None, word: str, rest: str
) -> None:
    assert unit_in(text) == (unit, word, rest)


def test_a_unit_is_named_in_lower_case() -> None:
    assert unit_named("hours") == unit_named("stunden") == Unit("time", Decimal(3600))
    assert unit_named("percentage") == unit_named("%")
    assert unit_named("bananas") is None


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("it rotates every year", ("month", 12)),
        ("yearly", ("month", 12)),
        ("once an hour", ("time", 3600)),
        ("jeden tag", ("time", 86_400)),
        ("cada semana", ("time", 604_800)),
        ("每天检查", ("time", 86_400)),
        ("毎年", ("month", 12)),
        ("हर दिन", ("time", 86_400)),
    ],
)
def test_a_period_without_a_number_is_one_of_its_unit(text: str, period: tuple[str, int]) -> None:
    assert set(single_periods(text)) == {period}


def test_a_unit_that_is_no_period_is_not_one() -> None:
    assert list(single_periods("a gigabyte of a file, this year")) == []
