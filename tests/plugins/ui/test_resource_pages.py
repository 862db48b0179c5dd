"""A link that a task stored leads to its resource in the simulator, wherever the simulator listens now."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.api_fastapi.app import _AuthManagerState
from starlette.testclient import TestClient

from bedrock_distill.ui import links, report_pages, resource_pages
from include.distill.config.layout import Layout
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from tests.plugins.ui.login import OneDagOnly, create_tables, log_in

ARN = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/ab12"


class Endpoint:
    """A fake of the clients of one use case. The test moves the endpoint to another address."""

    url = "http://127.0.0.1:8090"

    def client(self, service: str) -> Any:
        meta = SimpleNamespace(endpoint_url=self.url, region_name="us-west-2", partition="aws")
        return SimpleNamespace(meta=meta, generate_presigned_url=self.sign)

    def sign(self, operation: str, **request: Any) -> str:
        assert operation == "get_object"
        return "{}/{Bucket}/{Key}?signed".format(self.url, **request["Params"])


@pytest.fixture
def endpoint(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    other = use_case.model_copy(update={"name": "payroll"})
    moving = Endpoint()
    monkeypatch.setattr(resource_pages, "load_use_cases", lambda: UseCases((use_case, other), ()))
    monkeypatch.setattr(resource_pages, "clients_for", lambda _: moving)
    return moving


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    create_tables()
    auth = OneDagOnly()
    monkeypatch.setattr(_AuthManagerState, "instance", auth)
    with log_in(auth, follow_redirects=False) as client:
        yield client


def page(resource: str, endpoint: Any, dag_id: str = "distill_aws_docs_qa") -> str:
    """Return the path below the plugin's prefix that a task stores as its link."""
    return links.console_url(resource, endpoint, dag_id=dag_id).removeprefix("/distill")


@pytest.fixture
def train_uri(use_case: UseCase) -> str:
    return f"{Layout(use_case.storage).roots[0]}/runs/aws_docs_qa/a b/train+ü#1.jsonl"


def test_a_stored_link_works_after_the_simulator_has_moved(
    viewer: TestClient, endpoint: Endpoint, train_uri: str
) -> None:
    stored = [page(resource, endpoint) for resource in (ARN, train_uri)]
    for address in ("http://127.0.0.1:8090", "http://127.0.0.1:41234", "http://localhost:5"):
        endpoint.url = address
        ledger, signed = (viewer.get(link) for link in stored)
        assert ledger.status_code == signed.status_code == 307
        assert ledger.headers["location"] == f"{address}/_admin/ledger#{ARN}"
        assert signed.headers["location"].startswith(f"{address}/{urlsplit(train_uri).netloc}/")
        assert signed.headers["location"].endswith("?signed")


def test_a_link_needs_a_login_and_the_right_to_read_the_dag(
    viewer: TestClient, endpoint: Endpoint, train_uri: str
) -> None:
    stranger = TestClient(report_pages.app, follow_redirects=False)
    assert stranger.get(page(train_uri, endpoint)).status_code == 401
    assert viewer.get(page(train_uri, endpoint, dag_id="distill_payroll")).status_code == 403


@pytest.mark.parametrize(
    "address", ["https://s3.us-west-2.amazonaws.com", "http://aws-simulator:8090", "http://10.0.0.1"]
)
def test_nothing_outside_this_machine_is_ever_signed(
    viewer: TestClient, endpoint: Endpoint, train_uri: str, address: str
) -> None:
    stored = page(train_uri, endpoint)
    endpoint.url = address
    answer = viewer.get(stored)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "Look for it in the AWS console" in answer.text


@pytest.mark.parametrize("foreign", ["s3://payroll/salaries.csv", "{root}x/rows.jsonl", "{root}", "s3://", "s3:///k"])
def test_only_objects_of_the_use_case_are_signed(
    viewer: TestClient, endpoint: Endpoint, use_case: UseCase, foreign: str
) -> None:
    name = foreign.format(root=Layout(use_case.storage).roots[0])
    answer = viewer.get("/resource/distill_aws_docs_qa", params={"name": name})
    assert answer.status_code == 404
    assert "does not belong to the use case" in answer.text


def test_a_request_without_a_name_is_refused(viewer: TestClient, endpoint: Endpoint) -> None:
    assert viewer.get("/resource/distill_aws_docs_qa").status_code == 422


def test_a_name_never_leads_to_another_host(viewer: TestClient, endpoint: Endpoint) -> None:
    for name in ("//evil.example", "https://evil.example", "@evil.example", "\r\nlocation: https://evil.example"):
        answer = viewer.get("/resource/distill_aws_docs_qa", params={"name": name})
        assert urlsplit(answer.headers["location"]).netloc == "127.0.0.1:8090"
