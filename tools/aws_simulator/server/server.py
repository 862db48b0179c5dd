"""Serve an AWS simulator over HTTP, for the command line, and for tests that run it in a thread."""

from __future__ import annotations

import ipaddress
import socket
from typing import cast

import uvicorn

from tools.aws_simulator.protocol.connections import TrackedProtocol
from tools.aws_simulator.server.app import AwsSimulator

GRACE_SECONDS = 2


def bind(host: str, port: int, *, beyond_loopback: bool = False) -> socket.socket:
    """Return a socket bound to ``host``; port 0 selects a free one.

    :param beyond_loopback: also allow addresses other than loopback. This is meant for containers, where the network
        decides which clients may connect.
    :raises ValueError: ``host`` is not a loopback address and ``beyond_loopback`` is False. Signatures are not checked,
        so other machines may connect only if the caller allows it.
    :raises OSError: the port is in use.
    """
    if not beyond_loopback and not ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        raise ValueError(
            f"{host} is not a loopback address. The simulator accepts only clients on this machine, because it does"
            " not check signatures."
        )
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


def new_server(simulator: AwsSimulator) -> uvicorn.Server:
    """Return a server for ``simulator``; run it with the socket from :func:`bind`."""
    config = uvicorn.Config(
        simulator,
        http=cast("type", TrackedProtocol),
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        backlog=2048,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)
