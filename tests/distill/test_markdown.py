from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.markdown import as_block, as_code, as_text

HOSTILE = st.text("`~\n\r<>*_[]()#!|&;\\ \u202e\u200bab", max_size=60)


@given(HOSTILE)
def test_nothing_leaves_its_block(text: str) -> None:
    first, *lines, last = as_block(text).split("\n")
    assert re.fullmatch(r"`{3,}text", first)
    assert last == first.removesuffix("text")
    assert last not in "\n".join(lines)


@given(HOSTILE)
def test_a_line_holds_no_live_character(text: str) -> None:
    shown = as_text(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(\\\\)*[`*_\[\]#!|<>]", shown)
    assert not re.search(r"<[a-z/!]", shown)


@given(HOSTILE)
def test_code_is_one_span(text: str) -> None:
    shown = as_code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    assert fence[0] not in shown[len(fence[0]) : -len(fence[0])] or set(shown) == {"`"}


@pytest.mark.parametrize(("text", "shown"), [("a\u202eb", "\\u202e"), ("a\x1b[0m", "\\u001b"), ("\ufeffa", "\\ufeff")])
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert shown in as_block(text)


def test_plain_words_stay_readable() -> None:
    assert as_text("the student is better, by 5") == "the student is better, by 5"
    assert as_block("a\nb") == "```text\na\nb\n```"
    assert as_code("tuned") == "`tuned`"
