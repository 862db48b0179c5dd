from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.report.markdown import as_code, as_paragraphs, as_text

HOSTILE = st.text("`~\n\r<>*_[]()#!|&;\\ \u202e\u200bab", max_size=60)


@given(HOSTILE)
def test_no_line_of_a_paragraph_is_a_heading_a_quote_a_list_code_or_a_rule(text: str) -> None:
    lines = as_paragraphs(text).split("\n")
    assert len(lines) == len(re.split("\r\n|\r|\n", text))
    for line in lines:
        assert not re.match(r"[ \t]", line)
        assert not re.match(r"[-=+*>#~`|\d]+(?<!\d)", line.lstrip("\u00a0"))


@given(HOSTILE)
def test_every_special_character_of_a_line_is_escaped(text: str) -> None:
    shown = as_text(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(\\\\)*[`*_\[\]#!|<>]", shown)
    assert not re.search(r"<[a-z/!]", shown)


@given(HOSTILE)
def test_any_text_becomes_a_single_code_span(text: str) -> None:
    shown = as_code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    assert fence[0] not in shown[len(fence[0]) : -len(fence[0])] or set(shown) == {"`"}


@pytest.mark.parametrize(("text", "shown"), [("a\u202eb", "\\u202e"), ("a\x1b[0m", "\\u001b"), ("\ufeffa", "\\ufeff")])
def test_invisible_characters_are_made_visible(text: str, shown: str) -> None:
    assert shown.replace("\\", "\\\\") in as_paragraphs(text)


@pytest.mark.parametrize("text", ["https://evil.example/x", "see WWW.evil.example", "me@evil.example"])
def test_an_address_in_a_text_does_not_become_a_link(text: str) -> None:
    shown = as_text(text).replace("\\", "")
    assert shown.replace("\u2060", "") == text
    assert not re.search(r"://\w|www\.|@\w", shown, re.IGNORECASE)


def test_plain_words_are_shown_unchanged() -> None:
    assert as_text("the student is better, by 5") == "the student is better, by 5"
    assert as_paragraphs("a\n  b\n\nc") == "a  \n\u00a0\u00a0b  \n\nc  "
    assert as_code("tuned") == "`tuned`"
