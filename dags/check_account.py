"""## Check the account before the first dollar

This DAG checks whether the AWS account and Airflow have what the use cases need. It only reads: nothing is bought, and
nothing is written, not even to S3. It runs only when a person triggers it.

### Tasks

| task | result | cost |
|---|---|---|
| `check_account` | a table in the task's log: what was checked, the result, what was found, and the exact line to add | nothing |

The task checks for each valid use case, or for the one that the form names:

- **connections**: the credentials work, and belong to the account of `aws.role_arn`
- **models**: the account may use them, they are active, and the student can be trained and served in the Region
- **quotas**: requests and tokens per minute, customization jobs, deployments, and model units (L-BE77399C)
- **buckets**: Region, owner, encryption, public access, TLS, life-cycle rules, and the environment that owns the prefix
- **keys**: the KMS keys of the use case and of the buckets are enabled
- **roles**: Bedrock may assume the role for each kind of job, and the role and each connection may do every action that
  the use case needs, according to IAM's policy simulator
- **prices**: the age of `include/prices.yaml`

A task cannot read Airflow's pools. `python -m bedrock_distill.check_account` checks them too.

| result | meaning |
|---|---|
| `MISSING` | a run would fail. The task fails too |
| `warning` | a run would not fail, but look at it |
| `not permitted to check` | the identity of the check lacks the named permission of the policy `check`. The other checks go on |
| `not checked` | AWS or Airflow does not answer this question here |
| `ok` | nothing to do. These are listed below the table |

### If a task fails

You may clear the task at any time. Clearing costs nothing.

| task | cause | what to do |
|---|---|---|
| `check_account` | something is missing on which a run would fail; the message names it | Nothing was bought. Add the lines of the table in the log, then clear the task. |
| `check_account` | the form names an unknown use case | Trigger the DAG again. |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from bedrock_distill.operators.check_account import CheckAccountOperator
from bedrock_distill.params.check_account import check_account_params
from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.config.loader import load_use_cases

with DAG(
    dag_id="distill_check_account",
    description="Checks the AWS account and lists what is missing. Nothing is bought or written.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["distill", "check_account"],
    params=check_account_params([use_case.name for use_case in load_use_cases().valid]),
    default_args={
        "owner": "ml-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY_POLICY,
    },
):
    CheckAccountOperator(task_id="check_account")
