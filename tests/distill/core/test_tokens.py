from __future__ import annotations

import pytest

from include.distill.core.tokens import character_count, rough_token_count


@pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abc", 1), ("abcd", 2), ("é" * 8, 3)])
def test_the_token_count_of_a_text_is_one_more_than_its_characters_divided_by_four(text: str, tokens: int) -> None:
    assert rough_token_count(text) == tokens
    assert rough_token_count(len(text)) == tokens


def test_the_length_of_a_text_may_be_given_instead_of_the_text() -> None:
    assert character_count("abc") == character_count(3) == 3
