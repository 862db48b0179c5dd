"""A mail server, a webhook and an endpoint of SNS and SQS on loopback, which keep what they receive."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"
_SNS_ANSWER = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
    b"<PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)
_SQS_ANSWER = b'{"MessageId": "1"}'


class Mailbox:
    """The e-mails that a mail server received."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep an e-mail. aiosmtpd calls this method."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class _OnFreePort(Controller):  # type: ignore[misc]
    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # aiosmtpd connects to its server once
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server on a free port."""
    mailbox = Mailbox()
    controller = _OnFreePort(mailbox, hostname=LOOPBACK, port=0)
    controller.start()
    try:
        mailbox.port = controller.port
        yield mailbox
    finally:
        controller.stop()


class WebHook:
    """
    The requests that an HTTP server received.

    :ivar hang: an event for which each request waits, so that a test can have a server that does not answer.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.port = 0
        self.status = 200
        self.hang = threading.Event()
        self.hang.set()


@contextmanager
def web_server() -> Iterator[WebHook]:
    """Run an HTTP server on a free port."""
    hook = WebHook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.paths.append(self.path)
            hook.bodies.append(json.loads(body))
            hook.hang.wait(30)
            self.send_response(hook.status)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with _served(Handler) as port:
        hook.port = port
        try:
            yield hook
        finally:
            hook.hang.set()


@dataclass(frozen=True)
class AwsRequest:
    """
    A request to SNS or SQS.

    :param scope: the Region and the service that the client has signed for, such as ``us-east-1/sns``.
    :param parameters: the parameters of the operation. SNS gets a form, and SQS gets JSON.
    """

    scope: str
    parameters: dict[str, Any]


@contextmanager
def aws_server(requests: list[AwsRequest]) -> Iterator[int]:
    """Run an endpoint that accepts ``Publish`` of SNS and ``SendMessage`` of SQS. Yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            scope = re.search(r"Credential=[^/]+/[0-9]{8}/([^/]+/[^/]+)/aws4_request", self.headers["Authorization"])
            assert scope is not None
            is_json = self.headers["Content-Type"].startswith("application/x-amz-json")
            requests.append(AwsRequest(scope[1], json.loads(body) if is_json else dict(parse_qsl(body))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(_SQS_ANSWER if is_json else _SNS_ANSWER)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with _served(Handler) as port:
        yield port


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    server.daemon_threads = True
    # The default interval would make each shutdown wait for half a second.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
