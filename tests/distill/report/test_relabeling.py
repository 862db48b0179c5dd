"""Test that new labels change only the agreement, the disagreements and the label counts of a report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import read_json, write_json, write_jsonl
from include.distill.core.version import VERSION
from include.distill.labeling.label_store import answers_hash, store_labels
from include.distill.report.build import build_report
from include.distill.report.relabeling import answers_by_arm, relabel_report
from tests.distill.conftest import make_row, make_use_case
from tests.distill.report.example_report import inputs, verdicts
from tests.distill.report.example_scores import evaluations
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://training/distill/runs/one")
USE_CASE = make_use_case()
JUDGE = USE_CASE.judges[0]
TUNED, BASE = USE_CASE.pairs[0].candidate, USE_CASE.pairs[0].baseline
ROWS = [{**make_row(number), "row_id": f"row{number}", "group": f"d{number}"} for number in range(3)]


@pytest.fixture
def stored(store: MemoryStore) -> dict[str, Any]:
    """Store a run with three judged questions and its report, and return the report."""
    write_jsonl(store, FOLDER.source("evaluation"), ROWS)
    for arm in USE_CASE.arms:
        for number in range(len(ROWS)):
            records = [{"row_id": f"row{number}", "arm": arm.name, "question": "q", "answer": f"{arm.name} {number}"}]
            write_jsonl(store, FOLDER.answers(arm.name, number), records)
    judged = verdicts(["candidate"] * 3, judge=JUDGE, candidate=TUNED, baseline=BASE)
    write_jsonl(store, FOLDER.judgments(JUDGE, TUNED, BASE), judged)
    report: Any = build_report(**inputs(agreement=[], disagreements=[]))
    write_json(store, FOLDER.report("json"), report)
    return report


def label(number: int, verdict: str, **changes: Any) -> Any:
    answers = answers_hash(f"{TUNED} {number}", f"{BASE} {number}")
    named = {"row_id": f"row{number}", "candidate": TUNED, "baseline": BASE, "labeller": "ann", "labelled_at": "now"}
    return {**named, "answers": answers, "verdict": verdict, **changes}


def test_the_answers_of_every_arm_are_read(store: MemoryStore, stored: dict[str, Any]) -> None:
    answers = answers_by_arm(store, FOLDER, USE_CASE, ROWS)  # type: ignore[arg-type]
    assert answers[TUNED] == {f"row{number}": f"{TUNED} {number}" for number in range(3)}
    assert set(answers) == {arm.name for arm in USE_CASE.arms}


def test_labels_change_only_the_agreement_the_disagreements_and_the_label_counts(
    store: MemoryStore, stored: dict[str, Any]
) -> None:
    store_labels(store, FOLDER, [label(0, "candidate"), label(1, "baseline"), label(2, "tie", answers="another hash")])
    report: Any = relabel_report(store, FOLDER, USE_CASE)
    (line,) = report["agreement"]
    assert (line["first"], line["second"], line["n"]) == (JUDGE, "ann (person)", 2)
    (disagreement,) = report["disagreements"]
    assert (disagreement["question"], disagreement["by_person"]) == (ROWS[1]["question"], {"ann": "baseline"})
    assert report["labels"] == {"counted": 2, "changed": 1, "unmarked": 0}
    changed = ("agreement", "disagreements", "labels")
    assert {key: value for key, value in report.items() if key not in changed} == {
        key: value for key, value in stored.items() if key not in changed
    }


def test_labels_do_not_change_the_scores_from_evaluation_jobs(store: MemoryStore, stored: dict[str, Any]) -> None:
    scored: Any = build_report(**inputs(evaluations=evaluations()))
    write_json(store, FOLDER.report("json"), scored)
    store_labels(store, FOLDER, [label(0, "candidate")])
    relabeled: Any = relabel_report(store, FOLDER, USE_CASE)
    assert relabeled["labels"]["counted"] == 1
    assert relabeled["evaluations"] == scored["evaluations"]
    assert "Scores from Bedrock evaluation jobs" in store.read(FOLDER.report("html")).decode()


def test_the_relabeled_report_is_written_as_json_and_html(store: MemoryStore, stored: dict[str, Any]) -> None:
    store_labels(store, FOLDER, [label(1, "baseline")])
    report = relabel_report(store, FOLDER, USE_CASE)
    assert read_json(store, FOLDER.report("json"), dict) == report
    assert "ann (person)" in store.read(FOLDER.report("html")).decode()


def test_a_stored_report_that_does_not_add_up_is_left_unchanged(store: MemoryStore, stored: dict[str, Any]) -> None:
    broken = {**stored, "cost": {**stored["cost"], "actual_usd": 1.0}}
    write_json(store, FOLDER.report("json"), broken)
    with pytest.raises(ReconciliationError, match="actual_usd") as error:
        relabel_report(store, FOLDER, USE_CASE)
    assert "was written by" not in str(error.value)
    assert read_json(store, FOLDER.report("json"), dict) == broken
    assert not store.exists(FOLDER.report("html"))


def test_the_message_about_an_invalid_report_of_an_earlier_version_names_both_versions_and_what_to_clear(
    store: MemoryStore, stored: dict[str, Any]
) -> None:
    earlier = {key: value for key, value in stored.items() if key != "cost"}
    store.write(FOLDER.report("json"), json.dumps(earlier).encode())
    message = (
        rf"written by a version before 0\.2\.0 \(format 1\); this is version {VERSION}.*Clear report in the labeled run"
    )
    with pytest.raises(ReconciliationError, match=message):
        relabel_report(store, FOLDER, USE_CASE)
