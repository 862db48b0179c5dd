"""Build the real DAG `distill_rollback` for the use cases of the cases, with quick retries."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG

from bedrock_distill.params.rollback import rollback_params
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.task_groups.rollback import rollback_tasks
from include.distill.evaluation.rollback_form import ROLLBACK_DAG_ID

QUICK = timedelta(seconds=1)

with DAG(
    dag_id=ROLLBACK_DAG_ID,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=16,
    params=rollback_params([]),
    default_args={"owner": "chaos", "retries": 2, "retry_delay": QUICK, "retry_policy": RETRY_POLICY},
) as dag:
    rollback_tasks()

for task in dag.tasks:
    task.retry_delay = QUICK
    if hasattr(task, "use_cases"):
        task.use_cases = Path(os.environ["CHAOS_USE_CASES"])
