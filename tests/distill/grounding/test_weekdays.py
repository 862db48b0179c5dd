from __future__ import annotations

import pytest

from include.distill.grounding.check import GroundingCheck
from include.distill.grounding.weekdays import weekdays


@pytest.mark.parametrize(
    ("document", "good", "bad"),
    [
        ("Das Wasser wird jeden Sonntag erhitzt.", "Es wird am Sonntag erhitzt.", "Es wird am Samstag erhitzt."),
        ("每周三消毒泳池。", "The pool is disinfected on Wednesday.", "The pool is disinfected on Friday."),
        (
            "수영장은 수요일에 소독합니다.",
            "The pool is disinfected on Wednesday.",
            "The pool is disinfected on Friday.",
        ),
    ],
)
def test_a_weekday_is_compared_in_all_languages(document: str, good: str, bad: str) -> None:
    check, question = GroundingCheck(document), "What does the document say about it?"
    assert check.check(good, question).outcome == "kept"
    assert check.check(bad, question).outcome == "dropped"


def test_a_weekday_inside_a_range_is_undecided() -> None:
    check = GroundingCheck("The office is open from Monday to Friday and answers letters.")
    answer = "The office is open on Wednesday."
    assert check.check(answer, "What does the document say about it?").outcome == "undecided"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MONDAY or friday", [(0, "MONDAY"), (4, "friday")]),
        ("A terça-feira e a quinta-feira", [(1, "terça-feira"), (3, "quinta-feira")]),
        ("मंगलवार और रविवार", [(1, "मंगलवार"), (6, "रविवार")]),
        ("月曜日と火曜日", [(0, "月曜"), (1, "火曜")]),
        ("每周日和星期五", [(4, "星期五"), (6, "周日")]),
        ("토요일부터", [(5, "토요일")]),
        ("The sundae costs 3 euros.", []),
    ],
)
def test_each_weekday_is_returned_with_its_number_and_its_spelling(text: str, expected: list[tuple[int, str]]) -> None:
    assert weekdays(text) == expected


def test_an_abbreviated_weekday_must_be_capitalized() -> None:
    assert weekdays("They sat in the sun and wed.") == []
    assert weekdays("Sat, Sun and Wed") == [(5, "Sat"), (6, "Sun"), (2, "Wed")]


@pytest.mark.parametrize("word", ["الجمعة", "والجمعة", "بالجمعة", "وبالجمعة"])
def test_an_arabic_weekday_may_follow_a_conjunction_and_a_preposition(word: str) -> None:
    assert weekdays(f"نلتقي {word}") == [(4, word)]
