"""Run one step that handles every row in its own process: the real operator, with files instead of S3."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow.providers.amazon.aws.hooks.base_aws
import airflow.sdk  # noqa: F401 - Airflow's own imports, whose memory is reported separately

AIRFLOW_MB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

from bedrock_distill.operators.curate import CuratePairsOperator  # noqa: E402
from bedrock_distill.operators.dataset import MergeDatasetOperator  # noqa: E402
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator  # noqa: E402
from include.distill.config.catalog import load_catalog  # noqa: E402
from include.distill.config.layout import RunFolder  # noqa: E402
from include.distill.config.sections import MAX_TASKS  # noqa: E402
from include.distill.report.run_summary import SYNTHESIS_COUNTS  # noqa: E402
from tools.benchmarks.fixtures import RUN_URI  # noqa: E402
from tools.benchmarks.folder_store import FolderStore  # noqa: E402

COMMON = {"run_uri": RUN_URI, "aws_conn_id": None, "region_name": "us-east-1"}


def manifests(store: FolderStore) -> list[dict[str, Any]]:
    """Return the manifests that the synthesis tasks would return."""
    uris = store.list(RunFolder(RUN_URI).synthetic(0).removesuffix("00000.jsonl"))
    return [_manifest(accepted=store.read(uri).count(b"\n")) for uri in uris]


def _manifest(*, accepted: int) -> dict[str, Any]:
    counts = dict.fromkeys(SYNTHESIS_COUNTS, 0) | {"documents": 1, "requested": accepted, "accepted": accepted}
    return {**counts, "dropped": {}, "failed": 0, "simulated": True}


def operator(step: str, store: FolderStore) -> Any:
    """Return the operator of a step."""
    if step == "ingest":
        return IngestCsvOperator(task_id=step, **COMMON)
    if step == "shards":
        return ShardRowsOperator(task_id=step, rows="train", max_tasks=MAX_TASKS, **COMMON)
    _lift_limits()
    written = manifests(store)
    if step == "curate":
        return CuratePairsOperator(task_id=step, synthesis=written, **COMMON)
    return MergeDatasetOperator(task_id=step, arm="tuned", synthesis=[{**written[0], "shards": len(written)}], **COMMON)


def _lift_limits() -> None:
    """Lift the limits of the model families, because no family accepts the number of records measured here."""
    for family in load_catalog().families.values():
        for name in ("training_records", "validation_records"):
            object.__setattr__(family, name, (1, 10**9))
        object.__setattr__(family, "total_records", 10**9)
        object.__setattr__(family, "training_file_bytes", None)


def main() -> None:
    """Print memory in MB and CPU seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("step")
    options = parser.parse_args()
    store = FolderStore(options.folder)
    task = operator(options.step, store)
    task.__dict__["store"] = store
    used = time.process_time()
    returned = task.execute(
        {"ti": SimpleNamespace(try_number=1, max_tries=0, xcom_push=lambda **_: None), "params": {}}
    )
    measured = {
        "returned": returned,
        "cpu_seconds": time.process_time() - used,
        "airflow_mb": AIRFLOW_MB,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
