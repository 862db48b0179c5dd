"""Compare two runs with Airflow's login, and with S3 in memory."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from bedrock_distill.ui import report_pages
from bedrock_distill.ui.stored_run import Instance, StoredRun
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.naming import run_key
from tests.fakes.memory_store import MemoryStore
from tests.plugins.ui.test_report_pages import RUN_ID, url_of, write_report


def comparison_of(left: str, right: str) -> str:
    return f"/compare?left={quote(left, safe='')}&right={quote(right, safe='')}"


class TestCompare:
    @pytest.fixture(autouse=True)
    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        instances = [Instance("synthesize", -1, "running", None, None)]
        run = StoredRun("distill_aws_docs_qa", "manual__live", "running", None, None, instances)
        monkeypatch.setattr(report_pages, "read_run", lambda dag_id, run_id: run if run_id == "manual__live" else None)

    FINISHED, LIVE = f"distill_aws_docs_qa/{RUN_ID}", "distill_aws_docs_qa/manual__live"

    def test_a_finished_run_is_shown_next_to_one_in_progress(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        answer = viewer.get(comparison_of(self.FINISHED, self.LIVE))
        assert answer.status_code == 200
        assert answer.text.index(RUN_ID) < answer.text.index("manual__live")
        assert "Running: synthesize" in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]

    def test_the_settings_are_those_that_the_runs_have_frozen(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        for run_id, threads in ((RUN_ID, 3), ("manual__live", 5)):
            folder = RunFolder(Layout(use_case.storage).run_uri(use_case.name, run_key(use_case.dag_id, run_id)))
            objects.write(folder.use_case, f"fan_out: {{threads: {threads}}}\nowner: ann".encode())
        write_report(objects, use_case)
        text = viewer.get(comparison_of(self.FINISHED, self.LIVE)).text
        assert '<th scope="row">fan_out.threads</th><td>3</td><td>5</td>' in text
        assert '<th scope="row">owner</th>' not in text

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_the_rights_are_checked_for_the_dags_of_both_runs(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, side: str
    ) -> None:
        payroll = use_case.model_copy(update={"name": "payroll"})
        write_report(objects, payroll)
        write_report(objects, use_case)
        names = [f"distill_payroll/{RUN_ID}", self.FINISHED]
        answer = viewer.get(comparison_of(*(names if side == "left" else names[::-1])))
        assert answer.status_code == 403
        assert "payroll" not in answer.text

    def test_a_request_without_a_login_is_refused(self, auth: Any, objects: MemoryStore) -> None:
        assert TestClient(report_pages.app).get(comparison_of(self.LIVE, self.LIVE)).status_code == 401

    @pytest.mark.parametrize(
        "name", ["distill_aws_docs_qa/manual__gone", "distill_aws_docs_qa/", "distill_aws_docs_qa"]
    )
    def test_a_run_that_does_not_exist_is_explained(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase, name: str
    ) -> None:
        assert viewer.get(comparison_of(self.LIVE, name)).status_code == 404

    def test_the_list_leads_to_the_comparison_in_two_steps(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        (first,) = re.findall(r'<a class="compare" href="(.*?)"', viewer.get("/").text)
        chooser = viewer.get(f"/{html.unescape(first)}").text
        assert f"next to {self.FINISHED}" in html.unescape(chooser)
        (second,) = re.findall(r'<h2><a href="(.*?)"', chooser)
        answer = viewer.get(f"/{html.unescape(second)}")
        assert answer.status_code == 200
        assert answer.text.count(RUN_ID) >= 2

    def test_a_live_page_leads_to_the_chooser(
        self, viewer: TestClient, objects: MemoryStore, use_case: UseCase
    ) -> None:
        write_report(objects, use_case)
        page = viewer.get(url_of("distill_aws_docs_qa", "manual__live")).text
        (link,) = re.findall(r'href="/distill(/\?compare=.*?)"', page)
        assert f"next to {self.LIVE}" in html.unescape(viewer.get(html.unescape(link)).text)
