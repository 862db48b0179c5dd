from __future__ import annotations

import pytest

from include.distill.grounding.clock_times import spoken_hours, spoken_times
from include.distill.grounding.languages import language


def minutes(text: str, code: str) -> list[int]:
    """Return the times of a text as minutes since midnight or noon."""
    return sorted({minute for _, _, minute in spoken_times(text, language(code))})


@pytest.mark.parametrize(
    ("code", "text", "hour", "minute"),
    [
        ("en", "It starts at half past nine.", 9, 30),
        ("en", "It starts at quarter past 9.", 9, 15),
        ("en", "It starts at quarter to nine.", 8, 45),
        ("de", "Es beginnt um halb sieben.", 6, 30),
        ("de", "Es beginnt um Viertel nach sieben.", 7, 15),
        ("de", "Es beginnt um Viertel vor sieben.", 6, 45),
        ("de", "Es beginnt um dreiviertel sieben.", 6, 45),
        ("fr", "Il commence à sept heures et demie.", 7, 30),
        ("fr", "Il commence à 7 heures et quart.", 7, 15),
        ("fr", "Il commence à sept heures moins le quart.", 6, 45),
        ("es", "Empieza a las siete y media.", 7, 30),
        ("es", "Empieza a las siete y cuarto.", 7, 15),
        ("es", "Empieza a las siete menos cuarto.", 6, 45),
        ("it", "Comincia alle sette e mezza.", 7, 30),
        ("it", "Comincia alle sette e un quarto.", 7, 15),
        ("pt", "Começa às sete e meia.", 7, 30),
        ("hi", "यह साढ़े सात बजे शुरू होता है।", 7, 30),
        ("hi", "यह सवा सात बजे शुरू होता है।", 7, 15),
        ("hi", "यह पौने सात बजे शुरू होता है।", 6, 45),
        ("ar", "يبدأ في الساعة السابعة والنصف.", 7, 30),
        ("ar", "يبدأ في الساعة السابعة والربع.", 7, 15),
        ("ar", "يبدأ في الساعة السابعة إلا ربعا.", 6, 45),
        ("ja", "午後五時半に始まる。", 5, 30),
        ("zh", "晚上七点一刻开始。", 7, 15),
        ("zh", "晚上七点三刻开始。", 7, 45),
        ("zh", "晚上7点二十分开始。", 7, 20),
    ],
)
def test_a_time_in_words_is_read_in_each_language(code: str, text: str, hour: int, minute: int) -> None:
    assert minutes(text, code) == [hour * 60 + minute]


@pytest.mark.parametrize(
    ("code", "text"),
    [("en", "The gate closes at midnight."), ("de", "Das Tor schließt um 12 Uhr mittags."), ("ja", "正午に閉まる。")],
)
def test_noon_and_midnight_are_the_start_of_a_half_day(code: str, text: str) -> None:
    assert minutes(text, code) == [0]


def test_the_same_time_in_the_morning_and_the_evening_is_equal() -> None:
    assert minutes("Das Tor schließt um 21 Uhr 10.", "de") == minutes("Das Tor schließt um 9 Uhr 10.", "de") == [550]
    assert minutes("half past twelve", "en") == [30]
    assert minutes("quarter to 12", "en") == [11 * 60 + 45]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "It takes half an hour."),
        ("en", "half past 25"),
        ("en", "half past something"),
        ("en", "behalf past nine"),
        ("de", "half past nine"),
        ("de", "Es ist 25 Uhr 10."),
        ("de", "Es ist 9 Uhr 60."),
        ("zh", "七点六十分"),
        ("fr", "La visite dure deux heures et demie."),
        ("ar", "السعر خمسة ونصف دينار."),
    ],
)
def test_an_impossible_time_a_duration_or_another_language_is_no_time(code: str, text: str) -> None:
    assert minutes(text, code) == []


def test_hour_24_and_minute_59_are_the_last_that_count() -> None:
    assert minutes("24 Uhr 59", "de") == [59]
    assert minutes("二十四点五十九分", "zh") == [59]


def test_a_time_has_the_place_of_its_words() -> None:
    text = "It opens at half past nine."
    ((start, end, _),) = spoken_times(text, language("en"))
    assert text[start:end] == "half past nine"


def test_full_hours_in_characters_are_read_only_in_chinese_and_japanese() -> None:
    assert spoken_hours("十時に開き、二十四時に閉まる。", language("ja")) == {10, 24}
    assert spoken_hours("晚上两点", language("zh")) == {2}
    assert spoken_hours("二十五時", language("ja")) == set()
    assert spoken_hours("十時間かかる。", language("ja")) == set()
    assert spoken_hours("十時", language("en")) == set()
