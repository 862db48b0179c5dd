"""## Train a small model on a large one, and check whether it got better

Reads a CSV file (`doc,question,answer`). A large model, the teacher, writes new question and answer pairs. A small
model, the student, is fine-tuned on the original rows and the new pairs. Judges then compare it with the untrained
student on rows that it has not seen.

### Tasks

`<arm>` is an arm of the use case: the student in one variant, such as `base` or `tuned`. `<step>` is `synthesize` or
`judge`. Some tasks exist only if the use case asks for them.

| task | result | cost |
|---|---|---|
| `preflight` | the use case, checked against AWS and frozen in the run's folder | nothing |
| `ingest` | training and evaluation rows; rejected rows with reasons | nothing |
| `estimate` | the estimated cost; fails if it is above `max_spend_usd` | nothing |
| `shards`, `evaluation_shards` | the rows in pieces, one for each mapped task | nothing |
| `<step>_batch.submit`, `.wait`, `.collect` | with `inference: batch`: stored answers of batch jobs | half the price of the tokens |
| `synthesize` | new pairs, filtered | tokens of the teacher and of the critic |
| `curate` | repeated pairs dropped; counts of every filter | nothing |
| `<arm>.merge`, `.upload` | the training file, stored under its hash | nothing |
| `<arm>.submit` | a fine-tuning job, bought or found | training tokens |
| `<arm>.trained` | the custom model, once the job has completed | nothing |
| `<arm>.wait_for_previous_arm` | the arm before has been released, or has failed | nothing |
| `<arm>.start_serving` | marks the start of serving | nothing |
| `<arm>.provision`, `.in_service` | an endpoint | **by the hour until `release`** |
| `<arm>.answer` | the arm's answers to the evaluation rows | tokens of the base student; nothing on an endpoint |
| `<arm>.release` | the endpoint is deleted | ends the hourly bill |
| `judge.<model>`, `judge_champion.<model>` | verdicts: every pair of answers, shown in both orders | tokens of the judge |
| `report` | `report.json` and `report.html` | nothing |
| `approve` | a person's decision; the task waits for it | nothing |
| `promote` | the winner is the new champion; skipped if no arm won | nothing |
| `delete_losers` | the other custom models are deleted | ends $1.95 a month for each |
| `outcome` | fails if any task failed | nothing |

### Parameters

The use case is the file `include/use_cases/<name>.yaml`. The trigger form changes its input, sizes and spend cap for
one run. With `dry_run`, the run stops after `estimate`.

### If a task fails

The error message says what happened and what to do. You may clear any task at any time. A clear buys nothing twice:
stored answers, training jobs and running endpoints are found again, and only what is missing is paid for.

| task | cause | what to do, and what it costs |
|---|---|---|
| `preflight` | the use case, the account or an input file has problems; the message lists all | Correct them and clear `preflight` with downstream. Nothing was bought. |
| `ingest` | a CSV file cannot be read; the message names file, line and column | Correct the file and clear `ingest` with downstream. Nothing was bought. Rejected rows are in `source/rejected.jsonl` of the run's folder. |
| `estimate` | the estimate is above the spend cap | Raise `max_spend_usd` or make the run smaller, then trigger it again. Nothing was bought. |
| `<step>_batch.submit` | Bedrock refused a job, or a job with the same questions failed | Follow the message. Nothing is bought until then. |
| `<step>_batch.wait` | the jobs have not ended in time | Clear `wait` to continue to wait. Waiting buys nothing; the jobs run and are billed. |
| `<step>_batch.collect` | a job failed or was stopped | Clear `<step>_batch.submit` with downstream. It asks only the missing questions. |
| `synthesize`, `judge.<model>`, `judge_champion.<model>` | the quota is used up, or the model failed on a row | Clear the failed task. It asks only for missing answers. |
| `curate` | too many rows failed, or too few pairs passed the filters | Follow the message. No training was bought. The pairs and the reasons are in `synthetic/` of the run's folder. |
| `shards`, `evaluation_shards`, `<arm>.merge`, `.upload`, `report` | the message says | Correct it and clear the task with downstream. It costs nothing. |
| `<arm>.submit` | the job failed before on the same data, or access is missing | Correct the data or the access, then clear `preflight` with downstream. A corrected file buys a new job. |
| `<arm>.trained` | the job has not ended in time | Clear `trained` to continue to wait. Waiting buys nothing; the job runs and is billed. |
| `<arm>.trained` | the job failed, or was stopped because the task was marked as failed | Clear `<arm>.submit` with downstream. It buys the next attempt at full price. |
| `<arm>.provision` | no model units are granted, or access is missing | Raise the quota and clear `provision` with downstream. Nothing was bought. |
| `<arm>.in_service` | the endpoint failed or was not ready in time | `release` deletes it next. Then clear `provision` with downstream, which buys a new one, billed by the hour. |
| `<arm>.answer` | the endpoint is gone ("was released"), as after clearing only the failed tasks of a run | Clear `provision` with downstream, which buys a new endpoint for the missing answers, billed by the hour. |
| `<arm>.answer` | a row has no answer | Clear `answer` with downstream. Airflow then runs `provision` again, too: it buys a new endpoint for the missing answers, billed by the hour. The base arm pays tokens for the missing answers only. |
| `<arm>.release` | Bedrock did not delete the endpoint | It **may still be billed by the hour**. The task is retried. If it stays failed, delete the throughput in the Bedrock console. |
| `promote` | the champion changed since this run compared with it, or the winner's model is gone | Nothing was changed. The message says what to clear. |
| `delete_losers` | Bedrock refused | Clear it. It deletes what is left. |
| `outcome` | another task failed; the message names it, and the jobs that were stopped | Correct that task and clear it with downstream. |

A skipped `promote` is not a failure: the rule promoted no arm. The log and the report give the reason.

To stop a job or an endpoint that a task waits for, mark the task as failed.

Do not set `dagrun_timeout` for this DAG: it skips teardowns, and endpoints would keep running.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, get_parsing_context

from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.params.distill import trigger_params
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.run.task_ids import ESTIMATE, EVALUATION_SHARDS, INGEST, OUTCOME, PREFLIGHT, REPORT
from bedrock_distill.task_groups.arms import arm_tasks
from bedrock_distill.task_groups.judging import judge_tasks
from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED, promotion_tasks
from bedrock_distill.task_groups.synthesis import synthesis_tasks
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key


def default_args(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of every task: owner, retries, AWS connection, and the run's folder."""
    return {
        "owner": use_case.owner,
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY_POLICY,
        "aws_conn_id": use_case.aws.conn_id,
        "region_name": use_case.aws.region,
        "run_uri": Layout(use_case.storage).run_uri("{{ run_key(dag.dag_id, run_id) }}"),
    }


