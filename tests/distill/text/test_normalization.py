from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.text.normalization import (
    is_blank,
    normalize,
    pair_key,
    strip_punctuation,
    unsupported_character,
    words_of_normalized,
)


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
        "\U0001bca0\U0001d173",
        "\ufe0f",
    ],
)
def test_text_without_a_visible_character_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["NaN", "null", "0", "-", "\x00", " . ", "\u0301", "\u2764\ufe0f", "\u3163"])
def test_text_with_a_visible_character_is_not_blank(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("a\x00b", "U+0000"),
        ("a\ud83d", "U+D83D"),
        ("a\x08c", "U+0008"),
        ("a\x0cb", "U+000C"),
        ("\x1b[0m", "U+001B"),
        ("a\x7f", "U+007F"),
        ("é\x93", "U+0093"),
        ("a\x85", "U+0085"),
        ("a\ufdd0", "U+FDD0"),
        ("a\uffff", "U+FFFF"),
        ("😀\U0001fffe", "U+1FFFE"),
        ("\U0010ffff", "U+10FFFF"),
        ("😀\t\r\n \xa0\u2028\ufffd\ufeff\ue000\U0001f468\u200d", None),
    ],
)
def test_control_characters_surrogates_and_noncharacters_are_unsupported(text: str, character: str | None) -> None:
    assert unsupported_character(text) == character


def test_the_key_of_a_pair_ignores_case_width_and_spacing() -> None:
    assert pair_key(" WHAT is\n S3? ", "Ａ store") == pair_key("what is S3?", "A\xa0store")
    assert pair_key("What is S3?", "x") != pair_key("What is S3", "x")
    assert pair_key("a", "b c") != pair_key("a b", "c")


@given(st.text(st.characters(codec="ascii", exclude_characters="&<>*_`~[]()\\#|-+=")))
def test_ascii_text_is_normalized_alike_with_and_without_other_characters(text: str) -> None:
    assert normalize(f"{text} é") == f"{normalize(text)} é".strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What is “Amazon S3”, exactly?", "what is amazon s3 exactly"),
        ("C# is not C++; R&D at 50%", "c# is not c++ r&d at 50%"),
        ("**Bold** - a_b (c)", "bold a b c"),
        ("東京、京都。", "東京 京都"),
        ("?!", ""),
    ],
)
def test_punctuation_is_stripped_and_symbols_with_a_meaning_stay(text: str, words: str) -> None:
    assert strip_punctuation(text) == words_of_normalized(normalize(text)) == words
