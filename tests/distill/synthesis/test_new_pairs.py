"""Test the counts of the pairs that a run paid for."""

from __future__ import annotations

from typing import Any

from include.distill.synthesis.new_pairs import NewPairCounter, add_new_pairs, sum_new_pairs
from include.distill.synthesis.teacher import SyntheticSamples

PAIR: Any = {"question": "q", "answer": "a"}


class Answer:
    """A stored answer, of which only the payer matters."""

    def __init__(self, paid_by: str) -> None:
        self.paid_by = paid_by


def samples(*payers: str, accepted: int = 2) -> SyntheticSamples:
    answers: Any = [Answer(payer) for payer in payers]
    return SyntheticSamples(3, accepted=[PAIR] * accepted, answers=answers)


def test_only_rows_with_an_answer_that_this_run_paid_for_are_counted() -> None:
    counter = NewPairCounter("this run")
    rows = [
        samples("this run"),
        samples("earlier run"),
        samples("earlier run", "this run", accepted=1),
        samples(accepted=0),  # the row failed
    ]
    assert list(counter.counted(rows)) == rows
    assert counter.as_record() == {"documents": 2, "requested": 6, "accepted": 3}


def test_the_counts_of_all_shards_are_added() -> None:
    counts: Any = [{"new_pairs": {"documents": 1, "requested": 3, "accepted": number}} for number in range(3)]
    assert sum_new_pairs(counts) == {"documents": 3, "requested": 9, "accepted": 3}


def test_the_counts_are_unknown_if_an_earlier_version_wrote_one_of_them() -> None:
    counts: Any = [{"new_pairs": {"documents": 1, "requested": 3, "accepted": 2}}, {}]
    assert sum_new_pairs(counts) is None
    curated: Any = {}
    add_new_pairs(curated, counts)
    assert curated == {}
    add_new_pairs(curated, counts[:1])
    assert curated["new_pairs"]["requested"] == 3
