"""## Have people label a sample, and see how far the judges agree with them

Draws a blinded sample of a finished run: a question, two answers, nothing that says whose they are. People say which is
better, in Airflow or on a sheet; the run's report is then written anew with the agreement of each judge with the people
and of the people among themselves. No nightly run waits for it.

### Flow

| task | what exists afterwards | costs |
|---|---|---|
| `draw_sample` | `report/label_sample/<candidate>--<baseline>/key-….jsonl`; `sheet.csv` when it is wanted | nothing |
| `examples` | one task for each example that Airflow asks about | nothing |
| `ask` | a choice: A, B, Tie, No answer; no answer in time is no answer | nothing, also while it waits |
| `collect_labels` | `report/labels/<labeller>.jsonl`; the report with the agreement | nothing |

All below the run's folder.

### Parameters

`use_case`, and `run_key`, `candidate`, `baseline` where it is not the newest run and the pair of its headline. `how`:

- **ask in Airflow**: answer in the tab "Required Actions" of the run, for as long as `hours` say. Labels go by who
  answers, or by `labeller`.
- **write the sheet only**: stops there; the log of `draw_sample` says where it lies. Fill in the column `label` with
  `A`, `B`, `Tie` or nothing. Rows may be moved or left out; save it as CSV, however the spreadsheet writes that.
- **read a labelled sheet**: `labeller` is who filled it in, `labelled_csv` where it is, unless it was put back where it
  lay. When another run has ended since, name the `run_key` that stands in the sheet's place. A sheet that somebody
  filled in where it lies is not written over.

The same run, pair and number of examples draw the same sample, so a second person labels the same questions: trigger it
again under another `labeller`, also at the same time. A larger sample begins with the smaller one. With fewer than 50
labels about 20 documents the report says "too few labels" and no kappa.

### Triage

Every task may be cleared at any time: the same examples are drawn, and a label replaces the one before it. A label
counts only for the answers that were shown: when the run was done again and gave others, the report says how many do
not.

- **`draw_sample` failed**: the form names no run with a report, or a pair that was not compared.
- **`collect_labels` failed**: the sheet cannot be used; lines and columns are named, nothing was stored. Mend it and
  clear the task. When all its answers have changed since it was written, move it and have a new one written.
- **`ask` waits**: nothing is billed. Mark it success to go on without an answer, or wait until the time is up.
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
