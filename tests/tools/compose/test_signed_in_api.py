"""The login to a deployed Airflow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tools.compose.signed_in_api import SignedInApi
from tools.local_airflow.airflow_api import AirflowApiError


class Airflow(ThreadingHTTPServer):
    """An api-server with one user that notes the requests it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Airflow

    def do_POST(self) -> None:
        login = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/auth/token" and login == {"username": "ann", "password": "right"}:
            self._answer(201, {"access_token": "a-token"})
        else:
            self._answer(401, {"detail": "Invalid credentials"})

    def do_GET(self) -> None:
        self.server.authorizations.append(self.headers["Authorization"])
        self._answer(200, {})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    server = Airflow()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_token_of_a_login_is_sent_with_every_later_request(airflow: Airflow) -> None:
    api = SignedInApi(airflow.url)
    api.is_up()
    api.sign_in("ann", "right")
    api.is_up()
    assert airflow.authorizations[0] is None
    assert set(airflow.authorizations[1:]) == {"Bearer a-token"}


def test_a_refused_password_is_reported_with_the_servers_reason(airflow: Airflow) -> None:
    with pytest.raises(AirflowApiError, match=r"refused to log 'ann' in \(401\): .*Invalid credentials"):
        SignedInApi(airflow.url).sign_in("ann", "wrong")


def test_a_server_that_does_not_answer_is_named(airflow: Airflow) -> None:
    url = airflow.url
    airflow.shutdown()
    airflow.server_close()
    with pytest.raises(AirflowApiError, match="did not answer the login of 'ann'"):
        SignedInApi(url).sign_in("ann", "right")
