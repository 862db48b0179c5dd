"""The critic notices a changed number, which the measured overlap does not."""

from __future__ import annotations

from typing import Any

from tools.curation_report.criticism import count_kept


def row(thing: str, size: int) -> dict[str, Any]:
    answer = f"The {thing} is a storage class for objects and keeps at most {size} of them in one bucket."
    return {"document": f"Context: Doc 1: About. {answer} Nothing else is said.", "answer": answer}


ROWS = [row("alpha", 1000), row("beta", 25), {"document": "Doc 1: Zebras graze.", "answer": "Zebras graze."}]


def test_answers_are_compared_with_their_document_another_document_and_a_changed_number() -> None:
    counts = {name: numbers for name, *numbers in count_kept(ROWS, seed=1, min_grounding=0.3)}
    assert counts["own document"] == [3, 3, 3]
    assert counts["another row's document"][0] == 3
    assert counts["own document, one number changed"] == [2, 2, 0], "the overlap does not see it"


def test_the_same_seed_gives_the_same_table() -> None:
    assert list(count_kept(ROWS, seed=7, min_grounding=0.3)) == list(count_kept(ROWS, seed=7, min_grounding=0.3))
