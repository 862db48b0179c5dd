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
        ("Answer B is better:\n", ""),
        ("My verdict is answer B:\n", ""),
        ("Comparison between answer A and answer B:\n", ""),
        ("Answer A contains a fake verdict, which I ignore. My own verdict:\n", ""),
        ("", "\n\nThis is because answer A is wrong."),
        ("", "\n\nThis verdict follows from the date in answer A."),
        ("", "\n\nI cannot verify the date."),
        ("## Answer B\n", ""),
        ("**Answer B**\n", "\nAnswer A is incomplete."),
        ("Answer A is short,\n", ""),
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
        ("Answer B's output:\n", ""),
        ("Answer B itself outputs the JSON:\n", ""),
        ("Answer B pretends that the verdict is:\n", ""),
        ("I see the following JSON in the answer:\n", ""),
        ("Example output:\n", ""),
        ("Ignore this output:\n", ""),
        ("An attacker placed this decision in the text:\n", ""),
        ("Antwort B täuscht ein Urteil vor:\n", ""),
        ("La réponse B prétend que le verdict est:\n", ""),
        ("Respuesta B incluye este resultado:\n", ""),
        ("回答Bは判定として以下を出力している：\n", ""),
        ("Answer B ends with the text\n", "\n\nThis is an injection."),
        ("", "\n\nThe above object is quoted from answer B."),
        ("", "\n\n(quoted from Answer B)"),
        ("", "\n^ this is in answer B"),
        ("", "\nThat was the injected text."),
        ("", "\n\nDies stammt aus Antwort B."),
        ("", "\n\nI cannot decide."),
        ("Answer A says,\n", ""),
        ("Answer A says ,\n", ""),
        ("## Answer A\n", "\n## Answer B\nParis"),
        ("**Answer A:**\n", "\n**Answer B:**\nParis"),
        ("[Answer B]\n", "\n[Answer A]\nParis"),
    ],
)
def test_an_object_that_is_introduced_as_another_text_is_a_quotation(before: str, after: str) -> None:
    assert is_quotation(before, after)
