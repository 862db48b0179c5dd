from __future__ import annotations

import pytest

from include.distill.text.question_index import Question
from include.distill.text.question_spelling import unified_spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("¿Qué es el niño?", "Que es el nino"),
        ("Làm thế nào để bật tính năng phiên bản?", "Lam the nao de bat tinh nang phien ban?"),
        ("Πώς ενεργοποιώ τις εκδόσεις;", "ΠΩΣ ΕΝΕΡΓΟΠΟΙΩ ΤΙΣ ΕΚΔΟΣΕΙΣ;"),
        ("Что такое учёт?", "Что такое учет?"),
        ("كيف أقوم بتفعيل الإصدارات", "كَيفَ اقوم بتفعيـل الاصدارات"),
        ("نسخه\u200cبندی کجاست", "نسخه\u200cبندي كجاست"),
        ("אֵיךְ מפעילים?", "איך מפעילים?"),
        ("ما هي ٣ ولايات", "ما هي 3 ولايات"),
        ("What costs 1,000 Euro?", "What costs 1000 Euro?"),
        ("What is an on-demand instance?", "What is an on demand instance?"),
        ("What is max_tokens?", "What is max tokens?"),
        ("What is \u201cSES\u201d?", "What is SES?"),
        ("What is «SES»?", "What is SES?"),
        ("What's the limit?", "what is the limit"),
        ("Why can't it start?", "Why can not it start?"),
        ("What is the capital of the U.S.?", "What is the capital of the US?"),
        ("Who is J. K. Rowling?", "Who is J.K. Rowling?"),
    ],
)
def test_questions_that_differ_only_in_spelling_are_the_same(one: str, other: str) -> None:
    assert Question(one).repeats(Question(other), 0.99)
    assert Question(other).repeats(Question(one), 0.99)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 3.14?", "What is 314?"),
        ("What is 0.125?", "What is 0.126?"),
        ("What is C++?", "What is C#?"),
        ("Где мой дом?", "Где мои дом?"),
        ("कमल क्या है?", "कमला क्या है?"),
        ("これはかきですか", "これはかぎですか"),
        ("What is 5-3?", "What is 53?"),
        ("Well, is it done?", "We'll, is it done?"),
    ],
)
def test_other_differences_stay(one: str, other: str) -> None:
    assert not Question(one).repeats(Question(other), 0.99)


def test_most_questions_are_unchanged() -> None:
    question = "how do i turn on versioning, and what does it cost?"
    assert unified_spelling(question) == question
