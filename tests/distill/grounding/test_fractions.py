from __future__ import annotations

import pytest

from include.distill.grounding.clock_times import spoken_hours, spoken_times
from include.distill.grounding.languages import language
from include.distill.grounding.numbers import quantities
from include.distill.grounding.plain_text import clean


def base_values(text: str, code: str) -> set[tuple[str, float]]:
    found = quantities(clean(text), language(code))
    return {(dimension, float(value)) for quantity in found for dimension, value in quantity.base_values()}


@pytest.mark.parametrize(
    ("code", "text", "seconds"),
    [
        ("en", "three quarters of an hour", 2700),
        ("en", "a quarter of an hour", 900),
        ("en", "half an hour", 1800),
        ("en", "two and a half hours", 9000),
        ("es", "tres cuartos de hora", 2700),
        ("es", "dos horas y media", 9000),
        ("fr", "une heure et quart", 4500),
        ("fr", "trois quarts d'heure", 2700),
        ("fr", "2 heures et demie", 9000),
        ("de", "Viertelstunde", 900),
        ("de", "zweieinhalb Stunden", 9000),
        ("hi", "सवा दो घंटे", 8100),
        ("ar", "نصف ساعة", 1800),
        ("ar", "بتسعين دقيقة", 5400),
        ("ar", "اثنتي عشرة ثانية", 12),
        ("ar", "ساعتان ونصف", 9000),
        ("zh", "两个半小时", 9000),
        ("zh", "半小时", 1800),
        ("ja", "二時間半", 9000),
    ],
)
def test_a_fraction_of_a_unit_is_one_quantity(code: str, text: str, seconds: float) -> None:
    assert base_values(text, code) == {("time", seconds)}


@pytest.mark.parametrize(
    ("code", "text", "percent"),
    [("zh", "百分之七", 7), ("zh", "百分之五十", 50), ("ja", "3割", 30), ("hi", "साढ़े तीन प्रतिशत", 3.5)],
)
def test_a_share_in_words_is_a_percentage(code: str, text: str, percent: float) -> None:
    assert base_values(text, code) == {("percent", percent)}


@pytest.mark.parametrize(
    ("code", "text", "value"), [("hi", "साढ़े तीन हज़ार", 3500), ("hi", "पौने चार लाख", 375_000), ("hi", "साढ़े चार सौ", 450)]
)
def test_a_hindi_fraction_applies_to_the_scale_of_its_number(code: str, text: str, value: float) -> None:
    (quantity,) = quantities(clean(text), language(code))
    assert [float(one) for one in quantity.values] == [value]


def test_an_arabic_dual_of_a_unit_is_two() -> None:
    assert base_values("سنتان", "ar") == {("month", 24)}
    assert base_values("جنيهان ونصف", "ar") == {("money_egp", 2.5)}


def test_the_ordinal_of_an_arabic_date_is_not_a_number_of_the_answer() -> None:
    assert quantities(clean("في الخامس عشر من الشهر"), language("ar")) == []


@pytest.mark.parametrize(
    ("code", "text", "minute"),
    [
        ("en", "half past nine", 9 * 60 + 30),
        ("en", "at quarter to eight", 7 * 60 + 45),
        ("en", "at noon", 0),
        ("de", "um halb sieben", 6 * 60 + 30),
        ("de", "um Viertel nach 8", 8 * 60 + 15),
        ("de", "um 6 Uhr 30", 6 * 60 + 30),
        ("es", "a las siete menos cuarto", 6 * 60 + 45),
        ("fr", "à sept heures et demie", 7 * 60 + 30),
        ("hi", "रात साढ़े दस बजे", 10 * 60 + 30),
        ("ar", "الساعة العاشرة والنصف", 10 * 60 + 30),
        ("ja", "午後五時半", 5 * 60 + 30),
        ("ja", "正午", 0),
        ("zh", "十三点三十七分", 60 + 37),
        ("zh", "九点一刻", 9 * 60 + 15),
    ],
)
def test_a_time_in_words_is_read(code: str, text: str, minute: int) -> None:
    assert {found for _, _, found in spoken_times(clean(text), language(code))} == {minute}


@pytest.mark.parametrize(
    ("code", "text"), [("ja", "二時間半"), ("fr", "Elle dure deux heures et demie"), ("zh", "五点")]
)
def test_a_duration_and_a_full_hour_are_no_time_with_minutes(code: str, text: str) -> None:
    assert spoken_times(clean(text), language(code)) == []


def test_full_hours_in_characters_are_read() -> None:
    assert spoken_hours("午前十時から3時間、16時まで", language("ja")) == {10, 16}
    assert spoken_hours("at ten", language("en")) == set()


@pytest.mark.parametrize(
    ("code", "text", "percent"),
    [
        ("en", "three quarters of all requests", 75),
        ("en", "Three-fifths of them", 60),
        ("en", "about 3 quarters of them", 75),
        ("de", "drei Viertel aller Anfragen", 75),
        ("de", "vier Fünftel davon", 80),
        ("fr", "trois quarts des requêtes", 75),
        ("es", "tres cuartos de ellas", 75),
        ("it", "tre quarti di esse", 75),
        ("pt", "três quartos delas", 75),
        ("hi", "तीन चौथाई अनुरोध", 75),
        ("ar", "ثلاثة أرباع الطلبات", 75),
    ],
)
def test_parts_of_a_whole_are_a_share(code: str, text: str, percent: float) -> None:
    assert ("percent", percent) in base_values(text, code)


@pytest.mark.parametrize("text", ["in three quarters", "the third quarter", "five quarters", "two thirds-party tools"])
def test_an_ordinal_and_more_than_a_whole_are_no_share(text: str) -> None:
    assert not {("percent", 125), ("percent", 1200)} & base_values(text, "en")
