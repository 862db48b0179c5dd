"""
Take screenshots in Airflow's UI for the docs (``make pictures``): a run's graph and report, the overview of all use
cases, the trend of one, and questions to people.

The module starts runs that ask the questions, and answers each question with Reject. So these runs buy and change
nothing.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from include.distill.core.errors import DistillError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.evaluation.rollback_form import PREVIOUS, ROLLBACK_DAG_ID
from tools.local_airflow import background
from tools.local_airflow.airflow_api import FINISHED_RUN_STATES
from tools.local_airflow.browser import BrowserError, find_chromium, open_browser
from tools.local_airflow.exit_codes import FAILED
from tools.local_airflow.outcome import REPORT_TASK
from tools.local_airflow.processes import NotReadyError, wait_until
from tools.local_airflow.questions import WAITS, question_address
from tools.local_airflow.runs import wait_for_dag
from tools.local_airflow.server import ServedStack, running_server, stop_server
from tools.local_airflow.settings import DEFAULT_DOCUMENTS, Layout, RunRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURES = PROJECT_ROOT / "docs" / "pictures"
TASK_GROUPS = ["prepare-run", "write-pairs", "base", "tuned", "judge", "finish-run"]
ALL_TASKS_SHOWN = "count => document.querySelectorAll('.react-flow__node').length >= count"
SETTLE_MILLISECONDS = 3000  # the graph moves into place with an animation
QUESTION_SECONDS = 300.0
TREND_DAYS = 30
DEMO = "promote_demo"
REJECT = "Reject"


def main() -> int:
    """Take the pictures and return 0 on success. If Airflow is not running, start it first and stop it afterwards."""
    if find_chromium() is None:
        print(
            "There is no Chromium on this machine. No picture was taken. On Debian, run: apt-get install chromium",
            file=sys.stderr,
        )
        return FAILED
    layout = Layout()
    was_up = running_server(layout) is not None
    failed = background.up(layout, os.environ.copy())
    try:
        served = running_server(layout)
        if failed or served is None:
            return FAILED
        request = RunRequest()
        take_pictures(served, request.dag_id)
        take_trend(served, request.use_case)
        # The run reads more documents than earlier runs, so that it would have to pay something.
        conf = {**request.conf, "documents": 2 * DEFAULT_DOCUMENTS, "ask_before_spending": True}
        take_question(served, request.dag_id, conf, "approve_spending", PICTURES / "approval.png")
        try:
            conf = {"use_case": DEMO, "to": PREVIOUS}
            take_question(served, ROLLBACK_DAG_ID, conf, "approve_rollback", PICTURES / "rollback.png")
        except NotReadyError as error:
            print(f"{error} A rollback needs two champions. Run `make promote-demo` first.", file=sys.stderr)
            return FAILED
    except DistillError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return FAILED
    finally:
        if not was_up:
            stop_server(layout)
    return 0


def take_pictures(served: ServedStack, dag_id: str, folder: Path = PICTURES) -> None:
    """
    Take pictures of the newest run that has a report.

    :raises BrowserError: no run has a report, or a page did not show the expected content.
    """
    run_id = newest_run_with_report(served, dag_id)
    if run_id is None:
        raise BrowserError(f"No run of {dag_id} has a report. No picture was taken. Run `make up` first.")
    ui = served.ports.ui_url
    with open_browser(width=1100, height=1700) as page:
        page.goto(ui)
        for name, value in _graph_settings(dag_id).items():
            page.evaluate("([name, value]) => localStorage.setItem(name, value)", [name, json.dumps(value)])
        page.goto(f"{ui}/dags/{dag_id}/runs/{quote(run_id, safe=':+')}")
        page.locator("[aria-label='Collapse Details Panel'], [title='Collapse Details Panel']").first.click()
        tasks = len(served.api.task_ids(dag_id)) + len(TASK_GROUPS)
        page.wait_for_function(ALL_TASKS_SHOWN, arg=tasks)
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        page.screenshot(path=folder / "graph.png")
    with open_browser(width=1000, height=1500) as page:
        page.goto(f"{ui}/distill/report/{dag_id}/{quote(run_id, safe='')}")
        page.locator("h1").wait_for()
        page.screenshot(path=folder / "report.png")
    print(f"Pictures of run {run_id}: {folder / 'graph.png'}, {folder / 'report.png'}")


def take_trend(served: ServedStack, use_case: str, folder: Path = PICTURES) -> None:
    """
    Take pictures of the overview of all use cases and of the trend of one. Both need nights, as ``make nights`` writes.

    :raises BrowserError: a page did not show the expected content.
    """
    pages = {"overview.png": "overview", "trend.png": f"trend/{use_case}?days={TREND_DAYS}"}
    with open_browser(width=1200, height=1500) as page:
        for name, path in pages.items():
            page.goto(f"{served.ports.ui_url}/distill/{path}")
            page.locator("h1").wait_for()
            if not page.locator("svg").count():
                raise BrowserError(
                    f"/distill/{path} has no chart. No picture of it was taken. Run `make nights` first."
                )
            page.screenshot(path=folder / name)
            print(f"Picture of {path}: {folder / name}")


def take_question(served: ServedStack, dag_id: str, conf: Mapping[str, Any], task_id: str, path: Path) -> None:
    """
    Trigger a run, take a picture of the question that one of its tasks asks, and answer the question with Reject.

    :param task_id: the task that asks.
    :raises NotReadyError: the task did not ask, for example because the run has failed.
    """
    now = datetime.now(UTC)
    run_id = f"picture__{now:%Y%m%dT%H%M%S}"
    wait_for_dag(served, dag_id)
    served.api.unpause(dag_id)
    served.api.trigger(dag_id, run_id, logical_date=now.isoformat(), conf=conf)
    states: dict[str, Any] = {}

    def is_asked() -> bool:
        states.update((task["task_id"], task["state"]) for task in served.api.task_instances(dag_id, run_id))
        return states.get(task_id) == WAITS or served.api.run_state(dag_id, run_id) in FINISHED_RUN_STATES

    wait_until(is_asked, f"the question of {task_id} in {dag_id}", QUESTION_SECONDS)
    if states[task_id] != WAITS:
        raise NotReadyError(
            f"The run {run_id} of {dag_id} ended without a question of {task_id}. No picture was taken."
        )
    with open_browser(width=1100, height=1500) as page:
        page.goto(question_address(served.ports, dag_id, run_id, task_id))
        page.get_by_role("button", name=REJECT).wait_for()
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        page.screenshot(path=path)
    served.api.answer(dag_id, run_id, task_id, REJECT)
    print(f"Picture of the question of {task_id}: {path}. The run {run_id} was rejected.")


def newest_run_with_report(served: ServedStack, dag_id: str) -> str | None:
    """Return the id of the newest successful run whose task ``report`` returned a result."""
    succeeded = [run["dag_run_id"] for run in served.api.runs(dag_id) if run["state"] == "success"]
    return next((run for run in succeeded if served.api.returned(dag_id, run, REPORT_TASK) is not None), None)


def _graph_settings(dag_id: str) -> dict[str, Any]:
    """Return the settings of Airflow's UI that the browser stores: show the graph, top down, with open task groups."""
    return {"default_dag_view": "graph", f"direction-{dag_id}": "DOWN", f"{dag_id}/open-groups": TASK_GROUPS}


if __name__ == "__main__":
    sys.exit(main())
