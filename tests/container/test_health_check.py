from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from container.health_check import main


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_service_that_answers_is_healthy_whatever_proxy_is_set(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert main([f"{url}/well"]) == 0


def test_an_error_and_a_closed_port_are_unhealthy_with_a_reason(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{url}/ill"]) == 1
    assert "503" in capsys.readouterr().err
    assert main(["http://127.0.0.1:9/"]) == 1
    assert "refused" in capsys.readouterr().err
