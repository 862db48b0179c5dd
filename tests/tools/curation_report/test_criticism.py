from __future__ import annotations

from typing import Any

from tools.curation_report.criticism import criticised


def row(thing: str, size: int) -> dict[str, Any]:
    answer = f"The {thing} is a storage class for objects and keeps at most {size} of them in one bucket."
    return {"document": f"Context: Doc 1: About. {answer} Nothing else is said.", "answer": answer}


ROWS = [row("alpha", 1000), row("beta", 25), {"document": "Doc 1: Zebras graze.", "answer": "Zebras graze."}]


def test_answers_are_held_against_their_own_document_another_one_and_with_a_number_exchanged() -> None:
    found = {name: kept for name, *kept in criticised(ROWS, seed=1, least=0.3)}
    assert found["own document"] == [3, 3, 3]
    assert found["another row's document"][0] == 3
    assert found["own document, one number exchanged"] == [2, 2, 0], "the overlap does not see it"


def test_the_same_seed_gives_the_same_table() -> None:
    assert list(criticised(ROWS, seed=7, least=0.3)) == list(criticised(ROWS, seed=7, least=0.3))
