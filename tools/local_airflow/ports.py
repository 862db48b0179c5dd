"""
Choose the two ports of a local stack, and reserve them until the stack has ended.

The ports are always the same if they are free, so that bookmarks and the settings that a browser stores for the UI stay
valid. A port is free if no program listens on it, and if no other checkout on this machine has reserved it. The
reservation is needed because Airflow takes several seconds to start listening. It is an abstract Unix socket, which
Linux releases however the process ends. Other systems have no such sockets, so nothing is reserved there.
"""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.distill.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOOPBACK = "127.0.0.1"
UI, SIMULATOR = "DISTILL_PORT", "DISTILL_STAND_IN_PORT"
DEFAULT_PORTS = {UI: 8080, SIMULATOR: 8090}
ANY_FREE_PORT = 0


@dataclass(frozen=True)
class Ports:
    """The two loopback ports of a running local stack."""

    api: int
    simulator: int

    @property
    def ui_url(self) -> str:
        """The URL of Airflow's UI."""
        return f"http://{LOOPBACK}:{self.api}"

    @property
    def simulator_url(self) -> str:
        """The URL of the AWS simulator."""
        return f"http://{LOOPBACK}:{self.simulator}"


class PortTakenError(Exception):
    """Another program listens on the port, or another checkout has reserved it. The message says which."""


@contextmanager
def reserve_ports(environ: Mapping[str, str], defaults: Mapping[str, int] = DEFAULT_PORTS) -> Iterator[Ports]:
    """
    Yield the ports that the environment sets, or the default ports. A free port replaces a default port that is taken.

    :raises InputError: the environment sets a value that is not a port number, or a port that is taken.
    """
    with ExitStack() as reserved:
        yield Ports(*(_reserve(reserved, environ, name, defaults[name]) for name in (UI, SIMULATOR)))


def free_ports() -> Ports:
    """Return two ports that are free now. They are not reserved."""
    with reserve_ports({}, dict.fromkeys(DEFAULT_PORTS, ANY_FREE_PORT)) as ports:
        return ports


def explain_ports(ports: Ports, environ: Mapping[str, str]) -> str:
    """Return a sentence for each default port that was taken; an empty text if none was taken."""
    used = {UI: (ports.api, "Airflow's UI"), SIMULATOR: (ports.simulator, "the AWS simulator")}
    return "\n".join(
        f"Port {DEFAULT_PORTS[name]} is taken by another program, so {what} uses port {port} this time. "
        f"Set {name} to choose a port."
        for name, (port, what) in used.items()
        if port != DEFAULT_PORTS[name] and not environ.get(name, "").strip()
    )


def _reserve(reserved: ExitStack, environ: Mapping[str, str], name: str, default: int) -> int:
    """Reserve one port until ``reserved`` is closed, and return the port."""
    text = environ.get(name, "").strip()
    if not text:
        try:
            return _take(reserved, default)
        except PortTakenError:
            return _take(reserved, ANY_FREE_PORT)
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise InputError(
            f"{name}={text!r} must be a port number, 1 to 65535. Nothing was started. "
            "Correct the value or do not set the variable."
        )
    try:
        return _take(reserved, int(text))
    except PortTakenError as error:
        raise InputError(
            f"{name}={text}: this port cannot be used on {LOOPBACK} ({error}). Nothing was started. "
            f"Choose another port or do not set {name}. If it is not set, the default port or a free port is used."
        ) from None


def _take(reserved: ExitStack, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(error.strerror) from None
        chosen = int(probe.getsockname()[1])
        if sys.platform == "linux":
            reservation = reserved.enter_context(socket.socket(socket.AF_UNIX))
            try:
                reservation.bind(f"\0bedrock-distill-port-{chosen}")
            except OSError:
                raise PortTakenError("another checkout has reserved it") from None
        return chosen
