"""Make the tasks of a use case's DAG."""

from __future__ import annotations

from typing import Any

from dags.distill import distill_dag
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from tests.fakes.variables import VARIABLES

BASE = {"name": "base", "kind": "base"}
CHAMPION = {"name": "best", "kind": "champion"}
PLAIN = {"name": "plain", "synthetic": 0}
TUNED = {"name": "tuned"}


def sample(**changes: Any) -> UseCase:
    """Return the sample use case with changed keys. In a section, only the given keys change."""
    raw = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES).model_dump(mode="json")
    for key, value in changes.items():
        raw[key] = {**raw[key], **value} if isinstance(value, dict) else value
    return parse_use_case(raw, origin="test")


def tasks(**changes: Any) -> dict[str, Any]:
    """Return the tasks of the sample's DAG by their ids; see :func:`sample`."""
    return {task.task_id: task for task in distill_dag(sample(**changes)).tasks}
