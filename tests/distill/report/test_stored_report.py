from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.errors import MissingObjectError, NewerFormatError, StoredRecordError
from include.distill.core.formats import FORMAT
from include.distill.core.storage import write_json
from include.distill.report.build import build_report
from include.distill.report.optional_parts import OptionalParts
from include.distill.report.stored_report import (
    BILL,
    read_bill,
    read_compared_pairs,
    read_decided_report,
    read_listed_run_key,
    read_report_of_winner,
)
from tests.distill.report.example_report import inputs
from tests.fakes.memory_store import MemoryStore

URI = RunFolder("s3://training/distill/runs/one").report("json")
ENTRY = "s3://training/distill/reports/docs/20261122T120000Z-one.json"
Read = Callable[[MemoryStore, str], Any]
READERS: list[Read] = [read_decided_report, read_report_of_winner, read_compared_pairs, read_bill]
CLEAR_REPORT = "Clear report in the run that owns the folder. It buys nothing."


@pytest.fixture
def report(store: MemoryStore) -> dict[str, Any]:
    """Store the example report and return it."""
    built: Any = build_report(**inputs())
    write_json(store, URI, built)
    return built


def stored(store: MemoryStore, value: object, uri: str = URI) -> str:
    store.write(uri, json.dumps(value).encode())
    return uri


def without(report: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in keys}


def test_the_whole_report_is_returned_not_just_the_checked_keys(store: MemoryStore, report: dict[str, Any]) -> None:
    as_json = json.loads(json.dumps(report))
    assert read_decided_report(store, URI) == as_json
    assert read_report_of_winner(store, URI) == as_json


def test_the_bill_has_the_lines_of_the_report(store: MemoryStore, report: dict[str, Any]) -> None:
    assert read_bill(store, URI) == json.loads(json.dumps(report))["cost"]["lines"]


def test_a_bill_that_could_not_be_read_is_not_a_bill_of_nothing(store: MemoryStore, report: dict[str, Any]) -> None:
    parts = OptionalParts(lambda _: None)
    parts.read(BILL, lambda: 1 / 0, 0.0)
    stored(store, {**report, "missing_parts": parts.notes})
    assert read_bill(store, URI) is None


@pytest.mark.parametrize("key", ["promotion", "comparisons", "answer_endings"])
def test_parts_that_earlier_versions_did_not_write_may_be_absent(
    key: str, store: MemoryStore, report: dict[str, Any]
) -> None:
    stored(store, without(report, key))
    assert read_decided_report(store, URI)["run_key"] == report["run_key"]
    assert read_report_of_winner(store, URI)["verdict"] == report["verdict"]


def test_a_use_case_without_a_promotion_rule_has_null(store: MemoryStore, report: dict[str, Any]) -> None:
    assert read_decided_report(store, stored(store, {**report, "promotion": None}))["promotion"] is None


@pytest.mark.parametrize("key", ["dag_id", "run_id", "verdict", "simulated"])
def test_a_champions_record_needs_the_ids_and_the_verdict(key: str, store: MemoryStore, report: dict[str, Any]) -> None:
    stored(store, without(report, key))
    assert read_decided_report(store, URI)["run_key"] == report["run_key"]
    with pytest.raises(StoredRecordError, match=f"has no {key}"):
        read_report_of_winner(store, URI)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"promotion": {}}, "has no promotion.decisions"),
        ({"promotion": "none"}, "promotion, which is a text"),
        (
            {"promotion": {"decisions": [{"candidate": "a", "champion": "b", "promoted": "yes", "reasons": []}]}},
            "promoted",
        ),
        ({"comparisons": [{"judge": "j"}]}, "decisive_clusters"),
        ({"comparisons": {}}, "comparisons, which is an object; expected a list"),
        ({"answer_endings": {"base": {"answers": 1}}}, "answer_endings.base"),
    ],
)
def test_a_wrong_decision_names_the_place_and_the_task_to_clear(
    change: dict[str, Any], fault: str, store: MemoryStore, report: dict[str, Any]
) -> None:
    stored(store, {**report, **change})
    for read in (read_decided_report, read_report_of_winner):
        with pytest.raises(StoredRecordError) as raised:
            read(store, URI)
        assert fault in str(raised.value)
        assert URI in str(raised.value)
        assert CLEAR_REPORT in str(raised.value)


@pytest.mark.parametrize("read", READERS)
def test_a_report_that_cannot_be_read_names_the_task_to_clear(read: Read, store: MemoryStore) -> None:
    with pytest.raises(MissingObjectError, match=CLEAR_REPORT):
        read(store, URI)
    for body in (b"", b'{"verdict": "tun', b"[]", b"null", b"\xff\xfe"):
        store.write(URI, body)
        with pytest.raises(StoredRecordError, match=CLEAR_REPORT):
            read(store, URI)
    stored(store, {"format": FORMAT + 1, "version": "99"})
    with pytest.raises(NewerFormatError, match="version 99"):
        read(store, URI)


def test_each_pair_is_listed_once_and_the_first_stays_first(store: MemoryStore) -> None:
    pairs = [("z", "a"), ("b", "a"), ("z", "a"), ("a", "z")]  # two judges compare z with a
    stored(store, {"comparisons": [{"candidate": candidate, "baseline": baseline} for candidate, baseline in pairs]})
    assert read_compared_pairs(store, URI) == [("z", "a"), ("b", "a"), ("a", "z")]
    assert read_compared_pairs(store, stored(store, {"comparisons": []})) == []


def test_the_pairs_of_the_example_report_are_read(store: MemoryStore, report: dict[str, Any]) -> None:
    assert read_compared_pairs(store, URI) == [("tuned", "base")]


@pytest.mark.parametrize("value", [{}, {"comparisons": None}, {"comparisons": [{"candidate": "a"}]}])
def test_pairs_need_both_arms(value: object, store: MemoryStore) -> None:
    with pytest.raises(StoredRecordError, match=CLEAR_REPORT):
        read_compared_pairs(store, stored(store, value))


def test_a_listed_run_is_named_by_its_key(store: MemoryStore) -> None:
    write_json(store, ENTRY, {"run_key": "one", "claim": "tuned is better"})
    assert read_listed_run_key(store, ENTRY) == "one"
    for broken in ({}, {"run_key": 7}, {"run_key": None}, []):
        with pytest.raises(StoredRecordError, match="Delete the object, then clear report in the run that it names"):
            read_listed_run_key(store, stored(store, broken, ENTRY))
