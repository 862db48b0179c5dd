"""What an operator clicks: the trigger form, the run, the link of a task, the report, and the list of reports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote, unquote

import httpx
import pytest
from playwright.sync_api import expect

from bedrock_distill.params.distill import trigger_params
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from tests.fakes.variables import VARIABLES
from tools.local_airflow.airflow_api import FINISHED_RUN_STATES, AirflowApi
from tools.local_airflow.browser import PATIENCE_SECONDS, find_chromium, open_browser
from tools.local_airflow.processes import wait_until
from tools.local_airflow.runs import wait_for_dag
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import Layout, RunRequest

DAG_ID = RunRequest().dag_id
FORM = trigger_params(load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES))
RUN_ID = "manual__2026-11-22T02:00:00.5+00:00"  # Airflow makes such ids from dates; they must be quoted in URLs

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start an Airflow that has the DAG and no run; yield its URL."""
    before = dict(os.environ)
    layout = Layout(state=tmp_path_factory.mktemp("browser") / "state")
    with open_session(layout, before, input_roots=[], command="the browser test", schedules="off") as session:
        session.stack.start(fresh_database=True)
        wait_for_dag(session.stack, DAG_ID)
        yield session.stack.ports.ui_url
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def finished_run(ui: str) -> str:
    """Trigger a run with the form and wait until it has succeeded; return the URL of its page."""
    with open_browser() as page:
        page.goto(f"{ui}/dags/{DAG_ID}")
        page.get_by_role("button", name="Trigger").first.click()
        form = page.get_by_role("dialog")
        for field in ("training_csv", "max_spend_usd", "dry_run"):
            form.get_by_text(str(FORM[field].description).partition(". ")[0]).first.wait_for()
        form.locator("input[name=element_documents]").fill("4")
        form.locator("input[name=element_evaluation_rows]").fill("5")
        form.get_by_role("button", name="Advanced Options").click()
        form.locator("input[name=dagRunId]").fill(RUN_ID)
        form.get_by_test_id("trigger-dag-submit").click()
        form.wait_for(state="hidden")
    airflow = AirflowApi(ui)  # an open page that watches the run would take half of the machine
    wait_until(lambda: airflow.run_state(DAG_ID, RUN_ID) in FINISHED_RUN_STATES, "the end of the run", 400)
    assert airflow.run_state(DAG_ID, RUN_ID) == "success"
    return f"{ui}/dags/{DAG_ID}/runs/{RUN_ID}"


def test_the_form_refuses_a_negative_number_instead_of_replacing_it(ui: str) -> None:
    with open_browser() as page:
        page.goto(f"{ui}/dags/{DAG_ID}")
        page.get_by_role("button", name="Trigger").first.click()
        form = page.get_by_role("dialog")
        form.locator("input[name=element_documents]").fill("-5")
        form.locator("input[name=element_evaluation_rows]").fill("5")
        expect(form.locator("input[name=element_documents]")).to_have_value("-5")
        form.get_by_test_id("trigger-dag-submit").click()
        expect(form).to_contain_text("Documents: a whole number from 1 to 1,000,000")


def test_the_report_task_and_the_list_of_reports_show_the_same_report(ui: str, finished_run: str) -> None:
    with open_browser() as page:
        page.goto(finished_run)
        page.locator("a[href*='/runs/'][href$='/tasks/report']").first.click()
        page.locator("a[href$='/tasks/report/details']").first.click()
        page.locator("a[href$='/plugin/distill-report']", has_text="Report").first.click()
        report = page.frame_locator("iframe[src*='/distill/report/']")
        verdict = report.locator("h1").inner_text()
        assert "tuned" in verdict
        frame = next(frame for frame in page.frames if "/distill/report/" in frame.url)
        assert frame.evaluate("window.origin") == "null"  # the report can reach nothing of Airflow's

        page.goto(ui)
        page.get_by_role("button", name="Browse").click()
        page.get_by_role("menuitem", name="Distill reports").click()
        reports = page.frame_locator("iframe").locator("section").first
        expect(reports).to_contain_text(RUN_ID)
        reports.locator("a").first.click()
        expect(page.frame_locator("iframe").locator("h1")).to_have_text(verdict, use_inner_text=True)


def test_a_deferred_task_links_to_what_it_waited_for(ui: str, finished_run: str) -> None:
    task = f"{ui}/api/v2/dags/{DAG_ID}/dagRuns/{quote(RUN_ID)}/taskInstances/tuned.trained"
    links = httpx.get(f"{task}/links", timeout=30, trust_env=False).json()["extra_links"]
    assert ":model-customization-job/" in unquote(links["Customization job"])
    assert ":custom-model/" in unquote(links["Custom model"])


def test_a_link_of_a_task_opens_the_resource_in_the_simulator(ui: str, finished_run: str) -> None:
    with open_browser() as page:
        page.goto(f"{finished_run}/tasks/tuned.trained/details")
        page.locator("a[href*='/distill/resource/']", has_text="Customization job").first.click()
        page.wait_for_url(lambda url: "/_admin/ledger#" in url)
        expect(page.locator("body")).to_contain_text('"simulated":true')
        links = f"{ui}/api/v2/dags/{DAG_ID}/dagRuns/{quote(RUN_ID)}/taskInstances/tuned.upload/links"
        path = page.request.get(links).json()["extra_links"]["Training data"]
        assert "bedrock-conversation-2024" in page.request.get(f"{ui}{path}").text()
