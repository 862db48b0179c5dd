from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.clock import Clock
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.account.quotas import Quotas
from tools.aws_simulator.account.settings import ModelQuota, SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.protocol.errors import ThrottlingException


def quotas(quota: dict[str, Any]) -> tuple[Quotas, Clock]:
    settings, clock = SettingsStore(State(Path(":memory:"))), Clock()
    settings.change({"quotas": {"nova-micro": quota}})
    return Quotas(settings, clock), clock


def accepted(subject: Quotas, calls: int, tokens: float = 0) -> int:
    count = 0
    for _ in range(calls):
        try:
            subject.reserve(["alias", "nova-micro"], tokens)
        except ThrottlingException:
            break
        count += 1
    return count


def test_the_requests_of_a_minute_may_arrive_at_once_unless_the_burst_is_smaller() -> None:
    assert accepted(quotas({"rpm": 6})[0], 100) == 6
    assert accepted(quotas({"rpm": 600, "burst": 3})[0], 100) == 3


def test_a_default_quota_holds_for_each_first_name_and_the_settings_change_it() -> None:
    subject, _ = quotas({"rpm": 3})
    default = ModelQuota(rpm=2, tpm=100)
    for name in ("deployment-a", "deployment-b"):
        for _ in range(2):
            subject.reserve([name, "deployments"], 50, default)
        with pytest.raises(ThrottlingException, match="Too many requests"):
            subject.reserve([name, "deployments"], 0, default)
    for name in ("deployment-c", "deployment-d"):
        for _ in range(3):
            subject.reserve([name, "nova-micro"], 30, default)
        with pytest.raises(ThrottlingException, match="Too many requests"):
            subject.reserve([name, "nova-micro"], 0, default)
    with pytest.raises(ThrottlingException, match="Too many tokens"):
        subject.reserve(["deployment-e", "nova-micro"], 101, default)
    assert accepted(subject, 5) == 3


def test_the_request_quota_refills_over_time() -> None:
    subject, clock = quotas({"rpm": 60, "burst": 2})
    assert accepted(subject, 5) == 2
    clock.now += 1
    assert accepted(subject, 5) == 1
    clock.now += 3600
    assert accepted(subject, 5) == 2


def test_unused_tokens_are_returned_once_the_call_is_answered() -> None:
    subject, _ = quotas({"tpm": 1000})
    reservation = subject.reserve(["nova-micro"], 900)
    assert accepted(subject, 1, 200) == 0
    reservation.settle(100)
    assert accepted(subject, 1, 800) == 1


def test_more_tokens_than_the_quota_holds_are_never_granted() -> None:
    subject, clock = quotas({"tpm": 1000})
    clock.now += 3600
    with pytest.raises(ThrottlingException, match="Too many tokens"):
        subject.reserve(["nova-micro"], 1001)


def test_a_throttled_call_takes_nothing() -> None:
    subject, _ = quotas({"rpm": 2, "tpm": 100})
    with pytest.raises(ThrottlingException):
        subject.reserve(["nova-micro"], 101)
    assert accepted(subject, 5, 50) == 2


def test_models_without_a_quota_are_not_limited() -> None:
    subject, _ = quotas({"rpm": 1})
    for _ in range(100):
        subject.reserve(["another"], 1e9)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5)), max_size=30))
def test_no_more_than_the_burst_plus_the_rate_is_granted(bursts: list[tuple[float, int]]) -> None:
    subject, clock = quotas({"rpm": 60, "burst": 3})
    started, granted = clock.now, 0
    for pause, calls in bursts:
        clock.now += pause
        granted += accepted(subject, calls)
    assert granted <= 3 + (clock.now - started) + 1e-6


@pytest.mark.parametrize("name", [builders.STUDENT, "amazon.nova-micro-v1:0", "nova-micro"])
def test_a_quota_may_be_set_under_any_name_of_a_model(simulator: RunningSimulator, name: str) -> None:
    simulator.admin("PUT", "settings", {"quotas": {name: {"rpm": 1}}})
    builders.converse(simulator)
    with refused("ThrottlingException", "Too many requests", status=429):
        builders.converse(simulator)
    counts = simulator.ledger["by_model"][builders.STUDENT]
    assert (counts["calls"], counts["rejected"]) == (1, 1)


def test_a_call_that_uses_more_than_it_reserved_leaves_a_negative_level() -> None:
    subject, clock = quotas({"tpm": 600})
    subject.reserve(["nova-micro"], 600).settle(900)
    clock.now += 31
    assert accepted(subject, 1, 10) == 1
    clock.now -= 1
    assert accepted(subject, 1, 10) == 0


def test_max_tokens_are_reserved_and_replaced_by_the_real_output(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": {builders.TEACHER: {"tpm": 10_000}}})
    with refused("ThrottlingException", "Too many tokens", status=429):
        builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(max_tokens=10_000))
    for _ in range(3):
        builders.invoke(simulator, builders.TEACHER, builders.anthropic_body(max_tokens=900))


def test_a_request_without_max_tokens_reserves_the_models_maximum(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": {builders.STUDENT: {"tpm": 5000}}})
    with refused("ThrottlingException", "Too many tokens"):
        builders.converse(simulator, inferenceConfig={})
    assert builders.converse(simulator, inferenceConfig={"maxTokens": 500})
