from __future__ import annotations

import pytest

from include.distill.config.sections import Curation
from include.distill.curation import candidate as candidate_module
from include.distill.curation.candidate import Candidate, RowContext
from include.distill.curation.filters import FILTERS
from include.distill.dataset.records import RowTexts
from include.distill.grounding.check import GroundingCheck
from include.distill.inference.records import WrittenPair
from include.distill.text.normalization import normalize, strip_punctuation
from include.distill.text.question_index import QuestionIndex

ROW: RowTexts = {"document": "Buckets keep objects, one by one.", "question": "What is S3?", "answer": "A *store*."}
PAIR: WrittenPair = {
    "question": "  What do BUCKETS keep? ",
    "answer": "Buckets keep “objects”,\none by one.",
    "topic": "Buckets",
}


def made() -> tuple[Candidate, RowContext]:
    row = RowContext(ROW, Curation(), QuestionIndex(threshold=0.7), lambda _: None)
    return Candidate(PAIR, row.document), row


def test_texts_are_compared_without_case_spacing_and_punctuation() -> None:
    candidate, row = made()
    assert candidate.question.normalized == "what do buckets keep"
    assert candidate.topic.normalized == "buckets"
    assert candidate.normalized_answer == normalize(PAIR["answer"])
    assert candidate.answer_words == strip_punctuation(PAIR["answer"]) == "buckets keep objects one by one"
    assert (row.question.normalized, row.answer_words) == ("what is s3", "a store")


def test_grounding_compares_the_answer_with_the_document_of_the_row_and_the_question_of_the_pair() -> None:
    candidate, row = made()
    assert candidate.grounding == GroundingCheck(ROW["document"]).check(PAIR["answer"], PAIR["question"])
    assert candidate.grounding.outcome == "kept"
    answer = "Glacier keeps 9,000 objects."
    assert Candidate({**PAIR, "answer": answer}, row.document).grounding.outcome == "dropped"
    asked = Candidate({**PAIR, "question": "Does Glacier keep 9,000 objects?", "answer": answer}, row.document)
    assert asked.grounding.outcome == "kept"


def test_the_setting_min_grounding_scales_the_limits_for_content_words_and_zero_switches_the_check_off() -> None:
    answer = "Containers hold buckets, many different things, and every kind of file."
    outcomes = []
    for minimum in (0, 0.1, 0.3, 1):
        row = RowContext(ROW, Curation(min_grounding=minimum), QuestionIndex(threshold=0.7), lambda _: None)
        outcomes.append(Candidate({**PAIR, "question": "Why?", "answer": answer}, row.document).grounding.outcome)
    assert outcomes == ["undecided", "kept", "undecided", "undecided"]


def test_a_refusal_is_found_in_the_answer() -> None:
    candidate, row = made()
    assert candidate.refusal is None
    assert Candidate({**PAIR, "answer": "I don't know."}, row.document).refusal == "i don't know."


def test_all_filters_together_search_the_answer_for_a_refusal_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr(candidate_module, "find_refusal", lambda answer, *_: searched.append(answer))
    row = RowContext({**ROW, "document": "Something else."}, Curation(), QuestionIndex(threshold=0.7), lambda _: None)
    candidate = Candidate(PAIR, row.document)
    for filter_ in FILTERS:
        list(filter_.check(candidate, row))
    assert searched == [PAIR["answer"]]
