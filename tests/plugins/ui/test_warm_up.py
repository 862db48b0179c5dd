from __future__ import annotations

import threading

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from bedrock_distill_plugin import BedrockDistillPlugin
from botocore.client import BaseClient
from fastapi import FastAPI
from starlette.testclient import TestClient

from bedrock_distill.ui import billed_now, served_pages, warm_up
from bedrock_distill.ui.warm_up import WarmUp, prepare_pages
from include.distill.config import loader
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase


class TestStart:
    def test_the_pages_are_prepared_when_the_server_starts(self) -> None:
        prepared = threading.Event()
        app = FastAPI()
        app.add_middleware(WarmUp, prepare=prepared.set)
        with TestClient(app) as client:
            assert prepared.wait(timeout=10)
            assert client.get("/nothing").status_code == 404

    def test_requests_and_other_processes_prepare_nothing(self) -> None:
        calls: list[str] = []
        app = FastAPI()
        app.add_middleware(WarmUp, prepare=lambda: calls.append("prepared"))
        TestClient(app).get("/nothing")
        assert calls == []

    def test_the_server_starts_while_the_pages_are_being_prepared(self) -> None:
        may_end = threading.Event()
        app = FastAPI()
        app.add_middleware(WarmUp, prepare=lambda: may_end.wait(timeout=60))  # type: ignore[arg-type, return-value]
        with TestClient(app) as client:
            assert client.get("/nothing").status_code == 404
        may_end.set()

    def test_the_plugin_registers_it(self) -> None:
        assert BedrockDistillPlugin.fastapi_root_middlewares[0] == warm_up.WARM_UP


class TestPrepare:
    @pytest.fixture(autouse=True)
    def connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(
            "AIRFLOW_CONN_AWS_DEFAULT",
            '{"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": "us-east-1"}}',
        )
        served_pages._clients.cache_clear()
        billed_now._hook.cache_clear()

    def test_the_first_page_creates_no_client(self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loader, "load_use_cases", lambda: UseCases((use_case,), ()))
        monkeypatch.setattr(served_pages.time, "monotonic", lambda: 1000.0)  # a page later than this uses new clients
        prepare_pages()
        monkeypatch.setattr(AwsBaseHook, "conn", property(lambda hook: pytest.fail("a client was created")))
        assert isinstance(served_pages._clients_of(use_case).client("s3"), BaseClient)
        assert isinstance(billed_now._hook(*billed_now._place(use_case), 3).client("bedrock"), BaseClient)

    def test_a_use_case_without_a_connection_does_not_stop_the_others(
        self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = use_case.model_copy(update={"aws": use_case.aws.model_copy(update={"conn_id": "misspelt"})})
        prepared: list[UseCase] = []
        monkeypatch.setattr(loader, "load_use_cases", lambda: UseCases((broken, use_case), ()))
        monkeypatch.setattr(billed_now, "prepare_bedrock", prepared.append)
        prepare_pages()
        assert prepared == [use_case]

    def test_an_error_does_not_reach_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> UseCases:
            raise OSError("no such folder")

        monkeypatch.setattr(loader, "load_use_cases", fail)
        prepare_pages()
