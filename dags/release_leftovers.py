"""## Release endpoints that no run uses

Every 15 minutes, this DAG deletes the project's provisioned throughput that no live run uses. Throughput is billed by
the hour until it is deleted. Normally, the teardown `release` deletes the throughput of its run. This DAG is the safety
net for runs whose `release` failed or did not run.

### Tasks

There is one task, `sweep_<connection>_<region>`, for each AWS connection and Region that the use cases name. If the
name of a connection has characters that a task id cannot have, they are replaced, and a hash is added. A use case
whose file has an error elsewhere still has a task, as long as its connection and Region can be read.

The task handles only throughput that certainly belongs to this environment (`DISTILL_ENVIRONMENT`): its tags name the
environment, the run that bought it and the time when it expires, and its name is the one that the pipeline computes
from these tags. Throughput that version 0.1 of this pipeline bought must also serve a model that was trained on data below a
prefix of this environment. All other throughput is left unchanged. The log gives the reason, and a warning names
throughput that may be yours.

| state of the run that bought the throughput | what the task does |
|---|---|
| running or queued | keeps the throughput and extends its expiry |
| ended, in any state | deletes the throughput |
| unknown, because the metadata database was lost | deletes the throughput once it has expired |

So throughput exists for at most 15 minutes after its run has ended. If the metadata database is lost, throughput is
deleted at most 15 minutes after the time in its tag `expires-at`. That time is `serving.expires_after_hours` after the
start of the run, or later if this task has extended it.

### If a task fails

You may clear the task or trigger the DAG at any time. Clearing costs nothing. Do not pause this DAG.

| symptom | cause | what to do |
|---|---|---|
| the task failed | a throughput could not be checked or deleted and **may be billed by the hour**; the message names it | Nothing yet: the next run tries again. If that run fails too, use the console page or the command in the last line of the error. |
| the task failed with a message about `DISTILL_ENVIRONMENT` | the deployment has no name; nothing was checked, and forgotten throughput **is billed by the hour** | Set the variable in all components of Airflow. |
| the log warns that throughput may be yours | its tags were copied or changed, or version 0.1 of this pipeline bought it | Trigger a dry run of the use case, so that this environment owns its prefix. If the warning stays and no deployment uses the throughput, run the command in the warning. |
| the task deletes throughput after every run of a use case | the teardown `<arm>.release` of the use case fails | Read the log of `<arm>.release`. |
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.run.task_ids import sweep_task
from include.distill.config.loader import load_use_cases

with DAG(
    dag_id="distill_release_leftovers",
    description="Releases provisioned throughput that no live run uses.",
    schedule=None if os.environ.get("DISTILL_SCHEDULES") == "off" else "*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["distill", "housekeeping"],
    default_args={"owner": "bedrock-distill", "retries": 3, "retry_delay": timedelta(seconds=30)},
):
    for conn_id, region in load_use_cases().places:
        ReleaseLeftoversOperator(task_id=sweep_task(conn_id, region), aws_conn_id=conn_id, region_name=region)
