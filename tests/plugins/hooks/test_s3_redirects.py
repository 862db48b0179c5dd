"""Check with real boto3 clients that redirects of S3 without a Region end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.core.errors import RefusedError, TransientError


@pytest.fixture
def s3_that_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Start a server that answers every request alike; return the list of the methods that it receives."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, headers: dict[str, str]) -> list[str]:
        methods: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                methods.append(self.command)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_HEAD = do_GET = answer

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = {"ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "ACCESS_KEY_ID": "a"}
        for name, value in {**settings, "SECRET_ACCESS_KEY": "s"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        return methods

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def store() -> S3ObjectStore:
    return S3ObjectStore(AwsClients(None, "us-east-1"))


def test_a_redirected_bucket_without_a_region_is_refused_after_one_request(
    s3_that_answers: Callable[..., list[str]],
) -> None:
    methods = s3_that_answers(301, {})
    with pytest.raises(RefusedError, match="another Region"):
        store().ensure_bucket("bucket", region="us-east-1", create=False)
    assert methods == ["HEAD"]


def test_a_redirected_object_without_a_region_is_refused_after_one_look_up_of_the_bucket(
    s3_that_answers: Callable[..., list[str]],
) -> None:
    methods = s3_that_answers(301, {})
    with pytest.raises(RefusedError, match="another Region"):
        store().read("s3://bucket/key")
    assert methods == ["GET", "HEAD"]


def test_a_temporary_redirect_without_a_region_may_be_retried(s3_that_answers: Callable[..., list[str]]) -> None:
    methods = s3_that_answers(307, {})
    with pytest.raises(TransientError, match="307"):
        store().ensure_bucket("bucket", region="us-east-1", create=False)
    assert methods == ["HEAD"]


def test_a_redirect_with_a_region_is_followed_once_and_names_the_region(
    s3_that_answers: Callable[..., list[str]],
) -> None:
    methods = s3_that_answers(301, {"x-amz-bucket-region": "eu-west-1"})
    problem = store().ensure_bucket("bucket", region="us-east-1", create=False)
    assert problem
    assert "bucket bucket is in eu-west-1" in problem
    assert methods == ["HEAD", "HEAD"]