def distill_dag(use_case: UseCase) -> DAG:
    """Return the DAG of a use case."""
    with DAG(
        dag_id=use_case.dag_id,
        description=use_case.description,
        schedule=None if os.environ.get("DISTILL_SCHEDULES") in ("off", "housekeeping") else use_case.schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["distill", use_case.name, *use_case.tags],
        params=trigger_params(use_case),
        user_defined_macros={"run_key": run_key},
        default_args=default_args(use_case),
    ) as dag:
        preflight = BedrockPreflightOperator(task_id=PREFLIGHT, use_case_name=use_case.name)
        ingest = IngestCsvOperator(task_id=INGEST)
        estimate = EstimateCostOperator(task_id=ESTIMATE)
        evaluation_shards = ShardRowsOperator(
            task_id=EVALUATION_SHARDS, rows="evaluation", max_tasks=use_case.fan_out.evaluation_tasks
        )
        preflight >> ingest >> estimate >> evaluation_shards

        synthesis = synthesis_tasks(use_case, after=estimate)
        arms = arm_tasks(use_case, evaluation_shards, synthesis)
        judges = judge_tasks(use_case, after=[arm.answer for arm in arms.values()])
        report = RenderReportOperator(
            task_id=REPORT,
            ingested=ingest.output,
            synthesis=synthesis,
            arms={name: arm.manifests for name, arm in arms.items()},
            judgments=[judge.output for group in judges for judge in group],
        )
        judges[-1] >> report

        promoted = promotion_tasks(use_case, report, arms)

        outcome = RunOutcomeOperator(task_id=OUTCOME, retries=0, may_be_skipped=MAY_BE_SKIPPED)
        outcome.as_teardown(on_failure_fail_dagrun=True)
        promoted >> outcome
        for arm in arms.values():
            arm.last >> [report, outcome]
    return dag


# Set in workers, which need one DAG only; ``None`` in the DAG processor.
WANTED = get_parsing_context().dag_id
for use_case in load_use_cases().valid:
    if WANTED in (None, use_case.dag_id):
        globals()[use_case.dag_id] = distill_dag(use_case)
