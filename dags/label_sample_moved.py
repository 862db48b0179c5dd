"""## Replaced by one labeling DAG per use case

This DAG labels nothing. An earlier version used it for all use cases, so everyone who had permission for this DAG could
label every use case. Trigger `distill_label__<use case>` instead, and remove the permissions for this DAG.

### Tasks

| task | result | cost |
|---|---|---|
| `moved` | always fails, with a message that names the new DAG | nothing |

### If a task fails

| task | cause | what to do |
|---|---|---|
| `moved` | this DAG was replaced | Trigger `distill_label__<use case>`. Clearing the task does not help. |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, task

from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.core.errors import InputError

with DAG(
    dag_id="distill_label_sample",
    description="Replaced by distill_label__<use case>, one DAG for each use case.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["distill", "label_sample"],
    default_args={
        "owner": "ml-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": RETRY_POLICY,
    },
):

    @task
    def moved() -> None:
        """Fail with a message that names the new DAGs."""
        raise InputError(
            "distill_label_sample was replaced by one DAG for each use case. No person was asked, and no label was"
            " stored. Trigger distill_label__<use case> with the same values, but without use_case."
        )

    moved()
