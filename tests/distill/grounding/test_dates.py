from __future__ import annotations

import pytest

from include.distill.grounding.dates import clock_hours, document_months, months, numeric_dates, times
from include.distill.grounding.languages import language


@pytest.mark.parametrize(
    ("text", "parts", "expected_months"),
    [
        ("On 2024-03-15.", (2024, 3, 15), {3}),
        ("On 15/03/2024 it ends.", (15, 3, 2024), {3}),
        ("On 5/1/2024 it ends.", (5, 1, 2024), {5, 1}),
        ("Am 15.01.24 endet es.", (15, 1, 24), {1}),
        ("Am 15.01. endet es.", (15, 1), {1}),
        ("Am 7.3. endet es.", (7, 3), {3}),
        ("2024年1月5日に終わる。", (2024, 1, 5), {1}),
        ("11月5日に終わる。", (11, 5), {11}),
        ("2024년 3월 5일", (2024, 3, 5), {3}),
    ],
)
def test_a_date_in_digits_has_its_parts_and_the_months_that_it_can_mean(
    text: str, parts: tuple[int, ...], expected_months: set[int]
) -> None:
    (date,) = numeric_dates(text)
    assert (date.parts, date.months) == (parts, expected_months)
    assert text[date.start : date.end] == date.text


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.34",
        "version 1.2.3",
        "It took 3月間",
        "Take 15.13. of it",
        "00/01/2024",
        "The ratio is 5/8.",
        "1.15.01.2",
    ],
)
def test_a_version_an_address_a_duration_or_a_fraction_is_no_date(text: str) -> None:
    assert numeric_dates(text) == []


def test_dates_are_in_the_order_of_the_text() -> None:
    text = "Vom 15.01. bis 20.02.2024, dann bis 3.4. und 2025-06-01."
    assert [date.text for date in numeric_dates(text)] == ["15.01.", "20.02.2024", "3.4.", "2025-06-01"]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("en", "It ends in January or Feb.", [(1, "January"), (2, "Feb")]),
        ("en", "It ends on 5 May.", [(5, "May")]),
        ("en", "It ends on the 5th of May.", [(5, "May")]),
        ("en", "It ends on March 3.", [(3, "March")]),
        ("en", "May I end it? March on!", []),
        ("en", "They march 5 km.", []),
        ("en", "They march on, and it may end in 5 days.", []),
        ("de", "Es endet am 5. Mai.", [(5, "Mai")]),
        ("fr", "Le 1er mars et en juin.", [(3, "mars"), (6, "juin")]),
        ("es", "El 3 de marzo.", [(3, "marzo")]),
        ("", "It ends in January.", []),
    ],
)
def test_a_month_name_that_is_also_a_common_word_counts_only_next_to_a_number(
    code: str, text: str, expected: list[tuple[int, str]]
) -> None:
    assert months(text, language(code)) == expected


def test_the_months_of_a_document_are_those_of_its_names_and_dates() -> None:
    assert document_months("From January to 2024-07-31.", language("en")) == {1, 7}
    assert document_months("5/1/2024", language("en")) == {1, 5}


def test_english_month_names_count_in_a_document_in_another_script_only() -> None:
    assert document_months("リリースは January です。", language("ja")) == {1}
    assert document_months("Le rapport de October est prêt.", language("fr")) == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 9:10", [550]),
        ("at 21:10", [550]),
        ("at 9:10 p.m.", [550]),
        ("at 09:10:30", [550]),
        ("at 9 AM", [540]),
        ("at 12:30 am", [30]),
        ("at 24:00", [0]),
        ("at 23:59", [11 * 60 + 59]),
        ("at 25:00", []),
        ("at 9:60", []),
        ("at 9", []),
        ("ratio 1:2:3", []),
        ("port 443:8080", []),
    ],
)
def test_a_time_of_day_is_the_minute_of_its_half_day(text: str, expected: list[int]) -> None:
    assert [minute for _, _, minute in times(text)] == expected


def test_a_time_has_the_place_of_its_text() -> None:
    text = "Open from 9:10 to 5 p.m. today."
    assert [text[start:end] for start, end, _ in times(text)] == ["9:10", "5 p.m"]


def test_the_hours_of_a_clock_count_on_both_halves_of_the_day() -> None:
    assert clock_hours("Um 15 Uhr geht es los.") == {3, 15}
    assert clock_hours("From 9:10 to 22:00.") == {9, 21, 10, 22}
    assert clock_hours("晚上7点") == {7, 19}
    assert clock_hours("The clock has 12 numbers.") == frozenset()


def test_midnight_is_hour_0_and_hour_12() -> None:
    assert clock_hours("at 0:30") == {0, 12}
    assert clock_hours("um 12 Uhr") == {0, 12}
    assert clock_hours("um 0 Uhr") == {0, 12}
    assert clock_hours("at 24:00") == {0, 12}
