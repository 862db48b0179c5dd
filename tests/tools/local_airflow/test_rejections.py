"""What a run rejected is copied from S3 and described, even if the run failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tools.local_airflow.rejections import Rejections, copy_rejections, describe_files, describe_rejections
from tools.local_airflow.runs import FollowedRun
from tools.local_airflow.settings import Layout

RUN = FollowedRun("d", "r", "failed", 1.0)
ROWS = [{"row": number, "message": f"rows.csv row {number}: answer is empty é"} for number in range(12)]
PAIRS: list[dict[str, Any]] = [
    {"row_id": "1", "filter": "leak", "reason": "in_evaluation_set", "text": {}},
    {"row_id": "1", "filter": "surplus", "reason": "surplus", "text": {}, "surplus": True},
    {"row_id": "2", "filter": "malformed", "reason": "no_record", "text": ""},
    {"row_id": "3", "reason": "ServiceError", "message": "throttled", "text": {"question": "?"}},
]
REPEATED = [{"row_id": "4", "filter": "repeats_pair", "reason": "repeated_question", "text": {}}]


class Stack:
    """A stack whose task ``preflight`` returned ``manifest``."""

    def __init__(self, state: Path, manifest: Any) -> None:
        self.layout = Layout(state=state)
        self.api, self._manifest = self, manifest

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        return self._manifest if task_id == "preflight" else None


def put(name: str, records: list[dict[str, Any]]) -> None:
    body = "".join(json.dumps(record) + "\n" for record in records)
    boto3.client("s3").put_object(Bucket="output", Key=f"distill/runs/qa/r-1/{name}", Body=body.encode())


@pytest.fixture
def stack(simulator: RunningSimulator, tmp_path: Path) -> Any:
    boto3.client("s3").create_bucket(Bucket="output")
    return Stack(tmp_path / "state", {"use_case_uri": "s3://output/distill/runs/qa/r-1/use_case.yaml"})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rejected_rows_and_pairs_of_all_shards_are_copied_and_described(stack: Any) -> None:
    put("source/rejected.jsonl", ROWS)
    put("synthetic/rejected-00000.jsonl", PAIRS[:2])
    put("synthetic/rejected-00001.jsonl", PAIRS[2:])
    put("synthetic/rejected-repeated.jsonl", REPEATED)
    rejections = copy_rejections(stack, RUN)
    rows, pairs = rejections.files
    assert (lines(rows), lines(pairs)) == (ROWS, [*PAIRS, *REPEATED])
    text = describe_rejections(rejections)
    assert text.startswith("Rejected rows: 12\n  rows.csv row 0: answer is empty é\n")
    assert "row 9" in text
    assert "row 10" not in text
    assert "  … 2 more\n" in text
    assert "Rejected output of the teacher: 4\n" in text
    for kind in ("leak (in_evaluation_set)", "malformed (no_record)", "no answer (ServiceError)"):
        assert f"  {kind}: 1\n" in text
    assert "surplus" not in text
    assert text.endswith(f"Rejected, with the reasons: {rows}\nRejected, with the reasons: {pairs}")


def test_a_run_that_rejected_nothing_leaves_no_file_of_an_earlier_run(stack: Any) -> None:
    put("source/rejected.jsonl", ROWS)
    assert len(copy_rejections(stack, RUN).files) == 1
    put("source/rejected.jsonl", [])
    assert describe_rejections(copy_rejections(stack, RUN)) == ""
    assert list(stack.layout.report.iterdir()) == []


@pytest.mark.parametrize("manifest", [None, {}, "text"])
def test_a_run_that_preflight_refused_has_rejected_nothing(tmp_path: Path, manifest: Any) -> None:
    assert copy_rejections(Stack(tmp_path, manifest), RUN) == Rejections()  # type: ignore[arg-type]


def test_a_copy_that_fails_does_not_hide_the_failure_of_the_run(simulator: RunningSimulator, tmp_path: Path) -> None:
    stack: Any = Stack(tmp_path / "state", {"use_case_uri": "s3://gone/runs/r-1/use_case.yaml"})
    rejections = copy_rejections(stack, RUN)
    (line,) = describe_files(rejections)
    assert "could not be copied" in line
    assert "NoSuchBucket" in line
    assert describe_rejections(rejections) == line
