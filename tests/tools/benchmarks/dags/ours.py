"""Build the synthesis step of ``dags/distill.py`` with only the sharding before it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.sdk import DAG

from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.inference.pools import pool_arguments
from tools.benchmarks.fixtures import RUN_URI, bench_use_case

TASKS = int(os.environ["BENCH_TASKS"])

with DAG(
    dag_id="bench_ours",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"owner": "bench", "run_uri": RUN_URI, "region_name": "us-east-1"},
):
    shards = ShardRowsOperator(task_id="before", rows="train", max_tasks=TASKS)
    pool = pool_arguments(bench_use_case(), bench_use_case().teacher, tasks=TASKS)
    BedrockSynthesizeOperator.partial(task_id="synthesize", map_index_template="{{ shard_label }}", **pool).expand(
        shard=shards.output
    )
