"""``make pictures``: photographs a finished run's graph and its report in Airflow's UI, for the README."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from include.distill.core.errors import DistillError
from tools.local_airflow import commands
from tools.local_airflow.browser import BrowserError, find_chromium, open_browser
from tools.local_airflow.outcome import REPORT_TASK
from tools.local_airflow.server import ServedStack, running_server, stop_server
from tools.local_airflow.settings import PROJECT, Layout, RunRequest

PICTURES = PROJECT / "docs" / "pictures"
SETTLE_SECONDS = 3  # the graph glides to its place
_SHOWN_TASKS = "document.querySelectorAll('.react-flow__node').length"


def main() -> int:
    """Bring Airflow up unless it is up, take the pictures, and leave it as it was found; 0 when all went well."""
    if find_chromium() is None:
        print("There is no Chromium on this machine (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    layout = Layout()
    was_up = running_server(layout) is not None
    failed = commands.up(layout, os.environ.copy())
    try:
        served = running_server(layout)
        if failed or served is None:
            return 1
        take_pictures(served, RunRequest().dag_id)
    except DistillError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 1
    finally:
        if not was_up:
            stop_server(layout)
    return 0


def take_pictures(served: ServedStack, dag_id: str, folder: Path = PICTURES) -> None:
    """
    Photograph the newest run that has a report.

    :raises BrowserError: a page did not come to show what is to be photographed, or there is no such run.
    """
    run_id = next((r["dag_run_id"] for r in served.api.runs(dag_id) if _has_report(served, dag_id, r)), None)
    if run_id is None:
        raise BrowserError(f"No run of {dag_id} has a report to photograph.")
    run = f"{served.ports.ui_url}/dags/{dag_id}/runs/{quote(run_id, safe=':+')}"
    with open_browser(width=1100, height=1700) as browser:
        browser.go(served.ports.ui_url)
        browser.wait_for("document.body.innerText.includes('Dags')", "home page")
        groups = ["base", "tuned"]
        for name, value in _graph_settings(dag_id, groups).items():
            browser.evaluate(f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))})")
        browser.go(run)
        browser.click("[aria-label='Collapse Details Panel'], [title='Collapse Details Panel']")
        tasks = len(served.api.task_ids(dag_id)) + len(groups)
        browser.wait_for(f"{_SHOWN_TASKS} >= {tasks}", "graph of all tasks")
        time.sleep(SETTLE_SECONDS)
        browser.picture(folder / "graph.png")
    with open_browser(width=1000, height=1500) as browser:
        browser.go(f"{served.ports.ui_url}/distill/report/{dag_id}/{quote(run_id, safe='')}")
        browser.wait_for("document.querySelector('h1').innerText", "report")
        browser.picture(folder / "report.png")
    print(f"Pictures of run {run_id}: {folder / 'graph.png'}, {folder / 'report.png'}")


def _has_report(served: ServedStack, dag_id: str, run: dict[str, Any]) -> bool:
    return run["state"] == "success" and served.api.returned(dag_id, run["dag_run_id"], REPORT_TASK) is not None


def _graph_settings(dag_id: str, groups: list[str]) -> dict[str, Any]:
    """Return what Airflow's UI keeps in the browser: show the graph, from top to bottom, with open groups."""
    return {"default_dag_view": "graph", f"direction-{dag_id}": "DOWN", f"{dag_id}/open-groups": groups}


if __name__ == "__main__":
    sys.exit(main())
