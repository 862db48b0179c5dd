"""
Have simulated workers label a sample of a finished run, if its use case asks human workers through Bedrock.

On AWS, the labeling DAG waits until people have answered. In the simulated account of ``make run``, this module
triggers the labeling DAG, and two simulated workers answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.distill.config.loader import load_use_case, load_use_cases
from include.distill.labeling.label_params import ASK_WORKERS
from include.distill.report.tables import agreement_rows, agreement_sentence
from tools.local_airflow.account import allow_worker_portal, download, read_object
from tools.local_airflow.runs import explain_failure, follow_run, trigger_dag, wait_for_dag
from tools.local_airflow.settings import LOCAL_INSTALLATION
from tools.local_airflow.simulated_workers import WORKERS, answer_open_tasks, references

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from include.distill.config.use_case import UseCase
    from tools.local_airflow.runs import FollowedRun, RunningStack

EXAMPLES = 20
SUBMIT, WAIT, COLLECT = "workers.submit", "workers.wait", "collect_labels"


def asks_workers(path: Path, environment: Mapping[str, str]) -> UseCase | None:
    """Return the use case in a file if it names human workers; otherwise ``None``."""
    use_case = load_use_case(path, environment)
    return use_case if use_case.human_workers else None


def open_worker_portals(use_cases: Path) -> list[str]:
    """
    Let the page of human workers read the output buckets of all use cases that name workers. Return these buckets.

    The first run of a use case creates its buckets. Buckets that do not exist yet are left out.
    """
    asking = [one for one in load_use_cases(use_cases, LOCAL_INSTALLATION).valid if one.human_workers]
    regions = {use_case.storage.output_bucket: use_case.aws.region for use_case in asking}
    return [bucket for bucket, region in regions.items() if allow_worker_portal(bucket, region)]


def label_with_simulated_workers(
    stack: RunningStack, use_case: UseCase, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """
    Trigger the labeling DAG for the run whose report was fetched last, and answer as two simulated workers.

    Return whether the labeling succeeded, and the text to print.
    """
    report = json.loads((stack.layout.report / "report.json").read_text(encoding="utf-8"))
    dag_id = use_case.label_dag_id
    wait_for_dag(stack, dag_id)
    conf = {"run_key": report["run_key"], "how": ASK_WORKERS, "examples": EXAMPLES}
    run_id = trigger_dag(stack, dag_id, conf)
    workers = _Workers(stack, dag_id, run_id)
    print(f"Run {run_id} of DAG {dag_id} asks human workers. SIMULATED: programs answer in their place.", flush=True)
    run = follow_run(stack, dag_id, run_id, environ=environ, timeout_seconds=timeout_seconds, meanwhile=workers.look)
    if run.state != "success":
        return False, f"The labeling FAILED:\n{explain_failure(stack, run)}"
    return True, _describe(stack, run)


class _Workers:
    """Answers the tasks of a run's human evaluation job as soon as the job has tasks."""

    def __init__(self, stack: RunningStack, dag_id: str, run_id: str) -> None:
        self._stack, self._run = stack, (dag_id, run_id)

    def look(self, instances: list[dict[str, Any]]) -> list[str]:
        """Answer the open tasks; return a sentence for the person who typed the command.

        :param instances: the task instances of the run.
        """
        if not any(one["task_id"] == WAIT and one["state"] in ("running", "deferred") for one in instances):
            return []
        submitted = self._stack.api.returned(*self._run, SUBMIT)
        sample = self._stack.api.returned(*self._run, "draw_sample")
        rows = read_object(f"{sample['run_uri']}/source/evaluation.jsonl").split("\n")
        by_prompt = references([json.loads(row) for row in rows if row.strip()])
        count = answer_open_tasks(self._stack.ports.simulator_url, submitted["job_arn"], by_prompt)
        if not count:
            return []
        names = " and ".join(worker.id for worker in WORKERS)
        return [f"SIMULATED: the workers {names} answered {count} examples. No person has seen them."]


def _describe(stack: RunningStack, run: FollowedRun) -> str:
    """Describe the labels and the agreement, and copy the report that now contains them."""
    labels: dict[str, Any] = stack.api.returned(run.dag_id, run.run_id, COLLECT)
    html = labels["report_html_uri"]
    for uri, name in ((html, "report.html"), (f"{html.removesuffix('html')}json", "report.json")):
        download(uri, stack.layout.report / name)
    report = json.loads((stack.layout.report / "report.json").read_text(encoding="utf-8"))
    people = {f"{name} (person)" for name in labels["labellers"]}
    lines = [
        f"  {agreement_sentence(row)}; the same verdict on {round(row['n'] * row['observed'])} of {row['n']}"
        f" ({row['observed']:.0%})"
        for row in agreement_rows(report["agreement"])
        if people & {row["first"], row["second"]} and row["observed"] is not None
    ]
    head = f"Labels of human workers (SIMULATED): {labels['labels']}, from {', '.join(labels['labellers'])}"
    counts = f"  answers that cannot be used: {labels['invalid']}; answers that were not given: {labels['missing']}"
    return "\n".join([head, counts, *lines])
