"""Measure how long Airflow takes to load each DAG file, and the size of the largest XCom."""

from __future__ import annotations

import json
from collections.abc import Sequence

from include.distill.config.sections import MAX_TASKS
from tools.benchmarks.bench import Bench
from tools.benchmarks.figures import Figure
from tools.benchmarks.processes import run


def dag_imports(bench: Bench) -> Sequence[Figure]:
    """Measure how long each DAG file takes to import again in a process that has already imported it once."""
    measured = run("dag_process.py", endpoint=bench.model.url, state=bench.state)
    return [
        Figure(
            name=f"import of dags/{name}, warm",
            ours=seconds["warm"],
            ideal=None,
            unit="s",
            target=0.5,
            note=f"{seconds['cold']:.2f} s the first time, including its imports",
        )
        for name, seconds in measured["files"].items()
    ]


def xcom(bench: Bench) -> Sequence[Figure]:
    """Measure the largest XCom: the list of the shard numbers, which has one number for each mapped task."""
    del bench  # every case takes a bench; this case does not use it
    size = len(json.dumps(list(range(MAX_TASKS))))
    return [Figure("largest XCom of a task (the list of shards)", size, None, "bytes", 2048, note=f"{MAX_TASKS} tasks")]
