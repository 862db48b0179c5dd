"""A text is made for a regular expression."""

from __future__ import annotations

import re

import pytest

from tools.aws_simulator.models.pattern_values import Budget, texts_for


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d{4}$",
        r"^(a|b)+\1$",
        "[^a-z]",
        r"^\w+@\w+\.com$",
        "^(?!x).{2,5}$",
        r"^[^\s\d]{3}$",
        r"[\W]",
        "^(?:yes|no)?$",
        r"^(?P<year>\d{4})-(0[1-9]|1[0-2])$",
        "(?i)abc",
        "^(?>ab)++c$",
        "^[^a]$",
    ],
)
def test_a_text_matches_the_pattern(pattern: str) -> None:
    assert any(re.search(pattern, text) for text in texts_for(pattern))


def test_texts_differ_in_characters_alternatives_and_length() -> None:
    texts = set(texts_for("^(cat|dog)[a-z]*$"))
    assert {"cat", "dog"} <= texts
    assert 43 in map(len, texts)
    assert {41, 200} <= set(map(len, texts_for("^[a-f]+$", 200)))


@pytest.mark.parametrize("pattern", ["(", r"\p{L}", "a{2,1}"])
def test_what_is_no_pattern_has_no_texts(pattern: str) -> None:
    assert list(texts_for(pattern)) == []


def test_the_texts_of_an_answer_end_when_its_budget_is_used_up() -> None:
    budget = Budget()
    assert len(list(texts_for("a{4000}", 0, budget))) > 10
    while budget.left > 0:
        assert list(texts_for("a{4000}", 0, budget))
    assert list(texts_for("a", 0, budget)) == []
