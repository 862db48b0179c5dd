"""A mail server and an HTTP server on loopback, which keep what they receive."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"


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

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.hang.set()
        server.shutdown()
        server.server_close()
