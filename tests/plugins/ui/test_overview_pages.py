"""Test the overview and the trend with Airflow's login, Airflow's tables, and S3 in memory."""

from __future__ import annotations

import csv
import datetime
import html
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from airflow.api_fastapi.app import _AuthManagerState
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from starlette.testclient import TestClient

from bedrock_distill.ui import overview_pages, owner_budgets, report_pages
from include.distill.config.budgets import Budget, OwnerBudgets
from include.distill.config.layout import Layout
from include.distill.config.loader import UseCases
from include.distill.config.root_owner import claim_root
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError, UseCaseError
from include.distill.core.storage import write_json
from include.distill.history.months import update_run
from include.distill.trend.overview import BilledEndpoint
from tests.distill.trend.example_nights import begun, entry
from tests.distill.trend.test_overview import CHAMPION
from tests.fakes.memory_store import MemoryStore
from tests.plugins.ui.airflow_rows import add_run, ask, clear_tables
from tests.plugins.ui.login import OneDagOnly, create_tables, log_in

NOW = datetime.datetime(2026, 11, 27, 8, tzinfo=datetime.UTC)
INTERNAL = "arn:aws:sts::123456789012:assumed-role/distill/worker may not s3:GetObject"
PAGES = ["/overview", "/trend/aws_docs_qa", "/trend/aws_docs_qa.csv"]


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleAuthManager]:
    create_tables()
    clear_tables()
    manager = OneDagOnly()
    monkeypatch.setattr(_AuthManagerState, "instance", manager)
    yield manager
    clear_tables()


@pytest.fixture
def viewer(auth: SimpleAuthManager) -> Iterator[TestClient]:
    with log_in(auth) as client:
        yield client


