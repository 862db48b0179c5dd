"""Write the use case that the simulation runs, with its CSV files, and load its DAG and those of the installation."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext

from include.distill.config.loader import load_use_case, load_use_cases
from include.distill.core.paths import PROJECT_ROOT
from tools.simulate.environment import OUTPUT_BUCKET, ROLE, TRAINING_BUCKET
from tools.simulate.parts import DISTILL, NAME, Part

EVALUATION_ROWS = 2
JOB_SECONDS = 3600.0
ENDPOINT_SECONDS = 600.0
_FACTS = ("bucket", "queue", "table", "function", "cluster", "topic", "stream", "volume", "gateway", "role", "key")


def write_use_case(folder: Path, part: Part, *, first_row: int = 0, name: str = NAME) -> None:
    """
    Write the use case of a part to a folder, which is created if it does not exist.

    :param first_row: the number of the first training row. Other rows train another model.
    :param name: the name of the use case. All use cases share the buckets and the prefix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / "train.csv", first_row, part.training_rows)
    _write_rows(folder / "evaluation.csv", 1000, EVALUATION_ROWS)
    (folder / f"{name}.yaml").write_text(
        yaml.safe_dump({**_use_case(folder), "name": name, **part.use_case}, sort_keys=False), encoding="utf-8"
    )


def _write_rows(path: Path, first: int, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["doc", "question", "answer"])
        for number in range(first, first + count):
            fact = f"{_FACTS[number % len(_FACTS)]} {number}"
            document = (
                f"The service keeps one {fact} for each account. The {fact} holds {number + 3} items at most. An"
                f" item in the {fact} is kept for {number + 10} days. Larger limits are granted on request."
            )
            writer.writerow(
                [document, f"How many items does the {fact} hold?", f"The {fact} holds {number + 3} items at most."]
            )


def _use_case(folder: Path) -> dict[str, Any]:
    return {
        "name": NAME,
        "description": "The use case of the simulation.",
        "owner": "simulation",
        "schedule": None,
        "aws": {"role_arn": ROLE},
        "storage": {"training_bucket": TRAINING_BUCKET, "output_bucket": OUTPUT_BUCKET, "prefix": NAME},
        "source": {
            "training_csv": str(folder / "train.csv"),
            "evaluation_csv": str(folder / "evaluation.csv"),
        },
        "teacher": "claude-sonnet-5-5",
        "student": "nova-micro",
        "judges": ["claude-haiku-4-5"],
        "training": {"poll_interval_seconds": 1500},
        "serving": {"mode": "provisioned", "poll_interval_seconds": 400},
        "approval": {"before_hourly": "never"},
        "arms": [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 0}],
        "fan_out": {"evaluation_tasks": 1, "concurrency": 2},
    }


def load_dag(folder: Path, name: str = DISTILL, *, use_case: str = NAME) -> DAG:
    """
    Return a DAG, exactly as its file in ``dags`` builds it.

    :param folder: the folder of the use case, which is the only one of the installation.
    :param name: the name of the file. For ``distill``, the DAG is that of the use case.
    :param use_case: the name of the use case.
    """
    if name != DISTILL:
        return _only_dag(folder, name)
    from dags.distill import distill_dag  # the import loads all use cases of the installation

    dag = distill_dag(load_use_case(folder / f"{use_case}.yaml"))
    preflight: Any = dag.get_task("preflight")
    preflight.use_cases = folder
    return dag


def _only_dag(folder: Path, name: str) -> DAG:
    """Run a file with one DAG, and return this DAG, which Airflow registers at the end of its ``with`` block."""
    before = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = __name__
    DagContext.autoregistered_dags.clear()
    try:
        with patch.object(load_use_cases, "__defaults__", (folder, None)):
            runpy.run_path(str(PROJECT_ROOT / "dags" / f"{name}.py"))
        [(dag, _)] = DagContext.autoregistered_dags
    finally:
        DagContext.current_autoregister_module_name = before
        DagContext.autoregistered_dags.clear()
    tasks: list[Any] = list(dag.tasks)
    for task in tasks:
        if hasattr(task, "use_cases"):
            task.use_cases = folder
    return dag
