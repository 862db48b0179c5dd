"""## Have people label a sample, and measure how far they agree with the judges

Draws a blinded sample of a finished run: a question and two answers, without the names of the arms. People choose the
better answer, in Airflow or on a sheet. The run's report is then written again, with the agreement between each judge
and the people, and among the people. No run of a use case waits for this.

### Tasks

| task | result | cost |
|---|---|---|
| `draw_sample` | `report/label_sample/<candidate>--<baseline>/key-….jsonl`, and `sheet.csv` on request | nothing |
| `examples` | the numbers of the examples that Airflow asks about | nothing |
| `ask` | one choice for each example: A, B, Tie or No answer; the task waits for it | nothing |
| `collect_labels` | `report/labels/<labeller>.jsonl`, and the report with the agreement | nothing |

All files are in the run's folder.

### Parameters

Choose the `use_case`. Without `run_key`, the newest run with a report is used; without `candidate` and `baseline`, the
pair of the report's headline. `how` is one of:

- **ask in Airflow**: people answer in the tab "Required Actions" of the run, within `hours`. A label belongs to
  `labeller`, or to the user who answers.
- **write the sheet only**: the run stops after `draw_sample`, whose log names the sheet. Fill in the column `label` with
  `A`, `B`, `Tie` or nothing. You may move or delete rows. Save the sheet as CSV; any dialect of a spreadsheet is read.
- **read a labelled sheet**: give the `labeller`, and `labelled_csv` if the sheet is not where it was written. If another
  run has ended since, give the `run_key` that is part of the sheet's path. A filled-in sheet is never overwritten.

The same run, pair and number of examples give the same sample. So a second person can label the same questions: trigger
the DAG again with another `labeller`, even at the same time. A larger sample begins with the smaller one. With fewer than
50 labels, or fewer than 20 documents, the report says "too few labels" or "too few documents" and shows no kappa.

### If a task fails

You may clear every task at any time. A clear costs nothing: the same examples are drawn, and a label replaces the
earlier one of the same person. A label counts only for the answers that were shown. If the run has other answers now,
the report says how many labels do not count.

| task | cause | what to do |
|---|---|---|
| `draw_sample` | the form names no run with a report, or a pair that was not compared | Trigger the DAG again with other values. |
| `ask` | nobody has answered yet; the task waits | Answer it, wait until `hours` are over, or mark it as success to continue without an answer. |
| `collect_labels` | the sheet cannot be used; the message names lines and columns, and nothing was stored | Correct the sheet and clear the task. If all its answers have changed, move it and write a new sheet. |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, TriggerRule

from bedrock_distill.operators.label_sample import (
    AskLabelOperator,
    CollectLabelsOperator,
    DrawLabelSampleOperator,
    ListExamplesOperator,
)
from bedrock_distill.params.label_sample import label_params
from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.config.loader import load_use_cases

with DAG(
    dag_id="distill_label_sample",
    description="Has people label a blinded sample of a finished run.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Several people label at a time, each in a run.
    max_active_runs=16,
    doc_md=__doc__,
    tags=["distill", "label_sample"],
    params=label_params([use_case.name for use_case in load_use_cases().valid]),
    default_args={
        "owner": "ml-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": RETRY_POLICY,
    },
):
    drawn = DrawLabelSampleOperator(task_id="draw_sample")
    examples = ListExamplesOperator(task_id="examples", sample=drawn.output)
    ask = AskLabelOperator.partial(task_id="ask", sample=drawn.output, retries=3).expand(number=examples.output)
    CollectLabelsOperator(
        task_id="collect_labels", sample=drawn.output, answered=ask.output, trigger_rule=TriggerRule.NONE_FAILED
    )
