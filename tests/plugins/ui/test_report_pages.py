"""Test the plugin's pages with Airflow's login, and with S3 in memory."""

from __future__ import annotations

import datetime
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from airflow.api_fastapi.app import _AuthManagerState
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from starlette.testclient import TestClient

from bedrock_distill.ui import overview_pages, report_pages, served_pages
from bedrock_distill.ui.stored_run import Instance, StoredRun
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.loader import UseCases
from include.distill.config.root_owner import claim_root
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.naming import run_key
from include.distill.core.storage import write_json
from include.distill.history.months import update_run
from include.distill.report.build import build_report
from include.distill.report.past_runs import list_entry
from tests.distill.report.example_report import inputs
from tests.distill.trend.example_nights import entry
from tests.docs.pages import names, page, rows, section
from tests.fakes.memory_store import MemoryStore
from tests.plugins.ui.login import OneDagOnly, create_tables, log_in

RUN_ID = "manual__2026-11-22T02:00:00.5+00:00"
STORED = "<!doctype html><title>as – stored</title><script>alert(1)</script>".encode()


@pytest.fixture(scope="module")
def database() -> None:
    create_tables()


@pytest.fixture
def auth(database: None, monkeypatch: pytest.MonkeyPatch) -> SimpleAuthManager:
    manager = OneDagOnly()
    monkeypatch.setattr(_AuthManagerState, "instance", manager)
    return manager


