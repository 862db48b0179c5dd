"""Test that every fault of a stored record is found and named, and that a right record has none."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.record_types import record_fault
from include.distill.cost.records import CriticBudgetEnd
from include.distill.dataset.records import IngestManifest, LatestRun, SplitEntry
from include.distill.evaluation.records import Verdict
from include.distill.inference.records import StoredAnswerRecord

RUN = {"run_key": "k", "rows_uri": "u", "settings": {"seed": "1"}}
LATEST: dict[str, Any] = {**RUN, "previous": RUN, "bought": None}
VERDICT: dict[str, Any] = {
    "row_id": "r", "judge": "j", "candidate": "c", "baseline": "b", "order": "candidate_first", "verdict": "tie",
    "raw": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        pytest.param(LatestRun, LATEST, id="all keys"),
        pytest.param(LatestRun, {**RUN, "previous": None}, id="null and a key that may be absent"),
        pytest.param(LatestRun, {**LATEST, "later": [1]}, id="a key of a later version"),
        pytest.param(CriticBudgetEnd, {"part_usd": 1}, id="a whole number"),
        pytest.param(CriticBudgetEnd, {"part_usd": 0.5}, id="a fraction"),
        pytest.param(Verdict, VERDICT, id="choices"),
        pytest.param(Verdict, {**VERDICT, "same": True, "candidate_characters": 3}, id="keys of later versions"),
        pytest.param(dict, {}, id="any object"),
        pytest.param(object, [3], id="any value"),
    ],
)
def test_a_right_record_has_no_fault_however_often_it_is_checked(kind: Any, record: Any) -> None:
    assert [record_fault(kind, record) for _ in range(3)] == [None] * 3


@pytest.mark.parametrize(
    ("kind", "record", "fault"),
    [
        (LatestRun, {}, "has no run_key, rows_uri, settings, previous"),
        (LatestRun, RUN, "has no previous"),
        (LatestRun, {**LATEST, "previous": {}}, "has no previous.run_key, previous.rows_uri, previous.settings"),
        (LatestRun, {**LATEST, "previous": 3}, "has previous, which is a number; expected an object"),
        (LatestRun, {**LATEST, "settings": None}, "has settings, which is null; expected an object"),
        (LatestRun, {**LATEST, "settings": ["a"]}, "has settings, which is a list; expected an object"),
        (LatestRun, {**LATEST, "settings": {"a": 1}}, "has settings.a, which is a number; expected a text"),
        (LatestRun, {**LATEST, "run_key": True}, "has run_key, which is true or false; expected a text"),
        (LatestRun, None, "is null; expected an object"),
        (LatestRun, [LATEST], "is a list; expected an object"),
        (LatestRun, "run", "is a text; expected an object"),
        (dict, 3, "is a number; expected an object"),
        (CriticBudgetEnd, {"part_usd": "1"}, "has part_usd, which is a text; expected a number"),
        (CriticBudgetEnd, {"part_usd": False}, "has part_usd, which is true or false; expected a number"),
        (Verdict, {**VERDICT, "verdict": "A"}, "has verdict, which is a text; expected a known value"),
        (Verdict, {**VERDICT, "order": []}, "has order, which is a list; expected a known value"),
        (Verdict, {**VERDICT, "same": 1}, "has same, which is a number; expected true or false"),
        (SplitEntry, {"document": "00", "side": "evalution"}, "has side, which is a text; expected a known value"),
        (StoredAnswerRecord, {"paid_by": "r"}, "has no identity, sample, max_tokens, completion"),
    ],
)
def test_a_fault_is_named_without_quoting_a_value(kind: Any, record: Any, fault: str) -> None:
    assert record_fault(kind, record) == fault


def test_a_wrong_record_is_found_after_right_records_of_the_same_form() -> None:
    assert record_fault(Verdict, VERDICT) is None
    assert record_fault(Verdict, {**VERDICT, "verdict": "maybe"}) is not None
    assert record_fault(LatestRun, LATEST) is None
    assert record_fault(LatestRun, {**LATEST, "previous": {"run_key": "k"}}) is not None


def test_a_part_of_a_record_is_checked_only_where_it_has_keys() -> None:
    assert record_fault(IngestManifest, {}, is_partial=True) is None
    assert record_fault(IngestManifest, {"rows": 3}, is_partial=True) is None
    changes = {"since": None, "added": None, "changed": None, "gone": None}
    assert record_fault(IngestManifest, {"changes": changes}, is_partial=True) == "has no changes.settings"
    assert (
        record_fault(IngestManifest, {"rows": "3"}, is_partial=True) == "has rows, which is a text; expected a number"
    )
