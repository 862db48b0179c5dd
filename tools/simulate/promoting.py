"""Give a run a report with a winner, and keep the change of a standing endpoint on the virtual clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from airflow.sdk import DAG

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.settling import Settling
from include.distill.config.frozen_use_case import restore_use_case
from include.distill.config.layout import RunFolder
from include.distill.core.naming import run_key
from include.distill.core.storage import read_jsonl, write_json, write_jsonl
from include.distill.dataset.records import Row
from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import DagRun
from tools.simulate.decided_report import answer, report
from tools.simulate.environment import TRAINING_BUCKET
from tools.simulate.parts import NAME as PREFIX


def write_report(dag: DAG, run: DagRun, *, wins: bool) -> None:
    """
    Write the answers of the arm ``tuned`` and a report on it, and record the task ``report`` as successful.

    The decision is the promotion rule's. Only the verdicts are made up.

    :param wins: whether the arm wins.
    """
    name = dag.dag_id.removeprefix("distill_")
    folder = RunFolder(f"s3://{TRAINING_BUCKET}/{PREFIX}/runs/{name}/{run_key(dag.dag_id, run.run_id)}")
    store = S3ObjectStore(BedrockDistillHook("aws_default"))
    use_case = restore_use_case(store.read(folder.use_case), folder.use_case)
    answers = [answer(row) for row in read_jsonl(store, folder.source("evaluation"), Row)]
    write_jsonl(store, folder.answers("tuned", 0), answers)
    identity = {"dag_id": dag.dag_id, "run_id": run.run_id}
    write_json(store, folder.report("json"), {**report(use_case, answers, wins=wins), **identity})
    manifest = {
        "report_json_uri": folder.report("json"),
        "report_html_uri": folder.report("html"),
        "verdict": f"tuned is {'better' if wins else 'worse'}.",
        "actual_usd": 0.0,
        "simulated": True,
    }
    task = run.tasks["report"]
    task.state, task.xcoms["return_value"] = "success", json.dumps(manifest)


@contextmanager
def settle_without_real_time(clock: VirtualClock) -> Iterator[None]:
    """Let ``settle`` wait on the virtual clock. Its class holds the real ``time.sleep``."""
    defaults = tuple(clock.sleep if callable(one) else one for one in Settling.__init__.__defaults__ or ())
    with patch.object(Settling.__init__, "__defaults__", defaults):
        yield
