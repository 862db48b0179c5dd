"""## Distil a large model into a small one, and check whether the small model got better

This DAG reads a CSV file with the columns `doc`, `question` and `answer`. A large model, the teacher, writes new
question-and-answer pairs. A small model, the student, is fine-tuned on the original rows and the new pairs. Bedrock's
Model Distillation can train another student, for comparison, and Bedrock can rewrite the prompt of the untrained
student. With `training.method: continued_pre_training`, students are trained on the documents alone, and no pairs are
written. Judge models then compare the trained student with the untrained student on rows that were not used for
training.

### Tasks

`<arm>` is the name of an arm of the use case. An arm is one variant of the student, such as `base` or `tuned`.
`<step>` is `synthesize` or `judge`. Some tasks exist only if the use case needs them.

| task | result | cost |
|---|---|---|
| `preflight` | the use case is checked against AWS and copied to the run's folder | nothing |
| `ingest` | training rows, evaluation rows, and rejected rows with the reasons | nothing |
| `estimate` | the estimated cost; the task fails if the estimate is above `max_spend_usd`, or if the run would exceed a monthly budget | nothing |
| `approve_spending` | a person's decision, if the use case or the form requires it; the task waits for it | nothing |
| `shards`, `evaluation_shards` | the rows, split into one piece for each mapped task | nothing |
| `<step>_batch.submit`, `.wait`, `.collect` | stored answers of batch jobs; only with `inference: batch` | half the on-demand price of the tokens |
| `synthesize` | new pairs that passed the filters | tokens of the teacher, and of the critic if there is one |
| `curate` | repeated pairs are dropped; the pairs that each filter dropped are counted | nothing |
| `<arm>.merge`, `.upload` | the training file, or the prompts of a distillation job, stored in a folder named after the file's hash | nothing |
| `<arm>.submit` | a fine-tuning job, a job of continued pre-training, or a distillation job for an arm of kind `distilled`: either a new job or one that an earlier attempt or run bought | training tokens if the job is new; for a distillation job also the tokens of the teacher that Bedrock asks |
| `<arm>.trained` | the custom model, once the job has completed | nothing |
| `<arm>.wait_for_previous_arm` | waits until the previous arm's endpoint is released or that arm has failed | nothing |
| `<arm>.start_serving` | none; this task marks the start of serving. It always succeeds, and so the teardown `undeploy` or `release` runs even if `deploy` or `provision` fails | nothing |
| `<arm>.deploy`, `.active` | a deployment that is ready to answer; only if the student may be served on demand | nothing. If `estimate` chose provisioned throughput, `deploy` buys it: **billed by the hour until `undeploy`** |
| `<arm>.undeploy` | the deployment is deleted | nothing; stops the hourly billing if `deploy` bought provisioned throughput |
| `<arm>.provision`, `.in_service` | an endpoint that is ready to answer; in place of `deploy` and `active` if the student cannot be served on demand, or with `serving.mode: provisioned` | **billed by the hour until `release`** |
| `<arm>.optimize.submit` | a job in which Bedrock rewrites the prompt of a base arm, either a new one or one that an earlier attempt or run bought; only with `prompt: optimized` | tokens of the student, of the judge and of the model that rewrites the prompt, if the job is new |
| `<arm>.optimize.wait`, `.collect` | the optimized prompt, with which the arm answers | nothing |
| `<arm>.answer` | the arm's answers to the evaluation rows | the base student and a deployment are billed by the token; with provisioned throughput, answers have no extra cost |
| `<arm>.release` | the endpoint is deleted | stops the hourly billing |
| `<arm>.wait_for_release` | waits until `undeploy` or `release` has ended. The report is written even if that task failed | nothing |
| `judge.<model>`, `judge_champion.<model>` | the judge's verdict on every pair of answers; the judge sees each pair in both orders | tokens of the judge |
| `evaluate.<arm>_by_<evaluator>.submit` | an evaluation job in which the evaluator scores the arm's answers, either a new one or one that an earlier attempt or run bought; only with `evaluations.pointwise` | tokens of the evaluator if the job is new |
| `evaluate.<arm>_by_<evaluator>.wait`, `.collect` | the scores, for the report. They change neither the verdict nor a promotion | nothing |
| `evaluate.gather` | the scores of all evaluation jobs. The report is written even if some of the jobs failed | nothing |
| `report` | `report.json` and `report.html` | nothing |
| `approve` | a person's decision; the task waits for it | nothing |
| `start_switch` | none; this task marks the start of the change of the standing endpoint. It always succeeds, and so the teardown `settle` runs even if no arm won | nothing |
| `switch`, `switched` | a standing endpoint that answers with the winner, only with `promotion.serve`. The first promotion creates the endpoint, and later ones keep its ARN; skipped if no arm won | nothing with `on_demand`. With `provisioned`, the first promotion buys throughput: **billed by the hour until a person deletes it** |
| `smoke` | the standing endpoint has answered a few prompts | tokens of at most 20 short calls, if the endpoint is on demand |
| `promote` | the winner becomes the new champion; skipped if no arm won | nothing |
| `settle` | the standing endpoint answers with the recorded champion, even if an earlier task failed | nothing |
| `delete_losers` | the other custom models are deleted | stops the storage cost of $1.95 per model per month |
| `outcome` | waits until all tasks have ended; fails if any task failed | nothing |

### Parameters

The use case is defined in the file `include/use_cases/<name>.yaml`. In the trigger form you can change the input files
and the sizes for one run, and set a spend cap that is at most the cap in the file. If you leave the number of
documents or evaluation rows empty, all rows of the file are used. With `ask_before_spending`, a person must approve the
estimate before the run buys anything. With `dry_run`, the run stops after `estimate`. If the configuration of a run has
a key that the form does not have, `preflight` fails.

### If a task fails

The error message says what happened and what to do. You may clear any task at any time. You never pay twice for the
same thing: stored answers, training jobs and running endpoints are reused, and you pay only for what is missing.

| task | cause | what to do, and what it costs |
|---|---|---|
| `preflight` | the use case, the account or an input file has problems; the message lists all of them | Correct the problems and clear `preflight` with downstream. Nothing was bought. |
| `preflight` | the configuration of the run has an unknown key | Trigger the DAG again with the correct key. The message lists the keys that the DAG accepts. Nothing was bought. |
| `ingest` | a CSV file cannot be read; the message names the file, line and column | Correct the file and clear `ingest` with downstream. Nothing was bought. Rejected rows are in `source/rejected.jsonl` of the run's folder. |
| `estimate` | there are too few or too many rows for the training of an arm; the message gives the numbers | Trigger the DAG again with other sizes or another file, or change the sizes of the arm in the use-case file. Nothing was bought. |
| `estimate` | the estimate is above the spend cap | The message says which cap is enough, and whether a run with fewer rows would cost less. An endpoint costs the same, however many rows there are. The cap in the form cannot be above the cap in the use-case file. Nothing was bought. |
| `preflight`, `estimate` | too little is left of a monthly budget of the use case or its owner, or what was spent in the month cannot be read | The message says what is left and which runs spent most. Raise the budget and clear the task that the message names, or trigger the DAG again in the next month. Nothing was bought. |
| any task that buys | "The spending of this run is not approved": a person marked `approve_spending` as successful, or cleared a task of a run that was rejected | Clear `approve_spending` with downstream. It asks again. Nothing was bought. |
| `<step>_batch.submit` | Bedrock refused a job, or an earlier job with the same questions failed | Follow the message. The refused job was not bought. |
| `<step>_batch.wait` | the jobs did not end in time | Clear `wait` with downstream to wait longer. Waiting buys nothing, but the jobs are still running and billed. |
| `<step>_batch.collect` | a job failed or was stopped | Clear `<step>_batch.submit` with downstream. It submits only the questions without a stored answer. |
| `synthesize`, `judge.<model>`, `judge_champion.<model>` | Bedrock throttled requests or returned errors for too long, or refused a request | Clear the failed task with downstream. It pays only for missing answers. |
| `curate` | too many rows failed, or too few pairs passed the filters | Follow the message. No training was bought. The dropped pairs and the reasons are in `synthetic/` in the run's folder. |
| `shards`, `evaluation_shards`, `<arm>.merge`, `.upload`, `report` | see the message | Correct the cause and clear the task with downstream. The task itself costs nothing. |
| `<arm>.submit` | an earlier job on the same data failed, or access is missing | Correct the data or grant access, then clear `preflight` with downstream. If the data has changed, a new job is bought. |
| `<arm>.trained` | a distillation job failed, and the message says that the role may not do `bedrock:InvokeModel` | Let the role that Bedrock assumes invoke the teacher (`docs/how-to/first_run_on_aws.md`, section 3), then clear `<arm>.submit` with downstream. It buys the next attempt. |
| `<arm>.trained` | the job did not end in time | Clear `trained` with downstream to wait longer. Waiting buys nothing, but the job is still running and billed. |
| `<arm>.trained` | the job failed, or was stopped because the task was marked as failed | Follow the message. If it says to clear `<arm>.submit` with downstream, doing so buys the next attempt at full price. |
| `<arm>.deploy` | the account already has as many deployments as its quota allows, or access is missing | Delete a deployment that nothing uses, or raise the quota, then clear `deploy` with downstream. Nothing was created. |
| `<arm>.deploy` | the account is already creating as many deployments as its quota allows at a time | The task is retried for an hour. After that, clear `deploy` with downstream. Nothing was created. |
| `<arm>.active` | the deployment failed or was not active in time | `undeploy` runs next and deletes the deployment, which costs nothing. If `undeploy` fails, do what its error says first. Then clear `deploy` with downstream. |
| `<arm>.provision` | the account has no quota for model units, or access is missing | Raise the quota or grant access, then clear `provision` with downstream. Nothing was bought. |
| `<arm>.in_service` | the endpoint failed or was not ready in time | `release` runs next and deletes the endpoint. If `release` fails, do what its error says first. Then clear `provision` with downstream. This buys a new endpoint, which is billed by the hour. |
| `<arm>.optimize.submit` | an earlier job on the same prompt and samples failed, or access is missing | Follow the message, then clear `preflight` with downstream. Nothing was bought. |
| `<arm>.optimize.wait` | the job did not end in time | Clear `wait` with downstream to wait longer. Waiting buys nothing, but the job is still running and billed. |
| `<arm>.optimize.wait` | the job failed, was deleted, or was stopped because the task was marked as failed | Follow the message. If it says to clear `submit` with downstream, doing so buys the next attempt. |
| `<arm>.optimize.collect` | the job did not optimize the prompt, or its results cannot be read | Follow the message. If someone deleted or changed the results, restore them, then clear `collect` with downstream. This costs nothing. |
| `<arm>.answer` | the endpoint is gone ("was released"), perhaps because only the failed tasks of a run were cleared | Clear `deploy` with downstream, or `provision` with downstream in an arm without `deploy`. This creates a new endpoint to get the missing answers. Provisioned throughput is billed by the hour. A deployment is billed only for the tokens of these answers. |
| `<arm>.answer` | a row has no answer | Clear `answer` with downstream. Airflow then also runs `deploy` or `provision` again, which creates a new endpoint to get the missing answers. Provisioned throughput is billed by the hour. With a deployment, or in the arm of the base student, you pay only for the tokens of the missing answers. |
| `<arm>.undeploy` | Bedrock did not delete the deployment, or access or credentials are missing | An idle deployment costs nothing, but it counts against the account's quota. If `deploy` bought provisioned throughput, it **may still be billed by the hour**. The task is retried. The report is written even if all retries fail. In that case, the last line of the task's error names the console page and the command that delete the deployment or endpoint. Then clear the task with downstream. |
| `<arm>.release` | Bedrock did not delete the endpoint, or access or credentials are missing | The endpoint **may still be billed by the hour**. The task is retried. The report is written even if all retries fail. In that case, the last line of the task's error names the console page and the command that delete the endpoint. Then clear the task with downstream. |
| `evaluate.<arm>_by_<evaluator>.submit` | an earlier job on the same answers failed, or access is missing | Follow the message, then clear `preflight` with downstream. Nothing was bought. |
| `evaluate.<arm>_by_<evaluator>.wait` | the job did not end in time | Clear `wait` with downstream to wait longer. Waiting buys nothing, but the job is still running and billed. |
| `evaluate.<arm>_by_<evaluator>.wait` | the job failed, was deleted, or was stopped because the task was marked as failed | Follow the message. If it says to clear `submit` with downstream, doing so buys the next attempt. |
| `evaluate.<arm>_by_<evaluator>.collect` | the job has no readable results | Restore the results, then clear `collect` with downstream. This costs nothing. |
| `switch` | another run is changing the standing endpoint, or the account already has as many deployments as its quota allows | Airflow retries the task for an hour. After that, follow the message, then clear `switch` with downstream. Nothing was changed. |
| `switched` | Bedrock did not create the standing endpoint or did not put the winner behind it, or this took too long | `settle` runs next and brings the endpoint back to the champion. Then clear `switch` with downstream. |
| `smoke` | the standing endpoint gave a bad answer | `settle` runs next and brings the endpoint back to the champion. Look at the winner's answers in the report, then clear `switch` with downstream. Only the tokens of the calls are billed. |
| `settle` | the champion could not be put behind the standing endpoint again | The endpoint **may answer with a model that was not promoted**. The task is retried. If all retries fail, run the command in the last line of the error, then clear `settle` with downstream. |
| `promote` | the champion changed after `preflight` recorded it for this run, or the winner's model is gone | Nothing was changed. The message says what to clear. |
| `delete_losers` | Bedrock refused to delete a model | Clear `delete_losers` with downstream. It deletes the remaining models. |
| `outcome` | "not approved": a person rejected what the run was about to buy, or nobody answered in time | Clear `approve_spending` with downstream to ask again, or trigger a smaller run. Nothing was bought. |
| `outcome` | another task failed; the message names the task and the jobs that were stopped | Correct the cause and clear the failed task with downstream. |
| `outcome` | a person marked the run as failed. In a dry run, this makes `outcome` fail only if `estimate` had not succeeded yet | Clear the skipped tasks to continue. |

If the use case has the key `notify`, people are notified of failures, approvals, verdicts, promotions, budgets, drift
and late runs (`docs/how-to/get_notified.md`). The message about a failed run repeats the last lines of the error of
`outcome`, which name the tasks to clear.

If `promote` skips itself, this is not a failure: no arm was promoted. The log and the report give the reason. If the
use case requires approval, only a person's "Approve" promotes: if you mark `approve` as successful, `promote` is
skipped.

To stop a job or delete an arm's endpoint that a task is waiting for, mark the task as failed. A standing endpoint is
never deleted in this way: `settle` brings it back to the champion.

Do not set `dagrun_timeout` for this DAG. A run that times out skips its teardowns, so its endpoints would keep running
and be billed.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG

from bedrock_distill.lineage.assets import report_asset
from bedrock_distill.notify.callbacks import on_estimate, on_failure, on_question, on_report
from bedrock_distill.notify.channels import require_usable_channels
from bedrock_distill.notify.ready_by import deadline_of
from bedrock_distill.operators.approve_spending import ApproveSpendingOperator
from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.operators.report import RenderReportOperator
from bedrock_distill.params.distill import trigger_params
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.run.task_ids import (
    APPROVE_SPENDING,
    ESTIMATE,
    EVALUATION_SHARDS,
    INGEST,
    OUTCOME,
    PREFLIGHT,
    REPORT,
)
from bedrock_distill.task_groups.arms import arm_tasks
from bedrock_distill.task_groups.display import FINISH_GROUP, PREPARE_GROUP, display_group
from bedrock_distill.task_groups.evaluation import evaluation_tasks
from bedrock_distill.task_groups.judging import judge_tasks
from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED, promotion_tasks
from bedrock_distill.task_groups.synthesis import synthesis_tasks
from bedrock_distill.task_groups.use_case_dags import use_case_dags
from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key


def default_args(use_case: UseCase) -> dict[str, Any]:
    """Return the default arguments of all tasks: owner, retries, AWS connection, and the run's folder."""
    return {
        "owner": use_case.owner,
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY_POLICY,
        "aws_conn_id": use_case.aws.conn_id,
        "region_name": use_case.aws.region,
        "bucket_owners": use_case.bucket_owners,
        "kms_key_arn": use_case.storage.kms_key_arn,
        "run_uri": Layout(use_case.storage).runs(use_case.name) + "{{ run_key(dag.dag_id, run_id) }}",
        **on_failure(use_case),
    }