@pytest.fixture
def objects(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """The object store of two use cases. Users may read only the first use case."""
    other = use_case.model_copy(update={"name": "payroll"})
    store = MemoryStore()
    for pages in (report_pages, overview_pages):
        monkeypatch.setattr(pages, "store_for", lambda _: store)
        monkeypatch.setattr(pages, "load_use_cases", lambda: UseCases((use_case, other), ()))
    return store


@pytest.fixture
def viewer(auth: SimpleAuthManager) -> Iterator[TestClient]:
    with log_in(auth) as client:
        yield client


def url_of(dag_id: str, run_id: str) -> str:
    return f"/report/{dag_id}/{quote(run_id, safe='')}"


def write_report(store: MemoryStore, use_case: UseCase, *, run_id: str = RUN_ID, hour: int = 3, **changes: Any) -> None:
    """Write the objects that the task ``report`` writes."""
    key = run_key(use_case.dag_id, run_id)
    folder = RunFolder(Layout(use_case.storage).run_uri(use_case.name, key))
    finished = datetime.datetime(2026, 11, 22, hour, tzinfo=datetime.UTC)
    named = {"dag_id": use_case.dag_id, "run_id": run_id, "finished_at": finished.isoformat()}
    report = build_report(**inputs(run_key=key, use_case=use_case.name))
    store.write(folder.report("html"), STORED)
    write_json(store, folder.report("json"), {**report, **named})
    write_json(store, folder.report_entry(use_case.name, finished), {**list_entry({**report, **named}), **changes})


PAGES = ["/", url_of("distill_aws_docs_qa", RUN_ID)]


class TestWhoMaySee:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_request_without_a_login_is_refused(
        self, auth: Any, objects: MemoryStore, use_case: UseCase, page: str
    ) -> None:
        write_report(objects, use_case)
        answer = TestClient(report_pages.app).get(page)
        assert answer.status_code == 401
        assert "Please log in" in answer.text
        assert "stored" not in answer.text

    @pytest.mark.parametrize("page", PAGES)
    def test_a_request_with_an_invalid_token_is_refused(self, auth: Any, objects: MemoryStore, page: str) -> None:
        assert TestClient(report_pages.app, cookies={"_token": "made.up.token"}).get(page).status_code == 403

    @pytest.mark.parametrize("page", PAGES)
    def test_a_user_who_may_read_the_dag_sees_its_report(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, page: str
    ) -> None:
        write_report(objects, use_case)
        assert viewer.get(page).status_code == 200

    def test_a_user_who_may_not_read_the_dag_is_refused(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        payroll = use_case.model_copy(update={"name": "payroll"})
        write_report(objects, payroll)
        assert viewer.get(url_of("distill_payroll", RUN_ID)).status_code == 403
        assert "payroll" not in viewer.get("/").text

    def test_a_user_without_a_role_is_refused(self, auth: Any, objects: MemoryStore, use_case: UseCase) -> None:
        write_report(objects, use_case)
        client = log_in(auth, role=None)
        assert client.get(url_of("distill_aws_docs_qa", RUN_ID)).status_code == 403
        assert RUN_ID not in client.get("/").text

    @pytest.mark.parametrize("page", ["/docs", "/redoc", "/openapi.json"])
    def test_the_documentation_of_the_routes_is_disabled(self, viewer: TestClient, page: str) -> None:
        assert viewer.get(page).status_code == 404


def test_the_pages_read_exactly_what_the_guide_for_kubernetes_allows_the_api_server(
    viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(objects, use_case)
    claim_root(objects, Layout(use_case.storage).roots[0], use_case.environment)
    started = datetime.datetime.fromisoformat(entry()["started_at"])
    monkeypatch.setattr(overview_pages, "utc_now", lambda: started)
    update_run(objects, Layout(use_case.storage).roots[0], use_case.name, "key-0", started, lambda _: entry())
    root = f"{Layout(use_case.storage).roots[0]}/"
    read: set[str] = set()
    listed: set[str] = set()
    reads, lists = objects.read, objects.list
    monkeypatch.setattr(objects, "read", lambda uri: read.add(uri) or reads(uri))
    monkeypatch.setattr(objects, "list", lambda uri: listed.add(uri) or lists(uri))
    monkeypatch.setattr(overview_pages, "billed_now", lambda use_cases: {one.name: [] for one in use_cases})
    assert [viewer.get(url).status_code for url in (*PAGES, "/overview", "/trend/aws_docs_qa")] == [200] * 4
    table = rows(section(page("how-to/run_on_kubernetes.md"), "## 1. Prepare AWS"))
    allowed = [names(row[1])[0] for row in table if names(row[0]) == ["s3:GetObject"]]
    parts = {uri.removeprefix(root).partition("/") for uri in read}
    assert {f"<prefix>/{first}{slash}{'*' * len(slash)}" for first, slash, _ in parts} == set(allowed)
    assert bool(listed) == (["s3:ListBucket"] in [names(row[0]) for row in table])


class TestReport:
    def test_the_stored_report_is_shown_with_a_separate_origin(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        answer = viewer.get(url_of("distill_aws_docs_qa", RUN_ID))
        assert answer.content == STORED
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox", "frame-ancestors 'self'"} <= set(policy)

    def test_run_ids_arrive_intact_however_they_are_quoted(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        for safe in ("", ":+"):
            assert viewer.get(f"/report/distill_aws_docs_qa/{quote(RUN_ID, safe=safe)}").status_code == 200

    @pytest.mark.parametrize(
        ("page", "title"),
        [
            (url_of("distill_aws_docs_qa", "<i>not yet</i>"), "There is no report here"),
            ("/report/distill_aws_docs_qa/", "There is no report here"),
            ("/nothing", "There is nothing at this address"),
        ],
    )
    def test_a_missing_report_is_explained_on_a_page(
        self, viewer: TestClient, objects: MemoryStore, page: str, title: str
    ) -> None:
        answer = viewer.get(page)
        assert answer.status_code == 404
        assert f"<h1>{title}</h1>" in answer.text
        assert "<i>" not in answer.text


class NoResults(OneDagOnly):
    """A login that may read the DAG, but not what its tasks have stored."""

    def is_authorized_dag(self, *, access_entity: Any = None, **request: Any) -> bool:
        return access_entity is not DagAccessEntity.XCOM and super().is_authorized_dag(**request)


class TestLivePage:
    @pytest.fixture(autouse=True)
    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        instances = [Instance("synthesize", -1, "running", None, None)]
        run = StoredRun("distill_aws_docs_qa", RUN_ID, "running", None, None, instances)
        monkeypatch.setattr(report_pages, "read_run", lambda dag_id, run_id: run if run_id == RUN_ID else None)

    def test_it_is_shown_until_there_is_a_report(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        url = url_of("distill_aws_docs_qa", RUN_ID)
        answer = viewer.get(url)
        assert answer.status_code == 200
        assert "Running: synthesize" in answer.text
        write_report(objects, use_case)
        assert viewer.get(url).content == STORED

    def test_it_may_load_itself_again_but_runs_no_scripts(self, viewer: TestClient, objects: MemoryStore) -> None:
        """A browser does not follow meta refresh in a page with the policy sandbox."""
        answer = viewer.get(url_of("distill_aws_docs_qa", RUN_ID))
        policy = answer.headers["content-security-policy"]
        assert "sandbox" not in policy
        assert {"default-src 'none'", "frame-ancestors 'self'", "form-action 'none'"} <= set(policy.split("; "))
        assert 'http-equiv="refresh"' in answer.text

    def test_whoever_may_not_read_the_results_of_tasks_does_not_see_it(
        self, database: None, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager = NoResults()
        monkeypatch.setattr(_AuthManagerState, "instance", manager)
        with log_in(manager) as client:
            assert client.get(url_of("distill_aws_docs_qa", RUN_ID)).status_code == 403

    def test_a_run_that_only_the_history_knows_has_a_page(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        """So does the failed night of ``make nights``, and a run that a person deleted in Airflow."""
        run: Any = {**entry(0, state="failed", failed_tasks=["tuned.trained"]), "use_case": use_case.name}
        started = datetime.datetime.fromisoformat(run["started_at"])
        root = Layout(use_case.storage).roots[0]
        update_run(objects, root, use_case.name, run["run_key"], started, lambda _: run)
        answer = viewer.get(url_of(use_case.dag_id, run["run_id"]))
        assert answer.status_code == 200
        assert "<h1>This run has failed</h1>" in answer.text
        assert "tuned.trained" in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]

    def test_a_run_that_airflow_does_not_have_is_explained(self, viewer: TestClient, objects: MemoryStore) -> None:
        answer = viewer.get(url_of("distill_aws_docs_qa", "manual__other"))
        assert answer.status_code == 404
        assert "Airflow has no such run" in answer.text


INTERNAL = "arn:aws:sts::123456789012:assumed-role/distill/worker is not authorized to perform: s3:GetObject <b>"


def refuse(*_: Any) -> None:
    error = RefusedError(INTERNAL)
    error.code = "AccessDenied"
    raise error


class TestErrors:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_message_of_aws_is_logged_and_not_shown(
        self,
        viewer: TestClient,
        objects: MemoryStore,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        page: str,
    ) -> None:
        monkeypatch.setattr(objects, "read", refuse)
        monkeypatch.setattr(objects, "list", refuse)
        answer = viewer.get(page)
        assert answer.status_code == 503
        assert "AccessDenied" in answer.text
        assert not any(word in answer.text for word in ("123456789012", "assumed-role", "authorized", "GetObject"))
        (record,) = [
            record for record in caplog.records if record.name == served_pages.log.name
        ]  # Airflow may log more
        assert INTERNAL in record.getMessage()
        assert re.findall(r"log for (\w+)\.", answer.text)[0] in record.getMessage()

    def test_an_error_of_any_other_kind_is_a_page_too(
        self, auth: SimpleAuthManager, objects: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> None:
            raise KeyError(INTERNAL)

        monkeypatch.setattr(objects, "read", fail)
        token = log_in(auth).cookies["_token"]
        client = TestClient(report_pages.app, cookies={"_token": token}, raise_server_exceptions=False)
        answer = client.get(PAGES[1])
        assert answer.status_code == 500
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "123456789012" not in answer.text

    @pytest.mark.parametrize(
        "body",
        [b"", b"\xff", b"[]", b"{", b"null", b"[" * 100_000, b'{"finished_at": 3}'],
        ids=["empty", "not text", "a list", "cut off", "null", "nested too deeply", "keys missing"],
    )
    def test_a_broken_entry_does_not_hide_the_others(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, body: bytes
    ) -> None:
        write_report(objects, use_case)
        reports = Layout(use_case.storage).reports(use_case.name)
        for name in ("20270101T000000Z-broken.json", "notes.txt", "20260101T000000Z-"):
            objects.write(f"{reports}{name}", body)
        answer = viewer.get("/")
        assert answer.status_code == 200
        assert f">{RUN_ID}<" in html.unescape(answer.text)
        assert answer.text.count('class="alarm"') == 1
        assert "The entry 20270101T000000Z-broken.json cannot be shown" in answer.text
        assert "Trying again does not help." in answer.text

    def test_a_lone_surrogate_in_an_entry_does_not_stop_the_list(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        odd = "a\ud800b"
        write_report(objects, use_case)
        path = Layout(use_case.storage).reports(use_case.name)
        entry = json.loads(objects.read(next(uri for uri in objects.objects if uri.startswith(path))))
        objects.write(f"{path}20270101T000000Z-odd.json", json.dumps({**entry, "claim": odd, "run_id": odd}).encode())
        answer = viewer.get("/")
        assert answer.status_code == 200
        assert "a?b" in answer.text
        assert RUN_ID in html.unescape(answer.text)

    @pytest.mark.parametrize(
        "change",
        [{"evidence": 3}, {"billing": "tuned"}, {"actual_usd": "a lot"}, {"finished_at": ""}, {"claim": None}],
    )
    def test_an_entry_with_a_value_of_the_wrong_type_does_not_hide_the_others(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, change: dict[str, Any]
    ) -> None:
        write_report(objects, use_case)
        write_report(objects, use_case, run_id="broken", hour=4, **change)
        answer = viewer.get("/")
        assert answer.status_code == 200
        assert f">{RUN_ID}<" in html.unescape(answer.text)
        assert answer.text.count('class="alarm"') == 1

    def test_an_entry_that_was_deleted_meanwhile_does_not_hide_the_others(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_report(objects, use_case)
        listed = [*objects.list(Layout(use_case.storage).reports(use_case.name)), "s3://b/reports/x/20270101T0Z-gone"]
        monkeypatch.setattr(objects, "list", lambda _: listed)
        answer = viewer.get("/")
        assert (answer.status_code, f">{RUN_ID}<" in html.unescape(answer.text)) == (200, True)

    def test_a_use_case_that_cannot_be_listed_does_not_hide_the_others(
        self, auth: SimpleAuthManager, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_report(objects, use_case)
        broken = use_case.model_copy(update={"name": "broken"})

        def store_for(wanted: UseCase) -> MemoryStore:
            if wanted.name == "broken":
                raise ValueError(INTERNAL)  # such as a connection that does not exist
            return objects

        monkeypatch.setattr(report_pages, "store_for", store_for)
        monkeypatch.setattr(report_pages, "load_use_cases", lambda: UseCases((broken, use_case), ()))
        monkeypatch.setattr(report_pages, "may_read", lambda *_: True)
        with log_in(auth) as client:
            answer = client.get("/")
        assert answer.status_code == 200
        assert f">{RUN_ID}<" in html.unescape(answer.text)
        assert "The reports of broken cannot be listed" in answer.text
        assert "123456789012" not in answer.text


class TestList:
    def test_the_newest_report_comes_first_with_verdict_and_bill(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        for hour, run_id in [(3, "second"), (1, "zeroth"), (2, "first"), (5, "second")]:
            write_report(objects, use_case, run_id=run_id, hour=hour)
        page = html.unescape(viewer.get("/").text)
        places = [page.index(f">{run_id}<") for run_id in ("second", "first", "zeroth")]
        assert places == sorted(places)
        assert page.count(">second<") == 1
        assert "tuned is better than base" in page
        assert "$7.56" in page

    def test_only_the_newest_reports_are_read(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(report_pages, "RUNS_SHOWN", 2)
        for hour in range(4):
            write_report(objects, use_case, run_id=f"run-{hour}", hour=hour)
        page = viewer.get("/").text
        assert [f">run-{hour}<" in page for hour in range(4)] == [False, False, True, True]

    def test_links_lead_to_the_reports(self, viewer: TestClient, objects: MemoryStore, use_case: UseCase) -> None:
        write_report(objects, use_case)
        link = viewer.get("/").text.split('<a href="', 1)[1].split('"', 1)[0]
        assert viewer.get(f"/{link}").content == STORED

    def test_the_text_of_an_entry_never_becomes_markup(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        evil = '"><script>alert(1)</script>'
        write_report(objects, use_case, run_id=evil, claim=evil, evidence=[evil], billing=[evil], dag_id=evil)
        page = viewer.get("/").text
        assert "<script" not in page
        assert page.count("&lt;script&gt;") == 4

    def test_the_list_says_that_no_run_has_written_a_report_yet(self, viewer: TestClient, objects: MemoryStore) -> None:
        answer = viewer.get("/")
        assert answer.status_code == 200
        assert "No run has written a report yet" in answer.text


@pytest.mark.parametrize("page", [*PAGES, "/nothing"])
def test_every_page_forbids_scripts_sniffing_and_referrers(viewer: TestClient, objects: MemoryStore, page: str) -> None:
    headers = viewer.get(page).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "allow-scripts" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


class TestWhoseReport:
    """Earlier versions named a folder by 32 bits of a hash, so another run id can lead to the same folder."""

    OURS = "scheduled__2026-11-25T02:00:00+00:00xxxaaabhrbpb1"  # found in a minute; its DAG is distill_aws_docs_qa
    THEIRS = "scheduled__2026-11-25T02:00:00+00:00"  # of the DAG distill_payroll

    def write_former(self, store: MemoryStore, use_case: UseCase, run_id: str, /, **named: Any) -> RunFolder:
        folder = RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(use_case.dag_id, run_id))).former
        assert folder is not None
        ids = {"use_case": use_case.name, "dag_id": use_case.dag_id, "run_id": run_id, **named}
        write_json(store, folder.report("json"), {name: value for name, value in ids.items() if value is not None})
        store.write(folder.report("html"), STORED)
        return folder

    def test_a_crafted_run_id_does_not_show_the_report_of_another_dag(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        payroll = use_case.model_copy(update={"name": "payroll"})
        folder = self.write_former(objects, payroll, self.THEIRS)
        ours = RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(use_case.dag_id, self.OURS)))
        assert ours.former == folder
        answer = viewer.get(url_of(use_case.dag_id, self.OURS))
        assert answer.status_code == 404
        assert "stored" not in answer.text
        assert "payroll" not in answer.text

    def test_a_report_of_an_earlier_version_is_shown_to_those_who_may_read_its_dag(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        self.write_former(objects, use_case, RUN_ID)
        assert viewer.get(url_of(use_case.dag_id, RUN_ID)).status_code == 200

    @pytest.mark.parametrize(
        "named",
        [
            pytest.param({"run_id": "manual__2"}, id="another run"),
            pytest.param({"dag_id": "distill_payroll"}, id="another DAG"),
            pytest.param({"use_case": "payroll"}, id="another use case"),
            pytest.param({"run_id": None}, id="no run"),
            pytest.param({"dag_id": None}, id="no DAG"),
            pytest.param({"use_case": None}, id="no use case"),
            pytest.param({"run_id": RUN_ID.upper()}, id="another case"),
            pytest.param({"run_id": f"{RUN_ID} "}, id="a space"),
            pytest.param({"run_id": [RUN_ID]}, id="a list"),
        ],
    )
    @pytest.mark.parametrize("is_former", [True, False])
    def test_a_report_that_names_another_run_is_not_shown(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, named: dict[str, Any], is_former: bool
    ) -> None:
        folder = self.write_former(objects, use_case, RUN_ID, **named)
        if not is_former:
            new = Layout(use_case.storage).run_uri(use_case.name, run_key(use_case.dag_id, RUN_ID))
            objects.objects = {uri.replace(folder.uri, new): body for uri, body in objects.objects.items()}
        answer = viewer.get(url_of(use_case.dag_id, RUN_ID))
        assert answer.status_code == 404
        assert "stored" not in answer.text

    @pytest.mark.parametrize(("owner", "status"), [("prod", 404), ("test", 200)])
    def test_a_report_below_a_root_of_another_environment_is_not_shown(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, owner: str, status: int
    ) -> None:
        """Scheduled runs have the same ids in both deployments."""
        write_report(objects, use_case)
        claim_root(objects, Layout(use_case.storage).roots[0], owner)
        answer = viewer.get(url_of(use_case.dag_id, RUN_ID))
        assert answer.status_code == status
        assert ("belongs to another environment" in answer.text) is (owner == "prod")
        assert (f">{RUN_ID}<" in html.unescape(viewer.get("/").text)) is (owner == "test")
