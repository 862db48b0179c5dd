from __future__ import annotations

from include.distill.dataset.records import RowTexts
from tools.curation_report.critic_comparison import compare_with_critic


def row(thing: str, size: int) -> RowTexts:
    answer = f"The {thing} is a storage class for objects and keeps at most {size} of them in one bucket."
    return {"document": f"Context: Doc 1: About. {answer} Nothing else is said.", "question": "?", "answer": answer}


ROWS: list[RowTexts] = [
    row("alpha", 1000),
    row("beta", 25),
    {"document": "Doc 1: Zebras graze.", "question": "?", "answer": "Zebras graze."},
]


def test_the_check_and_the_critic_reject_an_answer_with_a_changed_number() -> None:
    kept = {name: counts for name, *counts in compare_with_critic(ROWS, seed=1)}
    assert kept["its own document"] == [3, 3, 0, 0, 3]
    assert kept["another row's document"][0] == 3
    assert kept["its own document, after one number in the answer was changed"] == [2, 0, 0, 2, 0]


def test_the_same_seed_gives_the_same_table() -> None:
    assert list(compare_with_critic(ROWS, seed=7)) == list(compare_with_critic(ROWS, seed=7))
