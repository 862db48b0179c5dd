"""The socket that the AWS simulator listens on."""

from __future__ import annotations

import pytest

from tools.aws_simulator.server.server import bind


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost"])
def test_a_loopback_address_gets_a_free_port(host: str) -> None:
    with bind(host, 0) as first, bind(host, 0) as second:
        ports = {first.getsockname()[1], second.getsockname()[1]}
    assert len(ports) == 2
    assert 0 not in ports


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::"])  # noqa: S104 - these are refused
def test_any_other_address_is_refused_because_signatures_are_not_checked(host: str) -> None:
    with pytest.raises(ValueError, match="is not a loopback address"):
        bind(host, 0)


def test_a_container_may_listen_beyond_loopback() -> None:
    with bind("0.0.0.0", 0, beyond_loopback=True) as sock:  # noqa: S104 - what a container does
        assert sock.getsockname()[0] == "0.0.0.0"  # noqa: S104


def test_a_port_in_use_is_an_error() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", taken.getsockname()[1])
