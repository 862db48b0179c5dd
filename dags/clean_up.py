"""## Delete what the pipeline left in AWS

Lists provisioned throughput, custom models, the runs' folders and the buckets of the chosen use cases, says what would
be deleted, what would be left and why, and, when `dry_run` is off, deletes it. Runs only when a person triggers it.

### Flow

| task | what exists afterwards | costs |
|---|---|---|
| `list_leftovers` | the plan, one line per thing, in the task's log; a dry run ends here | nothing |
| `delete_leftovers` | what was listed is gone, what was left is in the log with its reason | ends hourly bills |

Order: throughput, wait until it is gone, custom models, run folders, data sets, paid answers, buckets. When something
cannot be deleted, what comes after it is left.

### Parameters

Off by default: data sets, paid answers (the next run pays for all of them again), what has not expired, and buckets.
A bucket goes only when its exact name was typed in, it is tagged `project=bedrock-distill` (those that the pipeline
made are) and nothing would be left in it.

### What is never touched

- throughput, models and buckets without the tag `project=bedrock-distill`; folders without a frozen `use_case.yaml`
- the champion, and what names it; a model that a throughput uses which stays
- what a live run uses; when Airflow does not know the run, what has not expired (`expires-at`, or, of a run's folder
  without a report, the time since its last write), unless `include_unexpired` is ticked
- anything newer than the listing

### Triage

Both tasks may be cleared at any time: they list again, and what is gone stays gone.

- **`list_leftovers` failed**: a listing failed or a typed name is wrong; nothing was deleted. Mend, clear.
- **`delete_leftovers` failed**: the message names what could not be deleted. Throughput that is still there is
  **billed by the hour**. Clear it; when it stays red, delete those by hand in the console.
- **Nothing was deleted and all is green**: it was a dry run, or everything was left; the log of `list_leftovers` says
  why for each thing. Tick `include_unexpired` only when no run is under way.
- **A run says "endpoint released" afterwards**: clear its `<arm>.provision` with downstream.
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
