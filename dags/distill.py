"""## Distil a large model into a small one, every night

Reads a CSV (`doc,question,answer`), lets a teacher model write new pairs, fine-tunes a student on originals and new
pairs, serves it for as long as it answers, and has judges say whether it is better than the base student.

### Flow

| task | what exists afterwards | costs |
|---|---|---|
| `preflight` | the use case, checked against AWS and frozen in S3 | nothing |
| `ingest` | rows, rejected rows with reasons | nothing |
| `estimate` | the expected bill; refuses above `max_spend_usd` | nothing |
| `shards`, `evaluation_shards` | rows cut into one piece per task | nothing |
| `<step>_batch.submit`, `.wait`, `.collect` | with `inference: batch` only: stored answers | half the tokens' price |
| `synthesize` | new pairs, one task per row or batch of rows | teacher tokens, and a critic's if there is one |
| `curate` | repeated pairs dropped, what every filter dropped counted | nothing |
| `<arm>.merge`, `.upload` | the training file, under its own hash | nothing |
| `<arm>.submit`, `.trained` | the custom model | training tokens |
| `<arm>.wait_for_previous_arm` | the arm served before is released, or failed | nothing |
| `<arm>.start_serving` | the arm is next to be served | nothing |
| `<arm>.provision`, `.in_service` | an endpoint | **by the hour until `release`** |
| `<arm>.answer` | answers of the arm | tokens (base only) |
| `<arm>.release` | the endpoint is gone | ends the hourly bill |
| `judge.<model>`, `judge_champion.<model>` | verdicts, every pair in both orders | judge tokens |
| `report` | `report.json`, `report.html` | nothing |
| `approve` | a person's yes, where the use case asks for one | nothing, also while it waits |
| `promote` | the champion, when the rule promotes; else skipped | nothing |
| `delete_losers` | the other custom models are gone, where the use case says so | ends $1.95 a month each |
| `outcome` | red when anything is red | nothing |

### Parameters

The use case is `include/use_cases/<name>.yaml`; the trigger form overrides its input, sizes and cap for one run.
`dry_run` stops after the estimate.

### Triage

Any task may be cleared at any time. Nothing is bought twice: answers, training jobs and endpoints are found again by
content or name, and only what is missing is paid for.

- **`preflight` failed**: the message lists every problem. Nothing was bought. Mend, clear `preflight`.
- **`ingest` failed**: a CSV cannot be used; file, line and column are named. Rejected rows lie in
  `source/rejected.jsonl` of the run's folder.
- **`estimate` failed**: above the cap. Nothing was bought.
- **`synthesize`, `judge` failed**: answers that came are stored; a clear asks only for the missing ones.
- **`<step>_batch.wait` timed out**: the jobs run on; clear it to go on waiting.
- **`<step>_batch.collect` failed**: a job failed or was stopped; what it answered is stored. Clear
  `<step>_batch.submit` with downstream, which asks only what is missing.
- **`curate` failed**: too many rows failed (clear `synthesize` with downstream), or too few pairs passed the filters:
  they lie with their reasons in `synthetic/` of the run's folder. Nothing was trained.
- **`shards`, `<arm>.merge`, `.upload`, `report` failed**: nothing is billed. Mend what the message names and clear;
  they write the same again.
- **`<arm>.submit` refused**: the job failed on the same data before, or access is missing; Bedrock's reason is quoted.
- **`<arm>.trained` timed out**: the job runs on and is billed; clear `trained` to go on waiting. Failed for a cause of
  Bedrock's own: clear `submit` with downstream, which buys the next attempt. Marked failed: its job is stopped.
- **`<arm>.provision` refused**: no model units were granted; nothing was bought. Raise the quota, clear it with
  downstream.
- **`<arm>.in_service` failed or timed out**: billed until `release`, which runs next. Clear `provision` with
  downstream, which buys again.
- **`<arm>.answer` failed after `release`** ("endpoint released"): clear `<arm>.provision` with downstream.
- **`<arm>.release` failed**: the endpoint may still be **billed by the hour**. It is retried; when it stays red, delete
  the throughput in the Bedrock console.
- **`promote` is skipped**: the rule promoted nobody; the log and the report say why. Nothing is amiss.
- **`promote` failed**: the champion changed since this run compared with it, or the winner's model is gone; nothing was
  changed. The error says what to clear.
- **`outcome` failed**: another task failed; it names which, and the job that it stopped because its task was marked
  failed.

Do not set `dagrun_timeout` here: it skips teardowns and would leave endpoints running.
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
from bedrock_distill.task_groups.batch import ask_in_batches
from bedrock_distill.task_groups.judging import judge_tasks
from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED, promotion_tasks
from bedrock_distill.task_groups.synthesis import synthesis_tasks
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key


def default_args(use_case: UseCase) -> dict[str, Any]:
    """Return what holds for every task: owner, retries, where AWS is and where the run's folder lies."""
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
    """Return the nightly DAG of a use case."""
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
        synthesis = synthesis_tasks(use_case, after=estimate)
        arms = arm_tasks(use_case, evaluation_shards, synthesis)
        judges = judge_tasks(use_case)
        report = RenderReportOperator(
            task_id=REPORT,
            ingested=ingest.output,
            synthesis=synthesis,
            arms={name: arm.manifests for name, arm in arms.items()},
            judgments=[judge.output for group in judges for judge in group],
        )
        promoted = promotion_tasks(use_case, report, arms)
        outcome = RunOutcomeOperator(task_id=OUTCOME, retries=0, may_be_skipped=MAY_BE_SKIPPED)
        outcome.as_teardown(on_failure_fail_dagrun=True)

        preflight >> ingest >> estimate >> evaluation_shards
        for arm in arms.values():
            arm.answer >> judges[0]
            arm.last >> [report, outcome]
        ask_in_batches(use_case, "judge", after=[arm.answer for arm in arms.values()], before=judges[0])
        judges[-1] >> report >> promoted >> outcome
    return dag


# Set in workers, which need one DAG only.
WANTED = get_parsing_context().dag_id
for use_case in load_use_cases().valid:
    if WANTED in (None, use_case.dag_id):
        globals()[use_case.dag_id] = distill_dag(use_case)
