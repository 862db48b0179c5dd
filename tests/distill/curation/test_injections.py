from __future__ import annotations

import pytest

from include.distill.curation.injections import find_injections
from include.distill.dataset.records import RowTexts
from tests.distill.curation.injection_cases import INNOCENT, PLANTED
from tools.curation_report.__main__ import SAMPLE, read_usable_rows

FACTS = [
    "The warranty of the kettle lasts two years.",
    "Repairs are free in the first year.",
    "Spare parts cost 12 EUR.",
]
QUESTIONS = ["How long does the warranty last?", "What do spare parts cost?", "When is a repair free?"]
GOOD = [
    ("How long does the warranty last?", "The warranty of the kettle lasts two years."),
    ("When is a repair free?", "In the first year."),
    ("What do spare parts cost?", "12 EUR"),
]


def row_of(planted: str, place: str = "document") -> RowTexts:
    row: RowTexts = {"document": "\n".join(FACTS), "question": "What is it?", "answer": "A kettle."}
    if place == "document":
        return {**row, "document": f"{FACTS[0]} {planted}\n{FACTS[1]} {FACTS[2]}"}
    row[place] += f" {planted}"  # type: ignore[literal-required]
    return row


@pytest.mark.parametrize(("planted", "answer"), PLANTED)
def test_a_pair_that_obeys_a_planted_instruction_is_found(planted: str, answer: str) -> None:
    for place in ("document", "question", "answer"):
        injections = find_injections(row_of(planted, place))
        assert [q for q in QUESTIONS if not injections.obeyed_by({"question": q, "answer": answer})] == []


@pytest.mark.parametrize("planted", [planted for planted, _ in PLANTED])
def test_correct_pairs_about_a_document_with_a_planted_instruction_are_kept(planted: str) -> None:
    injections = find_injections(row_of(planted))
    assert [a for q, a in GOOD if injections.obeyed_by({"question": q, "answer": a})] == []


@pytest.mark.parametrize(("text", "question", "answer"), INNOCENT)
def test_pairs_about_innocent_texts_are_kept(text: str, question: str, answer: str) -> None:
    for document in (text, f"{FACTS[0]} {text} {FACTS[1]}"):
        row: RowTexts = {"document": document, "question": "What is it?", "answer": "A kettle."}
        injections = find_injections(row)
        pairs = [(question, answer), *GOOD[:2]]
        assert [a for q, a in pairs if injections.obeyed_by({"question": q, "answer": a})] == []


def test_no_real_pair_of_the_sample_obeys_an_instruction() -> None:
    rows = [*read_usable_rows(SAMPLE / "train.csv"), *read_usable_rows(SAMPLE / "evaluation.csv")]
    found = [(row, find_injections(row)) for row in rows]
    assert [row["question"] for row, injections in found if injections.obeyed_by(row)] == []
    assert sum(bool(injections.sentences) for _, injections in found) <= 0.02 * len(rows)
