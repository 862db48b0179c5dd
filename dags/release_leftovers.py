"""## Release what no run uses any more

Every quarter of an hour, deletes the provisioned throughput of this project that no live run uses: it is billed by the
hour until somebody deletes it. A net for when the teardown of `distill` could not run.

### What it does

Looks at every provisioned throughput of the account and Region that carries the tag `project=bedrock-distill`, and at
nothing else. The tags name the DAG run that bought it and when it expires.

| the run is | the throughput is |
|---|---|
| running or queued | kept; its expiry is pushed out |
| ended, whatever its colour | released |
| unknown (the metadata database was lost) | released once it has expired |

So nothing outlives its run by more than a quarter of an hour, and nothing outlives a lost database by more than
`serving.expires_after_hours` and a quarter of an hour.

### Triage

- **Red**: something could not be released and **may be billed by the hour**; the error names it. The next run tries
  again. If it stays, delete the throughput in the Bedrock console.
- **It releases something every night**: teardown of `distill` does not run; look at the `release` tasks there.
- Costs nothing, and may be cleared or triggered at any time. Leave it unpaused.
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
