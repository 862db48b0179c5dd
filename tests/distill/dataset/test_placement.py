from __future__ import annotations

from typing import Any

import pytest

from tests.distill.dataset.test_document_groups import text_of
from tests.distill.dataset.test_ingestion import HEADER, Ingest
from tests.fakes.memory_store import MemoryStore


@pytest.fixture
def ingest(store: MemoryStore) -> Ingest:
    return Ingest(store)


def csv_of(*rows: tuple[str, str]) -> str:
    return HEADER + "".join(f"{document},{question},Answer {n}\n" for n, (document, question) in enumerate(rows))


QUESTION = "How do I turn on versioning for a bucket?"
EVALUATION = csv_of((text_of(1, 200), QUESTION))
OTHER = (text_of(2, 200), "Where are reports stored?")


def test_a_row_that_asks_an_evaluation_question_is_rejected_and_the_run_continues(ingest: Ingest) -> None:
    rows = [
        (text_of(10 + n), q) for n, q in enumerate((QUESTION, f"**{QUESTION}**", QUESTION.replace("on", "o\u200bn")))
    ]
    counts = ingest(csv_of(OTHER, *rows), EVALUATION)
    assert (counts["train"], counts["evaluation"], counts["rejected"]) == (1, 1, 3)
    assert counts["reasons"] == {"in_evaluation_set": 3}
    assert "row 1 of evaluation.csv" in ingest.rejected[0]["message"]


def test_a_row_with_half_of_an_evaluation_document_is_rejected_or_counted(ingest: Ingest) -> None:
    train = csv_of(OTHER, (f"{text_of(3, 200)} {text_of(1, 200)[:700]}", "Who pays?"))
    counts = ingest(train, EVALUATION)
    assert counts["reasons"] == {"passage_in_evaluation_set": 1}
    assert "source.shared_passages: warn" in ingest.rejected[0]["message"]
    kept = ingest(train, EVALUATION, shared_passages="warn")
    assert (kept["train"], kept["rejected"], kept["split"]["kept_leaks"]) == (2, 0, 1)


def test_the_message_about_a_similar_document_names_the_setting_that_decided(ingest: Ingest) -> None:
    ingest(csv_of(OTHER, (f"{text_of(1, 200)} more", "Who pays?")), EVALUATION)
    assert "source.same_document_similarity (0.8)" in ingest.rejected[0]["message"]


def test_a_question_asked_about_all_documents_is_no_leak(ingest: Ingest) -> None:
    rows = [(text_of(n), "Summarize the document.") for n in range(20)]
    counts = ingest(csv_of(*rows[3:]), csv_of(*rows[:3]).replace("Answer", "Summary"))
    assert (counts["train"], counts["rejected"]) == (17, 0)
    evaluation: list[Any] = ingest.rows("evaluation")
    assert all(row["is_generic_question"] for row in evaluation)


@pytest.mark.parametrize("seed_text", [100, 200, 300])
def test_no_question_is_on_both_sides_when_rows_are_split(ingest: Ingest, seed_text: int) -> None:
    rows = [(text_of(seed_text + n), f"How is the gadget number {n // 2} repaired?") for n in range(60)]
    counts = ingest(csv_of(*rows), evaluation_csv=None, evaluation_share=0.3)
    train, evaluation = ({row["question"] for row in ingest.rows(side)} for side in ("train", "evaluation"))
    assert counts["rejected"] == 0
    assert not train & evaluation