def times(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of a DAG about when its runs start, apart from the schedule, and about their deadline."""
    return {
        # Airflow takes the time zone of the schedule from this date.
        "start_date": datetime(2026, 1, 1, tzinfo=pendulum.timezone(use_case.timezone)),
        "catchup": False,
        "max_active_runs": 1,
        "deadline": deadline_of(use_case),
    }


def distill_dag(use_case: UseCase) -> DAG:
    """Return the DAG of a use case."""
    require_usable_channels(use_case)
    with DAG(
        dag_id=use_case.dag_id,
        description=use_case.description,
        schedule=None if os.environ.get("DISTILL_SCHEDULES") in ("off", "housekeeping") else use_case.schedule,
        **times(use_case),
        doc_md=__doc__,
        tags=["distill", use_case.name, *use_case.tags],
        params=trigger_params(use_case),
        user_defined_macros={"run_key": run_key},
        default_args=default_args(use_case),
        auto_register=False,  # a DAG whose tasks cannot all be created must not be loaded
    ) as dag:
        with display_group(PREPARE_GROUP, "Check the use case, read the rows, estimate the cost, and ask for approval"):
            preflight = BedrockPreflightOperator(task_id=PREFLIGHT, use_case_name=use_case.name)
            ingest = IngestCsvOperator(task_id=INGEST)
            estimate = EstimateCostOperator(task_id=ESTIMATE, **on_estimate(use_case))
            # Airflow fails the task if a person answers within about a second of the question. A retry then asks again.
            approve_spending = ApproveSpendingOperator(task_id=APPROVE_SPENDING, retries=3, **on_question(use_case))
            evaluation_shards = ShardRowsOperator(
                task_id=EVALUATION_SHARDS, rows="evaluation", max_tasks=use_case.fan_out.evaluation_tasks
            )
            preflight >> ingest >> estimate >> approve_spending >> evaluation_shards

        synthesis = synthesis_tasks(use_case, after=approve_spending)
        arms = arm_tasks(use_case, evaluation_shards, synthesis)
        judges = judge_tasks(use_case, after=[arm.answer for arm in arms.values()])
        report = RenderReportOperator(
            task_id=REPORT,
            ingested=ingest.output,
            synthesis=synthesis,
            arms={name: arm.manifests for name, arm in arms.items()},
            judgments=[judge.output for group in judges for judge in group],
            scores=evaluation_tasks(use_case, arms),
            outlets=[report_asset(use_case.name)],
            **on_report(use_case),
        )
        [*judges[-1], *(arm.ended for arm in arms.values())] >> report

        with display_group(FINISH_GROUP, "Promote the winner, and say how the run ended"):
            promoted = promotion_tasks(use_case, report, arms)
            # If one instance of a mapped task fails, the later tasks cannot start while the other instances still run.
            # `outcome` waits for all of them, so that its list of failures and the cost in its message are complete.
            may_run_longer = [task for task in dag.tasks if task.is_mapped or task.is_teardown]
            outcome = RunOutcomeOperator(task_id=OUTCOME, retries=0, may_be_skipped=MAY_BE_SKIPPED)
            outcome.as_teardown(on_failure_fail_dagrun=True)
            [promoted, *may_run_longer] >> outcome
    return dag


# Airflow finds DAGs among the global variables of this file. dags/use_case_errors.py shows PROBLEMS.
dags, PROBLEMS = use_case_dags(load_use_cases().valid, distill_dag, dag_id=lambda use_case: use_case.dag_id, kind="DAG")
globals().update(dags)
