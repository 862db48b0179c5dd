"""The ports are the documented ones if they are free, and two checkouts never choose the same ones."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.ports import DEFAULT_PORTS, SIMULATOR, UI, Ports, explain_ports, free_ports, reserve_ports

RESERVE = """
import sys, time
from tools.local_airflow.ports import reserve_ports
with reserve_ports({"DISTILL_PORT": sys.argv[1], "DISTILL_STAND_IN_PORT": sys.argv[2]}):
    print("reserved", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def defaults() -> dict[str, int]:
    """Ports that are free now, in place of the documented ones, which other programs of this machine may use."""
    ports = free_ports()
    return {UI: ports.api, SIMULATOR: ports.simulator}


@pytest.fixture
def other_checkout(defaults: dict[str, int]) -> Iterator[subprocess.Popen[str]]:
    """Another checkout that has chosen the same ports but does not listen on them yet."""
    ports = [str(port) for port in defaults.values()]
    process = subprocess.Popen(
        [sys.executable, "-c", RESERVE, *ports], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "reserved\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def listening(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_the_default_ports_are_those_of_airflow_and_of_the_compose_file() -> None:
    assert DEFAULT_PORTS == {"DISTILL_PORT": 8080, "DISTILL_STAND_IN_PORT": 8090}


def test_each_start_uses_the_same_ports(defaults: dict[str, int]) -> None:
    for _ in range(3):
        with reserve_ports({}, defaults) as ports:
            assert ports == Ports(defaults[UI], defaults[SIMULATOR])
            for number in (ports.api, ports.simulator):
                listening(number).close()


@pytest.mark.parametrize("name", [UI, SIMULATOR])
def test_only_a_port_that_is_taken_is_replaced(defaults: dict[str, int], name: str) -> None:
    with listening(defaults[name]), reserve_ports({}, defaults) as ports:
        chosen = {UI: ports.api, SIMULATOR: ports.simulator}
        assert chosen[name] != defaults[name]
        assert {**chosen, name: defaults[name]} == defaults
        listening(chosen[name]).close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract Unix sockets")
def test_ports_of_a_checkout_that_is_still_starting_are_taken(
    defaults: dict[str, int], other_checkout: subprocess.Popen[str]
) -> None:
    with reserve_ports({}, defaults) as ports:
        assert {ports.api, ports.simulator}.isdisjoint(defaults.values())
    with (
        pytest.raises(InputError, match="another checkout has reserved it"),
        reserve_ports({UI: str(defaults[UI])}, defaults),
    ):
        pass
    other_checkout.kill()
    other_checkout.wait()
    with reserve_ports({}, defaults) as ports:
        assert ports == Ports(defaults[UI], defaults[SIMULATOR])


def test_the_two_ports_differ_even_if_one_is_set_to_the_default_of_the_other(defaults: dict[str, int]) -> None:
    with reserve_ports({UI: str(defaults[SIMULATOR])}, defaults) as ports:
        assert ports.api == defaults[SIMULATOR]
        assert ports.simulator != ports.api
    ports = free_ports()
    assert ports.api != ports.simulator


def test_a_port_that_was_set_is_used(defaults: dict[str, int]) -> None:
    free = free_ports()
    with reserve_ports({UI: str(free.api), SIMULATOR: f" {free.simulator} "}, defaults) as ports:
        assert ports == free


def test_a_port_in_use_is_refused_with_its_variable(defaults: dict[str, int]) -> None:
    taken = defaults[SIMULATOR]
    refused = pytest.raises(InputError, match=rf"DISTILL_STAND_IN_PORT={taken}.*Nothing was started\.")
    with listening(taken), refused, reserve_ports({SIMULATOR: str(taken)}, defaults):
        pass


@pytest.mark.parametrize("text", ["80000", "http", "-1", "8 080", "٣"])
def test_a_wrong_port_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="must be a port number"), reserve_ports({UI: text}):
        pass


def test_a_replaced_port_is_explained_unless_it_was_chosen() -> None:
    assert explain_ports(Ports(8080, 8090), {}) == ""
    assert explain_ports(Ports(9000, 8090), {UI: "9000"}) == ""
    text = explain_ports(Ports(40001, 40002), {})
    assert "Port 8080 is taken by another program, so Airflow's UI uses port 40001 this time. Set DISTILL_PORT" in text
    assert "Port 8090 is taken by another program, so the AWS simulator uses port 40002" in text
