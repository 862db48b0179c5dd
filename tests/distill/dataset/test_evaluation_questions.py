from __future__ import annotations

import pytest

from include.distill.dataset.evaluation_questions import identifying_questions, is_generic_question, leak_index
from include.distill.text.question_index import Question

QUESTION = "How do I turn on versioning for an S3 bucket?"


@pytest.mark.parametrize(
    "asked",
    [
        QUESTION,
        "How do I turn on versi\u200boning for an S3 bucket?",
        "How\u200bdo\u200bI\u200bturn\u200bon\u200bversioning for an S3 bucket?",
        "How do I turn on versi\u00adoning for an S3 bucket?",
        "How do I **turn on** versioning for an S3 bucket?",
        "How&nbsp;do I turn on <b>versioning</b> for an S3 bucket?",
        "How do I turn \u043en versioning for \u0430n S3 bucket?",
        "How do I turn on versioning for an S3 bucket in AWS?",
        "How do I turn on versionin for an S3 bucket?",
    ],
)
def test_a_question_that_asks_an_evaluation_question_is_found(asked: str) -> None:
    assert leak_index([QUESTION]).find(Question(asked)) is not None


@pytest.mark.parametrize("asked", ["How do I delete an S3 bucket?", "How do I turn off versioning for an EBS volume?"])
def test_another_question_is_not_found(asked: str) -> None:
    assert leak_index([QUESTION]).find(Question(asked)) is None


def test_a_question_that_many_rows_ask_is_generic() -> None:
    assert is_generic_question(5, 100)
    assert is_generic_question(2, 3)
    assert not is_generic_question(4, 100)
    assert not is_generic_question(1, 1)
    rows = [{"question": "Summarize.", "is_generic_question": True}, {"question": QUESTION}]
    assert list(identifying_questions(rows)) == [QUESTION]
