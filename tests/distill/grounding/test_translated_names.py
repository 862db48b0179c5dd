from __future__ import annotations

import pytest

from include.distill.grounding.check import GroundingCheck
from include.distill.grounding.translated_names import (
    is_spelled_like,
    is_usually_translated,
    skeleton,
    skeletons,
    sounds_like,
)


@pytest.mark.parametrize(
    ("document", "good", "bad"),
    [
        (
            "اتصل بالمهندس خالد الحربي عند الطوارئ.",
            "Call the engineer Khaled Al-Harbi.",
            "Call the engineer Tarek Mansour.",
        ),
        ("निरीक्षक श्री रमेश यादव जाँच करेंगे।", "The inspector is Mr Ramesh Yadav.", "The inspector is Mr Tarun Kapoor."),
    ],
)
def test_a_name_from_another_script_is_compared_by_its_consonants(document: str, good: str, bad: str) -> None:
    check = GroundingCheck(document)
    assert check.check(good, "Who is it?").outcome == "kept"
    assert check.check(bad, "Who is it?").outcome == "undecided"


@pytest.mark.parametrize(
    ("latin", "other"),
    [
        ("Ramesh", "रमेश"),
        ("Hampi", "हंपी"),
        ("Zafar", "ज़फ़र"),
        ("Zafar", "\u095b\u095e\u0930"),
        ("Khaled", "خالد"),
        ("Al-Harbi", "الحربي"),
        ("Harbi", "والحربي"),
        ("Schmidt", "シュミット"),
        ("Müller", "ミュラー"),
        ("Chan", "チャン"),
    ],
)
def test_a_name_has_one_skeleton_in_all_scripts(latin: str, other: str) -> None:
    assert skeleton(latin) == skeleton(other)
    assert len(skeleton(latin)) >= 2


def test_names_with_other_consonants_have_other_skeletons() -> None:
    assert len({skeleton(name) for name in ("Ramesh", "Tarun", "Kapoor", "Khaled", "Mansour", "Schmidt")}) == 6


def test_a_text_has_the_skeletons_of_its_words_and_of_its_katakana() -> None:
    assert skeletons("担当はシュミットです。Anna a") >= {skeleton("Schmidt"), skeleton("Anna")}
    assert "" not in skeletons("Aia et Eau")


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("Ramesh", {"rms"}, True),
        ("Ramesh", {"rmsn"}, True),
        ("Ramesh", {"rnms"}, True),
        ("Ramesh", {"rmsnd"}, False),
        ("Ramesh", {"rns"}, False),
        ("Ramesh", {"rm"}, False),
        ("Ramesh", set(), False),
        ("Anna", {"rms"}, True),
    ],
)
def test_a_name_sounds_like_a_word_with_at_most_one_consonant_more_or_less(
    name: str, known: set[str], expected: bool
) -> None:
    assert sounds_like(name, frozenset(known)) is expected


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("Köln", "koln", True),
        ("Milano", "mailand", True),
        ("Berlin", "berlino", True),
        ("Berlin", "merlin", False),
        ("Wien", "vienna", False),
        ("Praha", "prado", False),
    ],
)
def test_a_name_is_spelled_like_a_word_with_the_same_first_letter_and_most_letters(
    name: str, word: str, expected: bool
) -> None:
    assert is_spelled_like(name, frozenset({"", word})) is expected


def test_countries_and_languages_are_usually_translated_and_family_names_are_not() -> None:
    assert is_usually_translated("Germany")
    assert is_usually_translated("FRANZÖSISCH")
    assert not is_usually_translated("Hallmann")
