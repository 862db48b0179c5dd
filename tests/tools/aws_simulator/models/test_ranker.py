"""The base model quotes answers from the document, chosen by the features of sentences."""

from __future__ import annotations

import pytest

from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.instructions import Instructions
from tools.aws_simulator.models.ranker import FEATURES, NO_ANSWER, PRIOR, feature_matrix, quote_answer
from tools.aws_simulator.models.text import read_document


@pytest.mark.parametrize("weights", [None, {**PRIOR, "coverage": 5.0}])
def test_an_answer_consists_of_the_documents_sentences_in_their_order(weights: dict[str, float] | None) -> None:
    for row in sample_rows("evaluation.csv", 40):
        document = read_document(row["doc"])
        quoted = quote_answer(document, row["question"], weights)
        kept = [index for index, sentence in enumerate(document.sentences) if sentence.text in quoted]
        assert quoted
        assert len(quoted) <= len(document.quote(kept))


@pytest.mark.parametrize("question", ["", "?", "zebra", "the of and"])
def test_a_question_without_known_words_still_has_finite_features(question: str) -> None:
    matrix = feature_matrix(read_document(sample_rows("train.csv", 1)[0]["doc"]), question)
    assert matrix.shape[1] == len(FEATURES)
    assert abs(matrix).max() < 10


@pytest.mark.parametrize("limit", [1, 3])
def test_a_limit_leads_to_consecutive_sentences_from_the_most_likely_one(limit: int) -> None:
    for row in sample_rows("evaluation.csv", 40):
        document = read_document(row["doc"])
        quoted = quote_answer(document, row["question"], None, Instructions(sentences=limit))
        kept = [index for index in range(len(document.sentences)) if document.quote([index]) in quoted]
        assert any(document.quote(range(first, first + size)) == quoted for first in kept for size in (1, 2, 3))
        assert len(read_document(quoted).sentences) <= limit


def test_a_limited_answer_ends_with_its_part_of_the_document() -> None:
    document = read_document("Context: Doc 1: Gates. Gate 7 is open. Doc 2: Cats. A cat sleeps all day.")
    assert quote_answer(document, "Is gate 7 open?", None, Instructions(sentences=5)) == "Gate 7 is open."


@pytest.mark.parametrize(
    ("question", "instructions", "admits"),
    [
        ("Who invented soap?", Instructions(admits_absence=True), True),
        ("Who invented soap?", Instructions(), False),
        ("Is gate 7 open?", Instructions(admits_absence=True), False),
    ],
)
def test_an_absent_answer_is_admitted_only_on_demand(question: str, instructions: Instructions, admits: bool) -> None:
    answer = quote_answer(read_document("Gate 7 is open. A cat sleeps."), question, None, instructions)
    assert (answer == NO_ANSWER) is admits
