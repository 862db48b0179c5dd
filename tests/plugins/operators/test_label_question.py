"""Check the text of the question that a labeler sees in Airflow."""

from __future__ import annotations

from typing import Any

from bedrock_distill.operators.label_question import question_body


def test_a_long_document_is_cut_and_the_question_mentions_the_cut() -> None:
    example: Any = {"question": "q", "answer_a": "a", "answer_b": "b", "document": "d" * 30_000}
    assert "only the beginning" in question_body(example)
    assert len(question_body(example)) < 21_000


def test_the_question_and_the_answers_are_above_the_document_and_nothing_is_a_quote() -> None:
    """Airflow shows a quote in italics."""
    body = question_body({"question": "q?", "answer_a": "an a", "answer_b": "a b", "document": "a long text"})
    assert [line.rstrip() for line in body.splitlines() if line] == [
        *("### Question", "q?", "### Answer A", "an a", "### Answer B", "a b", "### Document"),
        *("Airflow shows the choices below the document.", "a long text"),
    ]
