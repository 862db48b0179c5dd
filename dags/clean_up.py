"""## Delete what the pipeline left behind in AWS

This DAG lists the endpoints (provisioned throughput and deployments), custom models, run folders and buckets of the
chosen use cases. It logs what it would delete, what it would keep, and why. It deletes only if `dry_run` is off, and
runs only when a person triggers it.

### Tasks

| task | result | cost |
|---|---|---|
| `list_leftovers` | the plan in the task's log, one line per resource; a dry run ends here | nothing |
| `delete_leftovers` | the resources in the plan are deleted; the log gives the reason for each one that is kept | stops the hourly billing |

Resources are deleted in this order: throughput, deployments, custom models, evaluation jobs, prompt optimization jobs,
run folders, data sets, paid answers, buckets. Before the task deletes models, it waits until the throughput and the deployments are gone. If something cannot
be deleted, everything later in this order is kept.

### Parameters

By default, standing endpoints, evaluation jobs, prompt optimization jobs, data sets, paid answers and buckets are kept.
If you delete the paid answers, the next run pays for all of them again. A bucket is deleted only if the form gives its
exact name, it has the tag `project=bedrock-distill`, no tag names another environment, and the other deletions leave it
empty. The pipeline sets the tags `project` and `environment` on the buckets that it creates. The pipeline's own records
(`history/`, `latest/`, `splits/`, `reports/`, `ended_evaluations/`, `ended_optimizations/`) are deleted with their
bucket. The record of a champion is never deleted, so a bucket that contains one is kept. Unknown keys in the
configuration of a run are refused.

### What is kept

- the standing endpoint of a champion (tag `role=standing`), unless you tick `delete_standing_endpoints`, and its model
- endpoints and models of other environments, and those whose tags do not match their name or their run
- throughput and models that version 0.1 of this pipeline bought, unless their training data is below a prefix of this
  environment
- everything below a prefix whose `environment.json` does not name this environment (`DISTILL_ENVIRONMENT`)
- buckets without the tag `project=bedrock-distill`, and folders without a frozen `use_case.yaml`
- the champion, the file that names the champion, and any model whose endpoint is kept
- endpoints and models that a live run bought
- endpoints and models of a run that Airflow has no record of, until the time in their tag `expires-at`
- the folder of a run that is queued or running
- the folder of a run without a report that Airflow has no record of, until `serving.expires_after_hours` after the last
  write to the folder
- the folder of each use case's newest run with a report, and the folder of the run that promoted the champion, unless
  you tick `newest_reports` or their bucket is deleted too
- anything created or changed after `list_leftovers` ran

Tick `include_unexpired` to delete endpoints, models and folders before the times in this list. The times matter only
for runs that Airflow has no record of. If Airflow shows a run as ended, the DAG does not wait for these times, whether
the run succeeded or failed.

### If a task fails

You may clear either task at any time. The task then lists the resources again. Clearing costs nothing.

| task | cause | what to do |
|---|---|---|
| `list_leftovers` | resources in AWS could not be listed, the form names an unknown use case or bucket, or `DISTILL_ENVIRONMENT` is not set | Nothing was deleted. If resources could not be listed, follow the message and clear the task. If the form is wrong, trigger the DAG again. |
| `delete_leftovers` | AWS did not delete a resource; the message names it | Throughput that still exists **is billed by the hour**. Clear the task. If it fails again, the last line of its error names the console page and the command that delete the resource. |

- **Both tasks succeeded, but nothing was deleted**: all resources were kept. The log of `list_leftovers` gives the
  reason for each one. Tick `include_unexpired` only if no run needs them. If the reason is that no environment
  owns the prefix yet, trigger a dry run of the use case first.
- **`delete_leftovers` was skipped**: the run was a dry run.
- **A run of a use case later fails with "was released"**: clear `<arm>.provision` of that run with downstream. This
  buys a new endpoint, which is billed by the hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from bedrock_distill.operators.clean_up import DeleteLeftoversOperator, ListLeftoversOperator
from bedrock_distill.params.clean_up import clean_up_params
from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.config.loader import load_use_cases

with DAG(
    dag_id="distill_clean_up",
    description="Lists the resources that the pipeline left behind in AWS, then deletes them.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["distill", "clean_up"],
    params=clean_up_params([use_case.name for use_case in load_use_cases().valid]),
    default_args={
        "owner": "ml-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY_POLICY,
    },
):
    listed = ListLeftoversOperator(task_id="list_leftovers")
    listed >> DeleteLeftoversOperator(task_id="delete_leftovers", listed=listed.output)