@pytest.fixture
def objects(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """The object store of two use cases. Users may read only the first one."""
    store = MemoryStore()
    both = UseCases((use_case, use_case.model_copy(update={"name": "payroll"})), ())
    for pages in (overview_pages, report_pages):
        monkeypatch.setattr(pages, "load_use_cases", lambda: both)
        monkeypatch.setattr(pages, "store_for", lambda _: store)
    monkeypatch.setattr(overview_pages, "billed_now", lambda use_cases: {one.name: [] for one in use_cases})
    monkeypatch.setattr(overview_pages, "utc_now", lambda: NOW)
    return store


def record(store: MemoryStore, use_case: UseCase, run: Any) -> None:
    """Store a run as the tasks do."""
    own = {**run, "use_case": use_case.name, "dag_id": use_case.dag_id}
    started = datetime.datetime.fromisoformat(run["started_at"])
    root = Layout(use_case.storage).roots[0]
    update_run(store, root, use_case.name, run["run_key"], started, lambda _: own)


def limit_owners(monkeypatch: pytest.MonkeyPatch, dollars: Mapping[str, float]) -> None:
    """Give owners a monthly budget."""
    limits = OwnerBudgets.model_validate({"owners": {owner: {"month_usd": usd} for owner, usd in dollars.items()}})
    monkeypatch.setattr(owner_budgets, "load_owner_budgets", lambda: limits)


def read(client: TestClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return html.unescape(answer.text)


class TestWhoMaySee:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_request_without_a_login_is_refused(
        self, auth: Any, objects: MemoryStore, use_case: UseCase, page: str
    ) -> None:
        record(objects, use_case, entry())
        answer = TestClient(report_pages.app).get(page)
        assert answer.status_code == 401
        assert "aws_docs_qa" not in answer.text

    def test_a_use_case_whose_dag_the_user_may_not_read_is_not_shown(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        record(objects, use_case, entry())
        record(objects, use_case.model_copy(update={"name": "payroll"}), entry())
        shown = read(viewer, "/overview")
        assert "aws_docs_qa" in shown
        assert "payroll" not in shown

    def test_a_trend_that_the_user_may_not_read_looks_like_one_that_does_not_exist(
        self, viewer: TestClient, objects: MemoryStore
    ) -> None:
        for ending in ("", ".csv"):
            forbidden, missing = (viewer.get(f"/trend/{name}{ending}") for name in ("payroll", "nothing"))
            assert (forbidden.status_code, missing.status_code) == (404, 404)
            assert forbidden.text.replace("payroll", "nothing") == missing.text

    def test_a_user_without_a_role_sees_no_use_case(self, auth: Any, objects: MemoryStore, use_case: UseCase) -> None:
        record(objects, use_case, entry())
        client = log_in(auth, role=None)
        assert "aws_docs_qa" not in client.get("/overview").text
        assert client.get("/trend/aws_docs_qa").status_code == 404

    @pytest.mark.parametrize("ending", ["", ".csv"])
    def test_the_nights_of_another_environment_are_not_shown(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, ending: str
    ) -> None:
        record(objects, use_case, entry())
        claim_root(objects, Layout(use_case.storage).roots[0], "prod")
        assert viewer.get(f"/trend/aws_docs_qa{ending}").status_code == 404
        answer = viewer.get("/overview")
        assert answer.status_code == 503
        assert "another environment" in answer.text
        assert "tuned is better" not in answer.text


class TestOverview:
    def test_runs_champion_question_and_endpoint_come_together(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(objects, use_case, entry(0))
        record(objects, use_case, begun(1, run_id="scheduled__2026-11-27T02:00:00+00:00"))
        write_json(objects, Layout(use_case.storage).champion(use_case.name), CHAMPION.model_dump(mode="json"))
        run_id = "scheduled__2026-11-27T02:00:00+00:00"
        ask(use_case.dag_id, run_id, "approve", version=add_run(use_case.dag_id, run_id))
        billed = {use_case.name: [BilledEndpoint("standing-1", NOW, 24.0, is_standing=True)]}
        monkeypatch.setattr(overview_pages, "billed_now", lambda _: billed)
        shown = read(viewer, "/overview")
        assert "tuned is better than base" in shown
        assert "age of the champion, tuned" in shown
        assert f"/dags/{use_case.dag_id}/runs/scheduled__2026-11-27T02%3A00%3A00%2B00%3A00/tasks/approve/" in shown
        assert "Running now: <a" in shown
        assert "standing-1" in shown
        assert "$9.00 reserved" in shown

    def test_the_month_counts_bills_and_the_hours_of_the_standing_endpoint_against_the_budget(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(objects, use_case, entry(0))
        record(objects, use_case, entry(-5))  # in October
        limited = use_case.model_copy(update={"budget": Budget(month_usd=100)})
        monkeypatch.setattr(overview_pages, "load_use_cases", lambda: UseCases((limited,), ()))
        long_ago, an_hour_ago = NOW - datetime.timedelta(days=90), NOW - datetime.timedelta(hours=1)
        endpoints = [
            BilledEndpoint("old", long_ago, 0.1, is_standing=True),
            BilledEndpoint("new", an_hour_ago, 2.0, is_standing=True),
            BilledEndpoint("run", an_hour_ago, 50.0, is_standing=False),  # the bill of its run contains it
            BilledEndpoint("unknown", an_hour_ago, None, is_standing=True),
        ]
        monkeypatch.setattr(overview_pages, "billed_now", lambda _: {use_case.name: endpoints})
        hours = 26 * 24 + 8
        assert f"<dd>${7.5 + 0.1 * hours + 2.0:.2f} or more</dd>" in read(viewer, "/overview")
        assert "of $100.00 this month" in read(viewer, "/overview")

    def test_example_nights_do_not_count_in_a_budget(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(objects, use_case, entry(0, example=True, simulated=True))
        record(objects, use_case, entry(1, spent_usd=2.0))
        assert "<dd>$9.50</dd>" in read(viewer, "/overview"), "without a budget, the month shows the examples, too"
        limited = use_case.model_copy(update={"budget": Budget(month_usd=100)})
        monkeypatch.setattr(overview_pages, "load_use_cases", lambda: UseCases((limited,), ()))
        shown = read(viewer, "/overview")
        assert "of $100.00 this month" in shown
        assert '<span class="meter"><span style="width: 2.0%"></span></span></dt><dd>$2.00</dd>' in shown

    def test_the_budget_of_an_owner_counts_what_the_user_may_read(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_owners(monkeypatch, {"ml-platform": 10, "nobody": 5})
        own = {"owner": use_case.owner}
        for run in (
            entry(0, **own),
            entry(-5, **own),
            begun(1, estimated_usd=1.0, **own),
            entry(2, example=True, **own),
            entry(3, owner="the owner before"),
        ):
            record(objects, use_case, run)
        record(objects, use_case.model_copy(update={"name": "payroll"}), entry(4))
        shown = read(viewer, "/overview")
        assert use_case.owner == "ml-platform"
        assert "Budgets of owners, 2026-11 (UTC)" in shown
        assert "<dd>$7.50 of $10.00 spent, $1.00 reserved, $1.50 or less left" in shown
        assert '<span class="meter much"><span style="width: 85.0%">' in shown
        assert "<small>aws_docs_qa. Not counted here: 1 other use case of this owner" in shown
        assert "nobody" not in shown

    def test_the_budget_of_an_owner_counts_standing_endpoints(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit_owners(monkeypatch, {use_case.owner: 10})
        an_hour_ago = NOW - datetime.timedelta(hours=1)
        endpoints = [BilledEndpoint("champion", an_hour_ago, 12.0, is_standing=True)]
        monkeypatch.setattr(overview_pages, "billed_now", lambda _: {use_case.name: endpoints})
        assert "<dd>$12.00 of $10.00 spent, $0.00 or less left" in read(viewer, "/overview")
        monkeypatch.setattr(overview_pages, "billed_now", lambda _: {use_case.name: None})
        assert "<dd>$0.00 or more of $10.00 spent, $10.00 or less left" in read(viewer, "/overview")

    def test_budgets_that_cannot_be_read_hide_nothing_else(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> OwnerBudgets:
            raise UseCaseError(INTERNAL)

        record(objects, use_case, entry())
        monkeypatch.setattr(owner_budgets, "load_owner_budgets", fail)
        shown = read(viewer, "/overview")
        assert "The budgets of owners cannot be shown. The error is UseCaseError." in shown
        assert "tuned is better than base" in shown
        assert "123456789012" not in shown

    def test_a_run_that_airflow_does_not_know_is_lost(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        record(objects, use_case, begun())
        assert "The last run did not end." in read(viewer, "/overview")

    def test_a_rollback_question_is_shown_only_to_those_who_may_read_the_rollbacks(
        self, viewer: TestClient, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = add_run("distill_rollback", "r", conf={"use_case": "aws_docs_qa"})
        ask("distill_rollback", "r", "approve_rollback", version=version)
        assert "approve_rollback" not in read(viewer, "/overview")
        allowed = ("distill_rollback", "distill_aws_docs_qa")
        monkeypatch.setattr(overview_pages, "may_read", lambda dag_id, *_: dag_id in allowed)
        assert "approve_rollback" in read(viewer, "/overview")

    def test_a_bucket_that_does_not_exist_yet_has_no_runs(
        self, viewer: TestClient, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(_: str) -> list[str]:
            raise NotFoundError("no bucket")

        monkeypatch.setattr(objects, "list", missing)
        assert "No run yet" in read(viewer, "/overview")

    def test_a_use_case_that_cannot_be_read_does_not_hide_the_others(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(objects, use_case, entry())

        def store_for(wanted: UseCase) -> MemoryStore:
            if wanted.name == "payroll":
                raise ValueError(INTERNAL)
            return objects

        monkeypatch.setattr(overview_pages, "store_for", store_for)
        monkeypatch.setattr(overview_pages, "may_read", lambda *_: True)
        shown = read(viewer, "/overview")
        assert "tuned is better than base" in shown
        assert "payroll cannot be shown. The error is ValueError." in shown
        assert "123456789012" not in shown

    def test_without_the_database_of_airflow_the_rest_is_shown(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: Any) -> None:
            raise RuntimeError(INTERNAL)

        record(objects, use_case, begun())
        monkeypatch.setattr(overview_pages, "read_airflow", fail)
        shown = read(viewer, "/overview")
        assert "It is not known what waits for a person." in shown
        assert "did not end" not in shown
        assert "123456789012" not in shown
        assert viewer.get("/trend/aws_docs_qa").status_code == 200


class TestTrend:
    def test_only_the_wanted_days_are_shown(self, viewer: TestClient, objects: MemoryStore, use_case: UseCase) -> None:
        for number in (0, 25):
            record(objects, use_case, entry(number))
        assert "1 Nov 2026" in read(viewer, "/trend/aws_docs_qa?days=30")
        shown = read(viewer, "/trend/aws_docs_qa?days=7")
        assert "26 Nov 2026" in shown
        assert "1 Nov 2026" not in shown

    @pytest.mark.parametrize("ending", ["", ".csv"])
    @pytest.mark.parametrize("days", ["0", "-1", "x", "99999"])
    def test_other_numbers_of_days_are_refused_on_a_page(
        self, viewer: TestClient, objects: MemoryStore, days: str, ending: str
    ) -> None:
        answer = viewer.get(f"/trend/aws_docs_qa{ending}?days={days}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>The address of this page is not valid</h1>" in answer.text
        assert "days: Input should be" in answer.text

    def test_a_use_case_that_does_not_exist_is_not_called_a_report(
        self, viewer: TestClient, objects: MemoryStore
    ) -> None:
        assert "<h1>There is no such use case</h1>" in viewer.get("/trend/nothing").text

    @pytest.mark.parametrize(("hour", "oldest"), [(1, 29), (4, 30), (23, 30)])
    def test_thirty_days_are_thirty_nights_at_any_time_of_the_day(
        self,
        viewer: TestClient,
        objects: MemoryStore,
        use_case: UseCase,
        monkeypatch: pytest.MonkeyPatch,
        hour: int,
        oldest: int,
    ) -> None:
        now = datetime.datetime(2026, 11, 28, hour, tzinfo=datetime.UTC)
        for number in range(-9, 28):  # every night at 2:00, from 23 October
            if entry(number)["started_at"] <= now.isoformat():
                record(objects, use_case, entry(number))
        monkeypatch.setattr(overview_pages, "utc_now", lambda: now)
        rows = list(csv.DictReader(io.StringIO(viewer.get("/trend/aws_docs_qa.csv").content.decode("utf-8-sig"))))
        assert len(rows) == 30
        assert rows[0]["started_at"] == f"2026-10-{oldest}T02:00:00+00:00"

    def test_links_between_the_pages_lead_to_pages(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        record(objects, use_case, entry())
        assert 'href="trend/aws_docs_qa"' in read(viewer, "/overview")
        assert 'href="../overview"' in read(viewer, "/trend/aws_docs_qa")
        assert 'href="aws_docs_qa.csv?days=30"' in read(viewer, "/trend/aws_docs_qa")

    def test_the_nights_can_be_downloaded(self, viewer: TestClient, objects: MemoryStore, use_case: UseCase) -> None:
        record(objects, use_case, entry(0))
        answer = viewer.get("/trend/aws_docs_qa.csv?days=30")
        (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert row["spent_usd"] == "7.5"
        assert answer.headers["content-disposition"] == 'attachment; filename="aws_docs_qa.csv"'
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("page", PAGES[1:])
    def test_a_message_of_aws_is_not_shown(
        self, viewer: TestClient, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch, page: str
    ) -> None:
        def refuse(_: str) -> None:
            raise RefusedError(INTERNAL)

        monkeypatch.setattr(objects, "list", refuse)
        answer = viewer.get(page)
        assert answer.status_code == 503
        assert "123456789012" not in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_forbids_scripts_sniffing_and_referrers(viewer: TestClient, objects: MemoryStore, page: str) -> None:
    headers = viewer.get(page).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "allow-scripts" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_the_entries_in_the_navigation_of_airflow_lead_to_pages(viewer: TestClient, objects: MemoryStore) -> None:
    from bedrock_distill_plugin import VIEWS

    entries = {view["name"]: view["href"] for view in VIEWS if view["destination"] == "nav"}
    assert list(entries) == ["Distill", "Distill reports"]
    for address in entries.values():
        assert viewer.get(address.removeprefix("/distill")).status_code == 200
