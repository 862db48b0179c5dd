"""## Have people label a sample, and measure how well the judges agree with them

This DAG draws a blinded sample from a finished run. Each example shows a question and two answers, but not the names of
the arms. People choose the better answer, in Airflow, on a sheet, or as human workers of Amazon SageMaker. The run's
report is then written again. It shows how well each judge agrees with the people, and how well the people agree with
each other. No run of a use case waits for this DAG.

Each use case has its own labeling DAG, `distill_label__<use case>`, so Airflow's permissions decide who may label runs
of the use case. This DAG refuses runs of other use cases. Whoever may read this DAG can see questions, documents and
answers of the use case. So give access to this DAG only to people who may read the reports of `distill_<use case>`.

### Tasks

| task | result | cost |
|---|---|---|
| `draw_sample` | `report/label_sample/<candidate>--<baseline>/key-….jsonl`, and `sheet.csv` if the form asks for a sheet | nothing |
| `examples` | the list of examples that people label in Airflow; each example is listed by its number | nothing |
| `ask` | one choice for each example: A, B, Tie or No answer; each task waits for a person | nothing |
| `workers.submit` | only if the use case names human workers: an evaluation job of Bedrock in which they compare the answers | $0.21 per answer of a worker, at most `examples` × `evaluations.human.workers` answers |
| `workers.wait` | only if the use case names human workers: the end of their job. The task waits up to `evaluations.human.wait_days` days, without a worker slot | nothing |
| `workers.stop` | only if `workers.submit` or `workers.wait` failed: the job is stopped if a person marked the task as failed | nothing |
| `collect_labels` | `report/labels/<labeler>.jsonl`, and the report with the agreement | nothing |

All files are in the run's folder, except the dataset and the output of the workers' job. They are in `evaluations/`,
because all runs share them.

### Parameters

If `run_key` is empty, the use case's newest run with a report is used. If `candidate` and `baseline` are empty, the
pair in the report's headline is used. `how` is one of:

- **ask in Airflow**: people open the run, press the button "Required Actions", and answer within `hours`. A label is
  stored under the name in `labeller`. If `labeller` is empty, the label is stored under the name of the Airflow user
  who answers.
- **write the sheet only**: the run stops after `draw_sample`. The task's log says where the sheet is. Fill in the
  column `label` with `A`, `B` or `Tie`, or leave it empty. You may reorder or delete rows. Save the sheet as CSV.
  `collect_labels` detects the encoding and the separator.
- **read a labelled sheet**: fill in `labeller`, and `labelled_csv` if you have moved the sheet. If another run has
  ended since the sheet was written, also fill in the `run_key` from the sheet's path. A sheet with labels is never
  overwritten.
- **ask workers through Bedrock**: human workers of Amazon SageMaker label the examples. The form offers this only if
  the use case names workers in `evaluations.human.flow_definition_arn`. Each worker becomes a labeler with the name
  `worker-<id>`. AWS bills each answer. If the same workers were already asked about the same answers, the task finds
  that job and buys nothing. `labeller` and `hours` are not used.

The same run, pair and number of examples always give the same sample. For a second person to label the same questions,
trigger the DAG again with another `labeller`. Both DAG runs may be in progress at the same time. A larger sample starts
with the examples of the smaller one. The report measures agreement as Cohen's kappa. With fewer than 50 labels or fewer
than 20 documents, the report says "too few labels" or "too few documents" instead.

### If a task fails

You may clear every task at any time. The same examples are drawn, a new label replaces the same person's earlier label
for that example, and the job of human workers is found by its name. Clearing costs nothing, with one exception: if that
job failed, was stopped or was deleted, clearing `workers.submit` buys another job. A label counts only for the two
answers that the person saw. If an answer in the run has changed since then, the label is left out, and the report says
how many labels were left out.

| task | cause | what to do |
|---|---|---|
| `draw_sample` | the form names a run without a report, a run of another use case, or a pair that the run did not compare | Trigger the DAG again with other values, or trigger the DAG of the other use case. |
| `ask` | not a failure: the task waits for an answer | Answer the question, wait until `hours` have passed, or mark the task as successful to continue without an answer. |
| `workers.submit` | the output bucket has no CORS configuration, the role lacks a permission, or the job would cost more than `max_spend_usd` | Nothing was bought. Correct what the message names and clear the task. |
| `workers.wait` | workers have not answered within `wait_days` | The job is not stopped. Remind the workers and clear the task. To stop the job, mark the task as failed while it waits, or stop the job in the Bedrock console. |
| `workers.wait` | the job failed, or a person stopped or deleted it | Correct what Bedrock's reason names. Then clear `workers.submit` with downstream, which buys another job. |
| `workers.stop` | the job could not be stopped | Each answer of a worker is billed until the job is stopped. Clear the task, or stop the job in the Bedrock console. |
| `collect_labels` | the output of the workers' job has no answer that can be used | No label was stored. Look at the output in S3, and clear the task. |
| `collect_labels` | the sheet cannot be used; the message names the lines and columns | No label was stored. Correct the sheet and clear the task. If every answer on the sheet has changed in the run, move the sheet and trigger the DAG again to write a new one. |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, TaskGroup, TriggerRule

from bedrock_distill.operators.ask_workers import BedrockAskWorkersOperator
from bedrock_distill.operators.collect_labels import CollectLabelsOperator
from bedrock_distill.operators.label_ask import AskLabelOperator, ListExamplesOperator
from bedrock_distill.operators.label_sample import DrawLabelSampleOperator
from bedrock_distill.operators.stop_workers import StopWorkersOperator
from bedrock_distill.params.label_sample import label_params
from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.run.task_ids import STOP, SUBMIT, WAIT, WORKERS
from bedrock_distill.sensors.worker_answers import BedrockWorkersSensor
from bedrock_distill.task_groups.use_case_dags import use_case_dags
from include.distill.config.loader import load_use_cases
from include.distill.config.use_case import UseCase

SECONDS_PER_DAY = 86_400


def label_dag(use_case: UseCase) -> DAG:
    """Return the labeling DAG of a use case."""
    with DAG(
        dag_id=use_case.label_dag_id,
        description=f"Has people label a blinded sample of a finished run of {use_case.name}.",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        # Several people may label at the same time, each in their own DAG run.
        max_active_runs=16,
        doc_md=__doc__,
        tags=["distill", "label_sample", use_case.name],
        params=label_params(workers=use_case.human_workers is not None),
        default_args={
            "owner": use_case.owner,
            "retries": 2,
            "retry_delay": timedelta(seconds=10),
            "retry_policy": RETRY_POLICY,
        },
        auto_register=False,  # a DAG whose tasks cannot all be created must not be loaded
    ) as dag:
        drawn = DrawLabelSampleOperator(task_id="draw_sample", use_case_name=use_case.name)
        examples = ListExamplesOperator(task_id="examples", sample=drawn.output)
        place: dict[str, Any] = {
            "aws_conn_id": use_case.aws.conn_id,
            "region_name": use_case.aws.region,
            "bucket_owners": use_case.bucket_owners,
            "kms_key_arn": use_case.storage.kms_key_arn,
        }
        ask = AskLabelOperator.partial(
            task_id="ask", sample=drawn.output, use_case_name=use_case.name, retries=3, **place
        ).expand(number=examples.output)
        worked = ask_workers(use_case, drawn.output, place)
        CollectLabelsOperator(
            task_id="collect_labels",
            sample=drawn.output,
            answered=ask.output,
            worked=worked,
            use_case_name=use_case.name,
            trigger_rule=TriggerRule.NONE_FAILED,
            **place,
        )
    return dag


def ask_workers(use_case: UseCase, sample: Any, place: dict[str, Any]) -> Any:
    """
    Create the tasks that ask human workers, and return the result of the last one.

    :param sample: the result of ``draw_sample``.
    :param place: the connection, Region, bucket owners and KMS key of the tasks.
    :return: ``None`` if the use case names no workers.
    """
    settings = use_case.human_workers
    if settings is None:
        return None
    common = {"sample": sample, "use_case_name": use_case.name, **place}
    with TaskGroup(WORKERS, tooltip="Human workers of Amazon SageMaker compare the answers, for a price per answer."):
        submitted = BedrockAskWorkersOperator(task_id=SUBMIT, **common)
        waited = BedrockWorkersSensor(
            task_id=WAIT,
            submitted=submitted.output,
            poll_interval_seconds=settings.poll_interval_seconds,
            timeout_seconds=settings.wait_days * SECONDS_PER_DAY,
            stop_when_marked_failed=settings.stop_when_marked_failed,
            **common,
        )
        stop = StopWorkersOperator(task_id=STOP, trigger_rule=TriggerRule.ONE_FAILED, **common)
        [submitted, waited] >> stop
        return waited.output


# Airflow finds DAGs among the global variables of this file. dags/use_case_errors.py shows PROBLEMS.
dags, PROBLEMS = use_case_dags(
    load_use_cases().valid, label_dag, dag_id=lambda use_case: use_case.label_dag_id, kind="labeling DAG"
)
globals().update(dags)
