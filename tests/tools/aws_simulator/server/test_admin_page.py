"""The page of the account shows what exists, escapes every value, and runs and loads nothing."""

from __future__ import annotations

import html
import http.client
import json
import re
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.account.faults import FaultPlan
from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.resources.deployments import Deployments
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.throughput import Throughputs
from tools.aws_simulator.server.admin_page import REQUESTS_SHOWN, ROWS_SHOWN, AdminPage


class Tables(HTMLParser):
    """The rows of each table of the page, by its heading without the number of rows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self._heading, self._open = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open = tag
        if tag == "tr":
            self.rows.setdefault(self._heading, []).append([])
        elif tag in ("th", "td"):
            self.rows[self._heading][-1].append("")

    def handle_data(self, data: str) -> None:
        if self._open == "h2" and data.strip():
            self._heading = data.strip()
        elif self._open in ("th", "td"):
            self.rows[self._heading][-1][-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def get(simulator: RunningSimulator, path: str = "/_admin/") -> tuple[str, Message]:
    answer = request(simulator, path)
    return answer.read().decode(), answer.headers


def request(simulator: RunningSimulator, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(simulator.url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def cells(page: str, heading: str, name: str) -> list[str]:
    """Return the row whose first cell is ``name``."""
    (row,) = (row for row in Tables(page).rows[heading] if row[0] == name)
    return row


def test_the_page_shows_jobs_models_throughputs_and_what_was_billed(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock")
    job = builders.finished_job(simulator, builders.create_job(simulator))
    throughput = builders.provision(simulator, job["outputModelArn"])
    gone = builders.provision(simulator, job["outputModelArn"])
    client.delete_provisioned_model_throughput(provisionedModelId=gone)
    deployment = builders.deploy(simulator, job["outputModelArn"], modelDeploymentName="shown")
    builders.converse(simulator, throughput)
    tokens = builders.converse(simulator, deployment)["usage"]
    batch = builders.finished_batch(simulator, builders.create_batch(simulator))
    shown = client.get_provisioned_model_throughput(provisionedModelId=throughput)
    page, _ = get(simulator)
    assert cells(page, "Customization jobs", job["jobName"])[1:6] == [
        "Completed", "–", builders.STUDENT_BASE, "FINE_TUNING", "us-east-1"
    ]  # fmt: skip
    assert cells(page, "Custom models", job["outputModelName"])[1] == "Active"
    assert cells(page, "Provisioned throughputs", shown["provisionedModelName"])[1:3] == [
        "InService",
        job["outputModelArn"],
    ]
    assert "deleted 2" in page
    row = cells(page, "Custom model deployments", "shown")
    assert row[1:3] == ["Active", job["outputModelArn"]]
    assert row[-3:] == ["1", f"{tokens['inputTokens']:,}", f"{tokens['outputTokens']:,}"]
    assert cells(page, "Batch inference jobs", batch["jobName"])[-2:] == ["100", "100"]
    assert cells(page, "Models that were called", throughput)[1:3] == ["1", "0"]
    assert cells(page, "Models that were called", builders.STUDENT)[1:] == ["100", "0", *_tokens(simulator), "100"]


def test_the_page_shows_the_tokens_of_a_teacher(simulator: RunningSimulator) -> None:
    jobs = [builders.create_job(simulator), builders.create_distillation(simulator)]
    names = [builders.finished_job(simulator, arn)["jobName"] for arn in jobs]
    cost = next(job for job in simulator.ledger["jobs"] if job["name"] == names[1])
    page, _ = get(simulator)
    assert cells(page, "Customization jobs", names[0])[-1] == "–"
    tokens = cost["teacher_input_tokens"] + cost["teacher_output_tokens"]
    assert cells(page, "Customization jobs", names[1])[-2:] == [f"{cost['billed_tokens']:,}", f"{tokens:,}"]


def _tokens(simulator: RunningSimulator) -> list[str]:
    counts = simulator.ledger["by_model"][builders.STUDENT]
    return [f"{counts['input_tokens']:,}", f"{counts['output_tokens']:,}"]


def test_the_page_shows_settings_faults_and_requests(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"latency_ms": 2, "quotas": {builders.TEACHER: {"rpm": 30}}})
    simulator.fail(kind="throttle", operation="ListCustomModels", times=1)
    with builders.refused("ThrottlingException"):
        simulator.boto("bedrock").list_custom_models()
    page, _ = get(simulator)
    assert cells(page, "Settings", "latency_ms")[1:3] == ["2.0", "0.0"]
    assert '"rpm": 30.0' in cells(page, "Settings", "quotas")[1]
    assert cells(page, "Fault plan", "throttle") == ["throttle", "ListCustomModels", "–", "0", "1", "–", "1", "1"]
    assert Tables(page).rows["Last requests"][1][2:] == ["ListCustomModels", "ThrottlingException", "throttle"]


def test_a_failed_job_shows_its_reason(simulator: RunningSimulator) -> None:
    simulator.fail(kind="job_failed", times=1)
    job = builders.finished_job(simulator, builders.create_job(simulator))
    row = cells(get(simulator)[0], "Customization jobs", job["jobName"])
    assert row[1:3] == ["Failed", job["failureMessage"]]


def test_evaluation_jobs_have_a_table(simulator: RunningSimulator) -> None:
    job = builders.finished_evaluation(simulator, builders.create_evaluation(simulator))
    simulator.fail(kind="evaluation_failed", times=1)
    failed = builders.finished_evaluation(simulator, builders.create_evaluation(simulator))
    page, _ = get(simulator)
    row = cells(page, "Evaluation jobs", job["jobName"])
    assert (row[1:5], row[-2:]) == (["Completed", "–", "Automated", "us-east-1"], ["1", "1"])
    assert cells(page, "Evaluation jobs", failed["jobName"])[1:3] == ["Failed", failed["failureMessages"][0]]


def test_prompt_optimization_jobs_have_a_table(simulator: RunningSimulator) -> None:
    arn = builders.create_optimization(simulator)
    job = builders.finished_optimization(simulator, arn)
    simulator.fail(kind="optimization_failed", times=1)
    failed = builders.finished_optimization(simulator, builders.create_optimization(simulator))
    page, _ = get(simulator)
    row = cells(page, "Prompt optimization jobs", job["jobName"])
    (entry,) = (entry for entry in simulator.ledger["optimization_jobs"] if entry["arn"] == arn)
    billed = sum(use["input_tokens"] + use["output_tokens"] for use in entry["billed_use"])
    assert row[1:5] == ["Completed", "–", builders.OPTIMIZED, "us-east-1"]
    assert row[-2:] == ["1", f"{billed:,}"]
    assert cells(page, "Prompt optimization jobs", failed["jobName"])[1:3] == ["Failed", failed["failureMessage"]]


def test_a_value_is_never_markup(simulator: RunningSimulator) -> None:
    hostile = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"
    simulator.fail(kind="throttle", match=hostile)
    page, headers = get(simulator)
    assert html.escape(hostile) in page.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    assert not {"script", "img", "link", "iframe", "form", "a"} & Tables(page).tags
    assert re.findall(r"(?:src|href|url\()\S*", page.replace(html.escape(hostile), "")) == []
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-simulated"] == "true"


def test_the_address_without_a_slash_leads_to_the_page(simulator: RunningSimulator) -> None:
    answer = request(simulator, "/_admin")
    assert (answer.status, answer.headers["location"]) == (307, "/_admin/")


@pytest.mark.parametrize("path", ["/_admin", "/_admin/"])
def test_the_page_is_refused_to_a_page_of_another_site(simulator: RunningSimulator, path: str) -> None:
    assert request(simulator, path, Origin="http://evil.example").status == 403
    assert request(simulator, path, Host="evil.example").status == 403


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "bedrock.sqlite")
    yield state
    state.close()


def rendered(state: State) -> str:
    settings = SettingsStore(state)
    models = FoundationModels(load_catalog(), settings)
    throughputs, deployments = Throughputs(state, settings, models), Deployments(state, settings, models)
    return AdminPage(state, settings, Ledger(state), FaultPlan(state), throughputs, deployments).render()


def add(state: State, kind: str, name: str, body: dict[str, str]) -> None:
    state.execute(
        "INSERT INTO resources (kind, arn, region, name, created, body) VALUES (?, ?, ?, ?, ?, ?)",
        [kind, f"arn:aws:{name}", "eu-west-1", name, 0.0, json.dumps(body)],
    )


def test_an_empty_account_says_what_it_does_not_have(state: State) -> None:
    page = rendered(state)
    assert page.count('class="empty"') == 11
    assert "No Region has Bedrock resources." in page


def test_only_the_newest_rows_are_shown_and_the_others_are_counted(state: State) -> None:
    ledger = Ledger(state)
    for number in range(REQUESTS_SHOWN + 1):
        ledger.record_request(f"Request{number}", "200", None)
    for number in range(ROWS_SHOWN + 1):
        add(state, "custom_model", f"m{number}", {"baseModelId": "base", "jobName": "job", "jobArn": "arn"})
    page = rendered(state)
    tables = Tables(page).rows
    assert [row[2] for row in tables["Last requests"][1:]] == [f"Request{n}" for n in range(REQUESTS_SHOWN, 0, -1)]
    assert [row[0] for row in tables["Custom models"][1:]] == [f"m{n}" for n in range(ROWS_SHOWN, 0, -1)]
    assert f"Only the newest {ROWS_SHOWN} of {ROWS_SHOWN + 1} are shown." in page


def test_resources_of_other_kinds_are_listed(state: State) -> None:
    add(state, "model_import", "imported", {})
    page = rendered(state)
    row = ["model import", "imported", "arn:aws:imported", "eu-west-1", "1970-01-01 00:00:00"]
    assert cells(page, "Other resources", "model import") == row
    assert "Regions with resources: eu-west-1." in page
