"""Requests of other sites' pages are refused; requests of programs and of the server's own pages are not."""

from __future__ import annotations

import pytest

from tools.aws_simulator.protocol.own_requests import refusal

HOSTS = {"localhost", "aws-simulator"}


def ask(*lines: str) -> str | None:
    pairs = (line.split(":", 1) for line in lines)
    return refusal([(name.strip().lower().encode(), value.strip().encode()) for name, value in pairs], HOSTS)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:8080", "127.0.0.2:1", "localhost", "localhost:4566", "LOCALHOST:80", "[::1]",
        "[::1]:8080", "aws-simulator:8090", "AWS-Simulator",
    ],
)  # fmt: skip
def test_a_program_on_this_machine_is_allowed(host: str) -> None:
    assert ask(f"Host: {host}") is None
    assert ask(f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin") is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost",
        "localhost.", "localhost@evil.example", "evil.example#localhost", "localhost, evil.example", "localhost evil",
        "0.0.0.0:8080", "10.0.0.1", "169.254.169.254", "[::]", "[fe80::1]", "::1", "127.1", "2130706433", "0x7f000001",
        "", ":8080", "localhost:", "localhost:abc", "localhost:8080:8080", "[::1", "xn--localhost", "lоcalhost",
        "aws-simulator.evil.example", "127.0.0.1\\evil.example", "localhost/evil",
    ],
)  # fmt: skip
def test_another_host_is_refused(host: str) -> None:
    assert "the Host header is" in str(ask(f"Host: {host}"))


def test_a_request_must_have_exactly_one_host() -> None:
    assert ask()
    assert ask("Host: localhost", "Host: evil.example")
    assert ask("Host: localhost", "Host: localhost")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://evil.example", "null", "", "http://localhost", "http://localhost:3000",
        "http://127.0.0.1:8080", "http://localhost:8080.evil.example", "http://localhost:8080@evil.example", "file://",
        "http://localhost:8080/", "http://localhost:8080, http://evil.example", "ftp://localhost:8080",
        "http://evil.example http://localhost:8080", "chrome-extension://abc",
    ],
)  # fmt: skip
def test_another_origin_is_refused(origin: str) -> None:
    assert "the Origin header is" in str(ask("Host: localhost:8080", f"Origin: {origin}"))


def test_each_of_several_origins_must_be_the_own_one() -> None:
    assert ask("Host: localhost:8080", "Origin: http://localhost:8080", "Origin: http://evil.example")


def test_a_cross_site_request_is_refused_unless_it_follows_a_link() -> None:
    assert "Sec-Fetch-Site" in str(ask("Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"))
    assert ask("Host: localhost", "Sec-Fetch-Site: cross-site")
    assert ask("Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate") is None
    assert ask("Host: localhost", "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate") is None
    assert ask("Host: localhost", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate") is None
    form = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Origin: http://evil.example")
    assert "Origin" in str(ask("Host: localhost", *form))  # a form that posts


@pytest.mark.parametrize("site", ["cross-site", "same-site"])  # another port of this machine is the same site
@pytest.mark.parametrize("destination", ["iframe", "frame", "object", "embed", "fencedframe", "IFRAME"])
def test_another_origin_cannot_show_a_page_in_a_frame(site: str, destination: str) -> None:
    frame = ("Host: localhost", "Sec-Fetch-Mode: navigate", f"Sec-Fetch-Dest: {destination}")
    assert "Sec-Fetch-Site" in str(ask(*frame, f"Sec-Fetch-Site: {site}"))
    assert ask(*frame, "Sec-Fetch-Site: same-origin") is None


def test_a_page_of_another_port_of_this_machine_may_only_link() -> None:
    assert "Sec-Fetch-Site" in str(ask("Host: localhost", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"))
    link = ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert ask("Host: localhost", *link) is None
