from __future__ import annotations

from decimal import Decimal

import pytest

from include.distill.grounding.languages import FOLDER, LATIN_SCRIPT, UNKNOWN, english, language, language_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The bucket is in the Region.", "en"),
        ("Der Eimer ist in der Region.", "de"),
        ("Le seau est dans la région.", "fr"),
        ("El cubo está en la región.", "es"),
        ("यह बाल्टी है।", "hi"),
        ("هذا دلو كبير.", "ar"),
        ("AWS Lambda で作られています。", "ja"),
        ("使用 AWS Lambda 的系统。", "zh"),
        ("12 345", ""),
        ("Storage", ""),
    ],
)
def test_the_language_follows_from_the_script_and_the_stop_words(text: str, code: str) -> None:
    assert language_of(text).code == code


def test_a_few_words_in_another_script_do_not_change_the_language() -> None:
    assert language_of("The sign in front of the old shop in the street says 出口 and the door is closed.").code == "en"
    assert language_of("हम Amazon S3 का उपयोग करते हैं।").code == "hi"


def test_a_tie_of_stop_words_has_no_language() -> None:
    assert "a" in language("en").stop_words & language("pt").stop_words
    assert language_of("a") is UNKNOWN


def test_a_typographic_apostrophe_counts_like_a_plain_one() -> None:
    assert language_of("C’est l’eau qu’il a") is language_of("C'est l'eau qu'il a")


def test_a_text_in_an_unknown_script_has_no_language() -> None:
    assert language_of("Это большое ведро, the one.") is UNKNOWN


def test_only_the_start_of_a_long_text_decides() -> None:
    start = "The bucket is in the Region. " * 100
    assert language_of(start + "यह बाल्टी है। " * 1000).code == "en"


@pytest.mark.parametrize("code", ["", "xx", "ru"])
def test_a_language_without_a_file_has_no_words(code: str) -> None:
    assert language(code) is UNKNOWN
    assert not UNKNOWN.stop_words
    assert not UNKNOWN.is_latin


def test_german_has_the_number_words_of_its_file_and_the_composed_ones() -> None:
    german = language("de").numbers
    assert german["vierundzwanzig"] == 24
    assert german["million"] == 1_000_000
    assert "vierundzwanzig" not in language("en").numbers


def test_the_words_of_a_file_are_read_with_their_values() -> None:
    words = english()
    assert words is language("en")
    assert words.numbers["twenty"] == Decimal(20)
    assert words.fractions["half"] == Decimal("0.5")
    assert {"the", "isn't"} & words.stop_words == {"the"}
    assert "isn't" in words.negators
    assert words.months["june"] == 6
    assert words.is_latin
    assert not words.without_spaces


def test_only_chinese_and_japanese_do_not_separate_words() -> None:
    codes = [path.stem for path in FOLDER.glob("??.yaml")]
    assert {code for code in codes if language(code).without_spaces} == {"zh", "ja"}
    assert {code for code in codes if language(code).is_latin} == set(LATIN_SCRIPT) & set(codes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("c5d.large: one 50 GB drive, c5d.xlarge: one 100 GB drive", "en"),
        ("aws s3 sync", ""),
        ("d2.xlarge c1.medium d2.8xlarge", ""),
        ("C'est l'option d.", "fr"),
        ("Am 5. Oktober 2016.", "de"),
        ("Le 5 octobre 2016.", "fr"),
    ],
)
def test_identifiers_do_not_decide_the_language_but_months_do(text: str, code: str) -> None:
    assert language_of(text).code == code
