"""Load every DAG file with Airflow's DagBag: first including all imports of the file, then again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

from include.distill.core.paths import PROJECT_ROOT

TIMES = 3


def seconds(path: Path) -> float:
    """Load a file and return how long it took."""
    bag = DagBag(dag_folder="/dev/null")
    began = time.perf_counter()
    bag.process_file(str(path), only_if_updated=False)
    took = time.perf_counter() - began
    assert not bag.import_errors, bag.import_errors
    return took


def main() -> None:
    """Print the times per file; warm is the median of three."""
    measured = {}
    for path in sorted((PROJECT_ROOT / "dags").glob("*.py")):
        cold = seconds(path)
        measured[path.name] = {"cold": cold, "warm": sorted(seconds(path) for _ in range(TIMES))[TIMES // 2]}
    sys.stdout.write(json.dumps({"files": measured}) + "\n")


if __name__ == "__main__":
    main()
