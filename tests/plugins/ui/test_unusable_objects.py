"""Test what the pages show if a stored object is damaged, or if a newer version wrote it."""

from __future__ import annotations

import csv
import html
import io
import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from bedrock_distill.ui import overview_pages
from include.distill.config.budgets import Budget
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.naming import run_key
from include.distill.core.storage import write_json
from include.distill.trend.overview import BilledEndpoint
from tests.distill.trend.example_nights import entry
from tests.distill.trend.test_overview import CHAMPION
from tests.fakes.memory_store import MemoryStore
from tests.plugins.ui.test_overview_pages import NOW, limit_owners, read, record
from tests.plugins.ui.test_report_pages import RUN_ID, url_of, write_report

NEWER = b'{"format": 99, "version": "9.0.0", "runs": []}'
INTERNAL = "arn:aws:sts::123456789012:assumed-role/distill/worker may not s3:ListBucket"


@pytest.fixture(autouse=True)
def limited(use_case: UseCase, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> UseCase:
    """Return the use case with a budget and a standing endpoint, a run in October and one in November."""
    limited = use_case.model_copy(update={"budget": Budget(month_usd=100)})
    billed = {use_case.name: [BilledEndpoint("standing-1", NOW, 24.0, is_standing=True)]}
    monkeypatch.setattr(overview_pages, "load_use_cases", lambda: UseCases((limited,), ()))
    monkeypatch.setattr(overview_pages, "store_for", lambda _: objects)
    monkeypatch.setattr(overview_pages, "billed_now", lambda _: billed)
    monkeypatch.setattr(overview_pages, "utc_now", lambda: NOW)
    for number in (-5, 3):
        record(objects, use_case, entry(number))
    write_json(objects, Layout(use_case.storage).champion(use_case.name), CHAMPION.model_dump(mode="json"))
    return limited


def month_of(use_case: UseCase, month: str) -> str:
    return f"{Layout(use_case.storage).roots[0]}/history/{use_case.name}/{month}.json"


@pytest.fixture
def damaged_november(objects: MemoryStore, use_case: UseCase, limited: UseCase) -> None:
    objects.objects[month_of(use_case, "2026-11")] = b"{"


class TestOverview:
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"runs": [{}]}', NEWER])
    def test_the_card_stays_with_what_is_known(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, body: bytes
    ) -> None:
        objects.objects[month_of(use_case, "2026-11")] = body
        shown = read(viewer, "/overview")
        assert "history/aws_docs_qa/2026-11.json" in shown
        assert "Try again later" not in shown
        assert "tuned is better than base" in shown, "October is known"
        assert "<dt>last known run, 27 Oct 2026</dt><dd>$7.50</dd>" in shown
        assert "age of the champion, tuned" in shown
        assert "<dt>billed per hour now</dt><dd>$24.00</dd>" in shown
        assert "of $100.00 this month</dt><dd>not known</dd>" in shown
        assert "<dt>spent this month</dt><dd>not known</dd>" in shown
        assert 'class="meter' not in shown

    def test_a_damaged_month_before_this_one_leaves_the_budget_known(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        objects.objects[month_of(use_case, "2026-10")] = b"{"
        shown = read(viewer, "/overview")
        assert "history/aws_docs_qa/2026-10.json is damaged" in shown
        assert "<dt>spent this month</dt><dd>$7.50</dd>" in shown

    def test_without_any_month_no_run_is_not_claimed(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        for month in ("2026-10", "2026-11"):
            objects.objects[month_of(use_case, month)] = b"{"
        shown = read(viewer, "/overview")
        assert "No verdict is known" in shown
        assert "No run yet" not in shown
        assert "<dt>last run</dt><dd>not known</dd>" in shown

    def test_a_damaged_champion_hides_no_run(self, viewer: TestClient, objects: MemoryStore, use_case: UseCase) -> None:
        objects.objects[Layout(use_case.storage).champion(use_case.name)] = b"{"
        shown = read(viewer, "/overview")
        assert "The champion is not known. The error is ContractError. Trying again does not help." in shown
        assert "<dt>champion</dt><dd>not known</dd>" in shown
        assert "tuned is better than base" in shown

    def test_a_history_that_may_not_be_read_hides_neither_champion_nor_endpoints(
        self, viewer: TestClient, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> list[str]:
            raise RefusedError(INTERNAL)

        monkeypatch.setattr(objects, "list", refuse)
        shown = read(viewer, "/overview")
        assert "The runs are not known. The error is RefusedError. Trying again does not help." in shown
        assert "age of the champion, tuned" in shown
        assert "<dt>billed per hour now</dt><dd>$24.00</dd>" in shown
        assert "123456789012" not in shown

    @pytest.mark.usefixtures("damaged_november")
    def test_the_budget_of_an_owner_says_that_it_does_not_know_all_runs(
        self, viewer: TestClient, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_owners(monkeypatch, {use_case.owner: 10})
        assert "<dd>$0.00 or more of $10.00 spent, $10.00 or less left" in read(viewer, "/overview")

    def test_the_log_has_what_the_page_does_not_say(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, caplog: pytest.LogCaptureFixture
    ) -> None:
        uri = month_of(use_case, "2026-11")
        objects.objects[uri] = b"{"
        with caplog.at_level(logging.ERROR):
            shown = read(viewer, "/overview")
        reference = shown.split("search the API server's log for ")[1][:8]
        (line,) = [line for line in caplog.messages if reference in line]
        assert f"{uri} is not JSON" in line
        assert "Download the object and correct it." in line
        assert uri not in shown


class TestTrend:
    @pytest.mark.usefixtures("damaged_november")
    def test_the_page_shows_the_other_months_and_names_the_object(self, viewer: TestClient) -> None:
        shown = read(viewer, "/trend/aws_docs_qa?days=90")
        assert "history/aws_docs_qa/2026-11.json is damaged" in shown
        assert "27 Oct 2026" in shown
        assert "4 Nov 2026" not in shown

    @pytest.mark.usefixtures("damaged_november")
    def test_a_page_without_any_readable_month_does_not_say_that_there_was_no_run(self, viewer: TestClient) -> None:
        shown = read(viewer, "/trend/aws_docs_qa?days=5")
        assert "No run of the last 5 days can be shown." in shown
        assert "was recorded" not in shown

    def test_the_csv_has_a_row_for_the_month(self, viewer: TestClient, objects: MemoryStore, use_case: UseCase) -> None:
        objects.objects[month_of(use_case, "2026-11")] = NEWER
        body = viewer.get("/trend/aws_docs_qa.csv?days=90").content.decode("utf-8-sig")
        october, november = csv.DictReader(io.StringIO(body))
        assert (october["spent_usd"], october["problem"]) == ("7.5", "")
        assert (november["started_at"], november["state"], november["spent_usd"]) == ("2026-11", "not known", "")
        assert november["problem"].startswith("history/aws_docs_qa/2026-11.json was written by a newer version")

    def test_the_csv_has_no_column_for_problems_without_a_problem(self, viewer: TestClient) -> None:
        assert "problem" not in viewer.get("/trend/aws_docs_qa.csv").text


class TestReport:
    @pytest.fixture(autouse=True)
    def no_runs_in_airflow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bedrock_distill.ui.report_pages.read_run", lambda *_: None)

    @pytest.mark.usefixtures("damaged_november")
    def test_a_record_in_another_month_is_still_found(self, viewer: TestClient, use_case: UseCase) -> None:
        assert "This run has succeeded" in read(viewer, url_of(use_case.dag_id, entry(-5)["run_id"]))

    @pytest.mark.usefixtures("damaged_november")
    def test_a_run_that_may_be_in_the_damaged_month_is_not_said_to_be_missing(
        self, viewer: TestClient, use_case: UseCase
    ) -> None:
        answer = viewer.get(url_of(use_case.dag_id, entry(3)["run_id"]))
        assert answer.status_code == 500
        assert "<h1>A stored object cannot be used</h1>" in answer.text
        assert "history/aws_docs_qa/2026-11.json is damaged" in answer.text

    def test_a_damaged_report_is_not_an_outage_of_s3(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        folder = RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(use_case.dag_id, RUN_ID)))
        identity: dict[str, Any] = {"use_case": use_case.name, "dag_id": use_case.dag_id, "run_id": RUN_ID}
        write_json(objects, folder.report("json"), identity)  # everything else is missing
        name = f"{use_case.dag_id}/{RUN_ID}".replace("+", "%2B")
        answer = viewer.get(f"/compare?left={name}&right={name}")
        assert answer.status_code == 500
        assert "<h1>A stored object cannot be used</h1>" in answer.text
        assert "Trying again does not help." in html.unescape(answer.text)
        assert "s3://" not in answer.text

    def test_a_comparison_without_runs_is_refused_on_a_page(self, viewer: TestClient) -> None:
        answer = viewer.get("/compare")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "left: Field required. right: Field required." in answer.text
