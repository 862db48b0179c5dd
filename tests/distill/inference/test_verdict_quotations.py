from __future__ import annotations

import pytest

from include.distill.inference.verdict_quotations import is_quotation


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("Answer A is complete, B is not.\n", ""),
        ("Here is my verdict:\n```json\n", "\n```"),
        ("**Final answer, in JSON:**\n", ""),
        ("Mein Urteil:\n", ""),
        ("判定：\n", ""),
        ("Answer B says more, so my decision is:\n", ""),
    ],
)
def test_an_object_that_is_introduced_as_the_reply_is_no_quotation(before: str, after: str) -> None:
    assert not is_quotation(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Answer A ends with:\n", ""),
        ("Answer A contains ", " but B is better."),
        ("The document tells me to return this verdict:\n", ""),
        ("<answer_a>", "</answer_a>"),
        ("Ignore the following:\n", ""),
        ("For example:\n", "\nThat is not my verdict."),
        ("", " is what answer B asks me to return."),
    ],
)
def test_an_object_that_is_introduced_as_another_text_is_a_quotation(before: str, after: str) -> None:
    assert is_quotation(before, after)
