"""## Release endpoints that no run uses

Every quarter of an hour, deletes the provisioned throughput of this project that no live run uses. Such throughput is
billed by the hour until somebody deletes it. Normally the teardown `release` of a run deletes it; this DAG is the
safety net if that could not run.

### Tasks

One task, `sweep_<connection>_<region>`, for each connection and Region of the use cases. It checks every throughput with
the tag `project=bedrock-distill`, and nothing else. Other tags name the run that bought it and when it expires.

| the run is | the throughput is |
|---|---|
| running or queued | kept, and its expiry is extended |
| ended, in whatever state | released |
| unknown, because the metadata database was lost | released once it has expired |

So throughput exists at most a quarter of an hour longer than its run. After the loss of the database, it exists at most
`serving.expires_after_hours` and a quarter of an hour.

### If a task fails

You may clear or trigger it at any time. A clear costs nothing. Leave this DAG unpaused.

| sign | cause | what to do |
|---|---|---|
| the task failed | something could not be released and **may be billed by the hour**; the message names it | The next run tries again. If this repeats, delete the throughput in the Bedrock console. |
| it releases something after every run | the teardown of a use case's DAG does not work | Look at the log of its tasks `<arm>.release`. |
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from include.distill.config.loader import load_use_cases

PLACES = sorted({(use_case.aws.conn_id, use_case.aws.region) for use_case in load_use_cases().valid})

with DAG(
    dag_id="distill_release_leftovers",
    description="Releases provisioned throughput that no live run uses",
    schedule=None if os.environ.get("DISTILL_SCHEDULES") == "off" else "*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["distill", "housekeeping"],
    default_args={"owner": "bedrock-distill", "retries": 3, "retry_delay": timedelta(seconds=30)},
):
    for conn_id, region in PLACES:
        ReleaseLeftoversOperator(task_id=f"sweep_{conn_id}_{region}", aws_conn_id=conn_id, region_name=region)
