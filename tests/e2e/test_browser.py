"""What an operator clicks: trigger form, run, the task's link, the report; and back by the list of reports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tools.local_airflow.airflow_api import FINISHED_RUN_STATES, AirflowApi
from tools.local_airflow.browser import Browser, find_chromium, open_browser
from tools.local_airflow.processes import wait_until
from tools.local_airflow.runs import wait_for_dag
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import Layout, RunRequest

DAG_ID = RunRequest().dag_id
RUN_ID = "manual__2026-11-22T02:00:00.5+00:00"  # what Airflow makes of a date: to be quoted in every URL

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Airflow with the DAG in it and no run; its URL."""
    before = dict(os.environ)
    layout = Layout(state=tmp_path_factory.mktemp("browser") / "state")
    with open_session(layout, before, RunRequest(), command="the browser test", schedules="off") as session:
        session.stack.start(fresh_database=True)
        wait_for_dag(session.stack, DAG_ID)
        yield session.stack.ports.ui_url
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def test_from_the_trigger_form_to_the_report(ui: str, browser: Browser) -> None:
    browser.go(f"{ui}/dags/{DAG_ID}")
    browser.click("button", "Trigger")
    for sentence in ("Columns doc, question, answer", "The run refuses to start", "nothing is bought"):
        browser.wait_for(f"document.body.innerText.includes({sentence!r})", f"explanation {sentence!r} in the form")
    browser.replace_text("input[name=element_documents]", "4")
    browser.replace_text("input[name=element_evaluation_rows]", "5")
    browser.click("[role=dialog] button", "Advanced Options")
    browser.replace_text("[role=dialog] input[name=dagRunId]", RUN_ID)
    browser.click("[data-testid=trigger-dag-submit]")
    browser.wait_for("!document.querySelector('[data-testid=trigger-dag-submit]')", "end of the form")

    browser.go("about:blank")  # a page that watches the run takes half the machine from it
    airflow = AirflowApi(ui)
    wait_until(lambda: airflow.run_state(DAG_ID, RUN_ID) in FINISHED_RUN_STATES, "The end of the run", 400)
    assert airflow.run_state(DAG_ID, RUN_ID) == "success"
    browser.go(f"{ui}/dags/{DAG_ID}/runs/{RUN_ID}")
    browser.click("a[href*='/runs/'][href$='/tasks/report']")
    browser.click("a[href$='/tasks/report/details']")
    browser.click("a[href$='/plugin/distill-report']", "Report")
    in_report = "/distill/report/"
    verdict = browser.wait_for("document.querySelector('h1')?.innerText", "verdict", frame=in_report)
    assert "tuned" in verdict
    assert browser.evaluate("window.origin", frame=in_report) == "null"  # it can reach nothing of Airflow's

    browser.go(ui)
    browser.click("button", "Browse")
    browser.click("[role=menuitem]", "Distill reports")
    listed = "document.querySelector('iframe')?.contentDocument?.querySelector('section')"
    entry = browser.wait_for(f"{listed}?.innerText", "entry of the run in the list of reports")
    assert RUN_ID in entry
    browser.evaluate(f"{listed}.querySelector('a').click()")
    assert browser.wait_for("document.querySelector('h1')?.innerText", "report", frame=in_report) == verdict


def test_a_task_that_was_deferred_links_to_what_it_waited_for(ui: str) -> None:
    task = f"{ui}/api/v2/dags/{DAG_ID}/dagRuns/{quote(RUN_ID)}/taskInstances/tuned.trained"
    with urlopen(f"{task}/links", timeout=30) as answer:  # noqa: S310 - our own
        links = json.load(answer)["extra_links"]
    assert ":model-customization-job/" in links["Customization job"]
    assert ":custom-model/" in links["Custom model"]
