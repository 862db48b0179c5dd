from __future__ import annotations

import pytest

from include.distill.core.tokens import character_count, rough_token_count


@pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abc", 1), ("abcd", 2), ("é" * 8, 3)])
def test_a_text_has_one_token_per_four_characters_and_one_more(text: str, tokens: int) -> None:
    assert rough_token_count(text) == tokens
    assert rough_token_count(len(text)) == tokens


def test_the_length_of_a_text_may_be_given_in_its_place() -> None:
    assert character_count("abc") == character_count(3) == 3
