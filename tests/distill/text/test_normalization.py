from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.text.normalization import is_blank, normalize, pair_key, unsupported_character


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n",
        "\xa0",
        "\u200b\ufeff",
        "\xa0\u200b \u2060",
        "\xad",
        "\u202a\u202c",
        "\u2066\u2069",
        "\u3164",
        "\u2800",
        "\ufe0f",
    ],
)
def test_what_nobody_can_see_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["NaN", "null", "0", "-", "\x00", " . ", "\u0301", "\u2764\ufe0f", "\u3163"])
def test_what_somebody_wrote_is_not(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("text", "character"),
    [("a\x00b", "U+0000"), ("a\ud83d", "U+D83D"), ("😀\x01\t\u2028\ufffd", None)],
)
def test_nul_and_halves_of_characters_cannot_be_carried(text: str, character: str | None) -> None:
    assert unsupported_character(text) == character


def test_pairs_are_the_same_but_for_case_width_and_spacing() -> None:
    assert pair_key(" WHAT is\n S3? ", "Ａ store") == pair_key("what is S3?", "A\xa0store")
    assert pair_key("What is S3?", "x") != pair_key("What is S3", "x")
    assert pair_key("a", "b c") != pair_key("a b", "c")


@given(st.text(st.characters(codec="ascii")))
def test_plain_text_is_compared_as_it_is_beside_other_characters(text: str) -> None:
    assert normalize(f"{text} é") == f"{normalize(text)} é".strip()
