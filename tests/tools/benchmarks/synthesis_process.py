"""Run one synthesis task in its own process: the real operator, hook and boto3, with files instead of S3."""

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


def resident_mb() -> float:
    """Return the memory that this process uses now."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


AIRFLOW_MB = resident_mb()

from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator  # noqa: E402
from include.distill.inference.pools import pool_arguments  # noqa: E402
from tools.benchmarks.fixtures import RUN_URI, bench_use_case  # noqa: E402
from tools.benchmarks.folder_store import FolderStore  # noqa: E402


def synthesize(folder: Path, shard: int, slots: int) -> dict[str, Any]:
    """Run the task on a shard and return its manifest."""
    task = BedrockSynthesizeOperator(
        task_id="synthesize",
        run_uri=RUN_URI,
        shard=shard,
        aws_conn_id=None,
        region_name="us-east-1",
        pool=pool_arguments(bench_use_case(), bench_use_case().teacher, tasks=1)["pool"],
        pool_slots=slots,
    )
    task.__dict__["store"] = FolderStore(folder)
    manifest: dict[str, Any] = task.execute(context(shard))
    return manifest


def context(map_index: int) -> Any:
    """Return the part of Airflow's context that the operator uses."""
    ti = SimpleNamespace(try_number=1, max_tries=0, task_id="synthesize", map_index=map_index)
    return {"ti": ti, "params": {}, "dag_run": SimpleNamespace(dag_id="bench", run_id="bench")}


def main() -> None:
    """Print manifest, memory in MB and CPU seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--slots", type=int, default=1)
    options = parser.parse_args()
    began, used = time.monotonic(), time.process_time()
    manifest = synthesize(options.folder, options.shard, options.slots)
    measured = {
        "manifest": manifest,
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - used,
        "airflow_mb": AIRFLOW_MB,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
