"""Test that labels count only for the answers that were shown."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.labeling.label_store import answers_hash, match_labels, read_labels, store_labels
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://train/distill/runs/manual-1-abcdef01")
ANSWERS = {"tuned": {"r1": "yes", "r2": "no"}, "base": {"r1": "perhaps", "r2": "never"}}
SEEN = answers_hash("yes", "perhaps")


def label(verdict: str = "tie", **changes: Any) -> Any:
    given = {"row_id": "r1", "candidate": "tuned", "baseline": "base", "answers": SEEN, "labeller": "ada"}
    return {**given, "verdict": verdict, "labelled_at": "2026-11-26T00:00:00+00:00", **changes}


def test_a_new_label_replaces_only_the_old_label_of_the_same_person_and_question(store: MemoryStore) -> None:
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
        pytest.param({"answers": answers_hash("perhaps", "yes")}, (0, 1, 0), id="the two answers swapped"),
        pytest.param({"row_id": "r2"}, (0, 1, 0), id="answers to another question"),
        pytest.param({"row_id": "gone"}, (0, 1, 0), id="a question that is no longer asked"),
        pytest.param({"candidate": "gone"}, (0, 1, 0), id="an arm that no longer exists"),
        pytest.param({"answers": None}, (0, 0, 1), id="without the hash of the answers"),
    ],
)
def test_a_label_counts_only_for_the_answers_that_were_shown(
    changes: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    matched = match_labels([label(**changes)], ANSWERS)
    assert (len(matched.counted), matched.changed, matched.unmarked) == counts


def test_a_label_of_an_earlier_version_is_kept_but_not_counted(store: MemoryStore) -> None:
    older = {name: value for name, value in label("candidate").items() if name != "answers"}
    store_labels(store, FOLDER, [older])
    store_labels(store, FOLDER, [label("baseline")])
    matched = match_labels(read_labels(store, FOLDER), ANSWERS)
    assert matched.as_record() == {"counted": 1, "changed": 0, "unmarked": 1}
    assert matched.counted == [label("baseline")]


def test_old_labels_count_again_when_the_run_has_the_old_answers_again(store: MemoryStore) -> None:
    changed = {**ANSWERS, "tuned": {"r1": "certainly"}}
    store_labels(store, FOLDER, [label("candidate")])
    store_labels(store, FOLDER, [label("tie", answers=answers_hash("certainly", "perhaps"))])
    stored = read_labels(store, FOLDER)
    assert [label["verdict"] for label in match_labels(stored, changed).counted] == ["tie"]
    assert [label["verdict"] for label in match_labels(stored, ANSWERS).counted] == ["candidate"]
