"""Texts are cut into pieces that together are the text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tools.aws_simulator.runtime.pieces import MOST_PIECES, json_pieces, text_pieces


@given(st.text())
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(text_pieces(text)) == text
    assert "".join(json_pieces(text)) == text
    assert text_pieces(text) == text_pieces(text)


def test_a_text_is_cut_before_the_white_space_between_words_and_inside_long_words() -> None:
    assert text_pieces("A rule,\n two.  ") == ["A", " rule,", "\n two.", "  "]
    assert text_pieces("x" * 30) == ["x" * 12, "x" * 12, "x" * 6]
    assert len(text_pieces("日本語の文章には単語の間に空白がありません")) == 2
    assert text_pieces("") == [""]


def test_the_input_of_a_tool_is_cut_into_several_pieces() -> None:
    assert json_pieces(json.dumps({"city": "Paris"})) == ['{"city": "', 'Paris"}']
    assert json_pieces("{}") == ["{}"]


def test_a_long_text_has_a_limited_number_of_pieces() -> None:
    text = "word " * 10_001
    for pieces in (text_pieces(text), json_pieces(text)):
        assert MOST_PIECES / 2 < len(pieces) <= MOST_PIECES
        assert "".join(pieces) == text
