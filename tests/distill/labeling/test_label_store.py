"""Labels count for the very answers that were shown, and for no others."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.storage import Record
from include.distill.labeling.label_store import answers_hash, match_labels, read_labels, store_labels
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://train/distill/runs/manual-1-abcdef01")
ANSWERS = {"tuned": {"r1": "yes", "r2": "no"}, "base": {"r1": "perhaps", "r2": "never"}}
SEEN = answers_hash("yes", "perhaps")


def label(verdict: str = "tie", **changes: Any) -> Record:
    given = {"row_id": "r1", "candidate": "tuned", "baseline": "base", "answers": SEEN, "labeller": "ada"}
    return {**given, "verdict": verdict, **changes}


def test_a_new_label_replaces_the_one_before_and_leaves_others(store: MemoryStore) -> None:
    store_labels(store, FOLDER, [label("tie"), label("tie", row_id="r2")])
    store_labels(store, FOLDER, [label("candidate"), label("baseline", labeller="bob")])
    assert read_labels(store, FOLDER) == [
        label("candidate"),
        label("tie", row_id="r2"),
        label("baseline", labeller="bob"),
    ]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        pytest.param({}, (1, 0, 0), id="the answers that were shown"),
        pytest.param({"answers": answers_hash("yes", "maybe")}, (0, 1, 0), id="another answer of the baseline"),
        pytest.param({"answers": answers_hash("yes!", "perhaps")}, (0, 1, 0), id="another answer of the candidate"),
        pytest.param({"answers": answers_hash("perhaps", "yes")}, (0, 1, 0), id="each other's answers"),
        pytest.param({"row_id": "r2"}, (0, 1, 0), id="answers to another question"),
        pytest.param({"row_id": "gone"}, (0, 1, 0), id="a question that is no longer asked"),
        pytest.param({"candidate": "gone"}, (0, 1, 0), id="an arm that is no longer there"),
        pytest.param({"answers": None}, (0, 0, 1), id="no answers noted down"),
    ],
)
def test_a_label_counts_for_the_answers_that_were_shown(changes: dict[str, Any], counts: tuple[int, int, int]) -> None:
    found = match_labels([label(**changes)], ANSWERS)
    assert (len(found.counted), found.changed, found.unmarked) == counts


def test_a_label_of_an_earlier_version_is_neither_guessed_at_nor_lost(store: MemoryStore) -> None:
    older = {name: value for name, value in label("candidate").items() if name != "answers"}
    store_labels(store, FOLDER, [older])
    store_labels(store, FOLDER, [label("baseline")])
    found = match_labels(read_labels(store, FOLDER), ANSWERS)
    assert found.as_record() == {"counted": 1, "changed": 0, "unmarked": 1}
    assert found.counted == [label("baseline")]


def test_labels_count_again_when_the_answers_are_the_old_ones_again(store: MemoryStore) -> None:
    changed = {**ANSWERS, "tuned": {"r1": "certainly"}}
    store_labels(store, FOLDER, [label("candidate")])
    store_labels(store, FOLDER, [label("tie", answers=answers_hash("certainly", "perhaps"))])
    stored = read_labels(store, FOLDER)
    assert [found["verdict"] for found in match_labels(stored, changed).counted] == ["tie"]
    assert [found["verdict"] for found in match_labels(stored, ANSWERS).counted] == ["candidate"]
