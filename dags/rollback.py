"""## Put an earlier champion back

This DAG makes an earlier champion of a use case the champion again. If the use case has a standing endpoint
(`promotion.serve`), the earlier model is put behind the same endpoint, so applications keep calling the same ARN. The
DAG runs only when a person triggers it, and a person must approve each rollback.

The record `champions/<use case>.json` in the training bucket says which model is the champion. It keeps up to 5 earlier
champions. If a person rolls back from a model, the promotion rule does not promote this model again, even if a later
run trains it again. A rollback to the model ends this restriction.

### Tasks

| task | result | cost |
|---|---|---|
| `choose` | what this run will do, stored once in `endpoints/<use case>/rollbacks/`; nothing is changed yet | nothing |
| `approve_rollback` | a person's decision; the task waits for it | nothing |
| `start_switch` | does nothing; because this setup succeeds, the teardown `settle` runs even if a later setup fails | nothing |
| `switch` | Bedrock is asked to put the model behind the standing endpoint, or to create the endpoint; skipped if the use case has none | nothing for a deployment while it is idle; provisioned throughput **is billed by the hour until a person deletes it** |
| `switched` | the endpoint answers with the model | nothing |
| `smoke` | the endpoint has answered the smoke prompts of the last promotion | tokens of a few short prompts |
| `restore` | the champion's record names the model; the DAGs that are scheduled on the champion's asset start | nothing |
| `settle` | the endpoint answers with the recorded champion, even if an earlier task failed | nothing |
| `outcome` | fails unless the rollback was recorded and no task failed | nothing |

### Parameters

**Use case** is the use case whose champion is replaced. **Back to** is one of:

- `previous`: the champion before the present one. After a rollback, this is the model that was replaced.
- `current`: the present champion. The DAG puts this model behind the standing endpoint again, or creates the endpoint
  if it does not exist, for example because `promotion.serve` was `none` when the model was promoted.
- the run key or the model ARN of an earlier champion. If the value is wrong, the error message of `choose` lists all
  choices with date, verdict and report.

To answer the question of `approve_rollback`, open the run and press the button "Required Actions".
`promotion.approvers` and `promotion.answer_within_hours` of the use case apply to the question. A user who may trigger
this DAG may trigger a rollback of every use case.

### If a task fails

You may clear any task at any time. The choice is stored, so a cleared run never goes back further than the first time.
If this run and a run of the use case change the endpoint at the same time, one of them waits for the other.

| task | cause | what to do |
|---|---|---|
| `choose` | **Back to** names no champion, the model no longer exists in Bedrock, or the standing endpoint cannot serve the model, for example because the endpoint is in another Region or serves models that were trained from another student | Nothing was changed. Trigger the DAG again with one of the choices in the log. |
| `choose`, `switch`, `restore` | another run has changed the champion since the choice | Nothing was changed by this run. Trigger the DAG again if you still want to go back. |
| `approve_rollback` | a person rejected the rollback, or nobody answered in time; the task is not failed, and `outcome` fails the run | Nothing was changed. Trigger the DAG again. |
| `switch` | another run is changing the endpoint | Airflow retries the task. If all retries fail, wait until the other run has ended, then clear `switch` with downstream. |
| `switched` | Bedrock did not put the model behind the endpoint | `settle` puts the recorded champion back. Read Bedrock's reason, then clear `switch` with downstream. |
| `smoke` | the endpoint gave a bad answer | `settle` puts the recorded champion back. Choose another champion, or clear `switch` with downstream to try again. |
| `restore` | `smoke` has no result for the model, for example because a person marked it as successful | The record is unchanged. Clear `switch` with downstream. |
| `settle` | the recorded champion could not be put behind the endpoint again | The endpoint may answer with a model that is not the champion. Use the command in the last line of the error, then clear `settle` with downstream. |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from bedrock_distill.params.rollback import rollback_params
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.task_groups.rollback import rollback_tasks
from include.distill.config.loader import load_use_cases
from include.distill.evaluation.rollback_form import ROLLBACK_DAG_ID

with DAG(
    dag_id=ROLLBACK_DAG_ID,
    description="Makes an earlier champion of a use case the champion again, behind the same endpoint.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Several use cases can be rolled back at the same time. If two runs change one endpoint, one of them waits.
    max_active_runs=4,
    doc_md=__doc__,
    tags=["distill", "rollback"],
    params=rollback_params([use_case.name for use_case in load_use_cases().valid]),
    default_args={
        "owner": "ml-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY_POLICY,
    },
):
    rollback_tasks()
