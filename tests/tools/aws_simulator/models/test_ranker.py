"""The base model quotes answers from the document, chosen by the features of sentences."""

from __future__ import annotations

import pytest

from tests.tools.aws_simulator.models.sample_rows import sample_rows
from tools.aws_simulator.models.ranker import FEATURES, PRIOR, feature_matrix, quote_answer
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
