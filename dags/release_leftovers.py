"""## Release endpoints that no run uses

Every 15 minutes, this DAG deletes the project's endpoints that no live run uses: provisioned throughput, which is
billed by the hour until it is deleted, and deployments, which are not billed while they are idle, but count against the
account's quota. Normally, the teardown `release` or `undeploy` deletes the endpoints of its run. This DAG is the safety
net for runs whose teardown failed or did not run. It never deletes the standing endpoint of a champion (tag
`role=standing`).

### Tasks

There is a task `sweep_<connection>_<region>` for each AWS connection and Region that the use cases name. If the
name of a connection has characters that a task id cannot contain, they are replaced, and a hash is added. If the file
of a use case has an error, its endpoints are still checked, as long as its connection and Region can be read.

The task handles only endpoints that certainly belong to this environment (`DISTILL_ENVIRONMENT`): their tags name the
environment, the run that created them and the time when they expire, and their name is the one that the pipeline
computes from these tags. Throughput that version 0.1 of this pipeline bought must also serve a model that was trained
on data below a prefix of this environment. All other endpoints are left unchanged. The log gives the reason, and a
warning names endpoints that may be yours.

| state of the run that created the endpoint | what the task does |
|---|---|
| running or queued | keeps the endpoint and extends its expiry |
| ended, in any state | deletes the endpoint |
| unknown, because the metadata database was lost | deletes the endpoint once it has expired |

If a use case names human workers (`evaluations.human`), there is also a task `workers_<connection>_<region>`. It stops
the jobs of human workers that a labeling run of this environment left running after a person marked the run or its
tasks as failed. A job is left unchanged if its run is in progress or unknown, if another run of the same labeling DAG
is in progress, if its wait only timed out, or if `evaluations.human.stop_when_marked_failed` is false.

If a use case has the key `notify`, there is also a task `send_unsent_messages`. Every message to a person is stored in
S3 before it is sent, and removed when its channel has accepted it. This task sends the messages that are older than two
minutes and still stored, for example because a channel was down. Such a message says that it is late. A message that is
older than a day is removed, and a warning in the log names it. If a channel fails again, the task succeeds with a
warning, and the next run tries again.

So an endpoint exists for at most 15 minutes after its run has ended. If the metadata database is lost, an endpoint is
deleted at most 15 minutes after the time in its tag `expires-at`. That time is `serving.expires_after_hours` after the
start of the run, or later if this task has extended it.

### If a task fails

You may clear the task or trigger the DAG at any time. Clearing costs nothing. Do not pause this DAG.

| symptom | cause | what to do |
|---|---|---|
| the task failed | an endpoint could not be checked or deleted; throughput **may be billed by the hour**; the message names it | Nothing yet: the next run tries again. If that run fails too, use the console page or the command in the last line of the error. |
| `workers_…` failed | a job of human workers could not be checked or stopped; each answer of a worker **may be billed**; the message names the job | Nothing yet: the next run tries again. If that run fails too, stop the job as the last line of the error says. |
| `send_unsent_messages` failed | S3 did not list or return stored messages; the message names the place | Nothing yet: the next run tries again. If AWS refused access, correct the Airflow connection. Messages that are a day old are not sent any more. |
| `send_unsent_messages` warns that an object is no message | another program wrote it, or it is damaged | Delete the object if you do not need it. |
| the task failed with a message about `DISTILL_ENVIRONMENT` | `DISTILL_ENVIRONMENT` is not set or is not a valid name, so the task cannot tell which endpoints are yours; nothing was checked, and forgotten throughput **is billed by the hour** | Set `DISTILL_ENVIRONMENT` in all components of Airflow. |
| the log warns that an endpoint may be yours | its tags were copied or changed, or version 0.1 of this pipeline bought it | Trigger a dry run of the use case, so that this environment owns its prefix. If the warning stays and no one uses the endpoint, run the command in the warning. |
| the task deletes endpoints after every run of a use case | the teardown `<arm>.release` or `<arm>.undeploy` of the use case fails | Read the log of the teardown. |
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from bedrock_distill.notify.callbacks import on_forgotten_workers, on_sweep
from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.operators.send_unsent_messages import SendUnsentMessagesOperator
from bedrock_distill.operators.stop_forgotten_workers import StopForgottenWorkersOperator
from bedrock_distill.run.task_ids import SEND_UNSENT_MESSAGES, forgotten_workers_task, sweep_task
from include.distill.config.loader import load_use_cases

with DAG(
    dag_id="distill_release_leftovers",
    description="Releases endpoints that no live run uses.",
    schedule=None if os.environ.get("DISTILL_SCHEDULES") == "off" else "*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["distill", "housekeeping"],
    default_args={"owner": "bedrock-distill", "retries": 3, "retry_delay": timedelta(seconds=30)},
):
    use_cases = load_use_cases()
    for conn_id, region in use_cases.places:
        here = [one for one in use_cases.valid if (one.aws.conn_id, one.aws.region) == (conn_id, region)]
        place: dict[str, Any] = {"aws_conn_id": conn_id, "region_name": region}
        ReleaseLeftoversOperator(task_id=sweep_task(conn_id, region), **place, **on_sweep(here, conn_id))
        if any(one.human_workers for one in here):
            task_id = forgotten_workers_task(conn_id, region)
            StopForgottenWorkersOperator(task_id=task_id, **place, **on_forgotten_workers(here, conn_id))
    if any(one.notify for one in use_cases.valid):
        # The next run of the DAG tries again. Retries would delay that run, which may have endpoints to release.
        SendUnsentMessagesOperator(task_id=SEND_UNSENT_MESSAGES, retries=0)
