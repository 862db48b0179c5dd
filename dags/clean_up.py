"""## Delete what the pipeline left in AWS

Lists provisioned throughput, custom models, run folders and buckets of the chosen use cases, and says what it would
delete, what it would leave, and why. Deletes only if `dry_run` is off. Runs only when a person triggers it.

### Tasks

| task | result | cost |
|---|---|---|
| `list_leftovers` | the plan, one line for each thing, in the task's log; a dry run ends here | nothing |
| `delete_leftovers` | the things of the plan are deleted; what was left is in the log with the reason | ends hourly bills |

The order is: throughput (and wait until it is gone), custom models, run folders, data sets, paid answers, buckets. If
something cannot be deleted, everything later in this order is left.

### Parameters

By default the following are left: data sets, paid answers (the next run would pay for all of them again), everything
that has not expired, and buckets. A bucket is deleted only if the form gives its exact name, it has the tag
`project=bedrock-distill` (as the buckets have that the pipeline made), and it would be empty.

### What is never deleted

- throughput, models and buckets without the tag `project=bedrock-distill`, and folders without a frozen `use_case.yaml`
- the champion and the file that names it, and a model that is served by throughput that stays
- what a live run uses. If Airflow does not know the run: what has not expired, unless `include_unexpired` is ticked. A
  thing expires at its tag `expires-at`; a run folder without a report expires some time after its last write.
- anything newer than the list

### If a task fails

You may clear both tasks at any time. They list again, and what is deleted stays deleted. A clear costs nothing.

| task | cause | what to do |
|---|---|---|
| `list_leftovers` | a listing failed, or the form names something unknown | Nothing was deleted. Correct it and clear the task, or trigger the DAG again. |
| `delete_leftovers` | AWS did not delete something; the message names it | Throughput that still exists **is billed by the hour**. Clear the task. If it stays failed, delete the things in the AWS console. |

- **Everything succeeded, but nothing was deleted**: it was a dry run, or everything was left. The log of
  `list_leftovers` gives the reason for each thing. Tick `include_unexpired` only if no run is running.
- **A run of a use case says "was released" afterwards**: clear its `<arm>.provision` with downstream. This buys a new
  endpoint, billed by the hour.
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
    description="Deletes what the pipeline left in AWS; lists it first.",
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
