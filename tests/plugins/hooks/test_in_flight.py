from __future__ import annotations

import datetime
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bedrock_distill.hooks.aws_errors import named_errors
from bedrock_distill.hooks.in_flight import IN_FLIGHT, InFlight
from tests.fakes.clock import Clock


@pytest.fixture
def in_flight(clock: Clock) -> InFlight:
    return InFlight(clock)


def test_nothing_is_said_without_requests(in_flight: InFlight) -> None:
    assert in_flight.slowest() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, ""),
        (19.9, ""),
        (20.0, r"AWS has not answered GetObject s3://bucket/key for 20 s \(since \d\d:\d\d:\d\d UTC\)"),
        (160.4, r"AWS has not answered GetObject s3://bucket/key for 160 s \(since \d\d:\d\d:\d\d UTC\)"),
    ],
)
def test_only_a_slow_request_is_named(seconds: float, text: str, in_flight: InFlight, clock: Clock) -> None:
    with in_flight.track("GetObject s3://bucket/key"):
        clock.now += seconds
        assert re.fullmatch(text, in_flight.slowest())


def test_the_time_of_the_last_answer_and_the_end_of_the_request_are_named(in_flight: InFlight, clock: Clock) -> None:
    with in_flight.track("GetObject s3://bucket/key", limit="sent up to 6 times"):
        clock.now = 3600
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
        text = in_flight.slowest()
        assert text.endswith(" UTC, sent up to 6 times)")
        assert f"(since {since:%H:%M}" in text or f"{since + datetime.timedelta(seconds=2):%H:%M}" in text


def test_the_oldest_request_is_named_until_its_answer_arrives(in_flight: InFlight, clock: Clock) -> None:
    younger = in_flight.track("second")
    with in_flight.track("first"):
        clock.now = 30
        younger.__enter__()
        clock.now = 90
        assert in_flight.slowest().startswith("AWS has not answered first for 90 s (since ")
    assert in_flight.slowest().startswith("AWS has not answered second for 60 s (since ")
    younger.__exit__(None, None, None)
    assert in_flight.slowest() == ""


def test_two_requests_for_the_same_thing_are_counted_separately(in_flight: InFlight, clock: Clock) -> None:
    with in_flight.track("same"):
        clock.now = 50
        with in_flight.track("same"):
            clock.now = 60
        assert in_flight.slowest().startswith("AWS has not answered same for 60 s ")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_request_no_longer_waits_and_its_error_is_raised(
    error: type[BaseException], in_flight: InFlight, clock: Clock
) -> None:
    def fail() -> None:
        with in_flight.track("it"):
            clock.now = 60
            raise error

    with pytest.raises(error):
        fail()
    assert in_flight.slowest() == ""


def test_requests_of_many_threads_are_all_counted(in_flight: InFlight, clock: Clock) -> None:
    started, checked = Barrier(9), Barrier(9)

    def request(number: int) -> None:
        with in_flight.track(f"request {number}"):
            started.wait(60)
            checked.wait(60)

    with ThreadPoolExecutor(8) as pool:
        ended = [pool.submit(request, number) for number in range(8)]
        started.wait(60)
        clock.now = 21
        slowest = in_flight.slowest()
        checked.wait(60)
    assert [future.result() for future in ended] == [None] * 8
    assert slowest.startswith("AWS has not answered request ")
    assert in_flight.slowest() == ""


def test_every_call_of_a_hook_is_tracked(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(IN_FLIGHT, "_clock", clock)
    with named_errors("GetCustomModel tuned-1"):
        clock.now = 45
        assert IN_FLIGHT.slowest().startswith("AWS has not answered GetCustomModel tuned-1 for 45 s (since ")
    assert IN_FLIGHT.slowest() == ""
