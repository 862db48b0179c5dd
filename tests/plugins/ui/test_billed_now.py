"""Test which endpoints the pages show as billed by the hour."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.ui import billed_now as module
from bedrock_distill.ui.billed_now import billed_now
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.cost.prices import load_prices
from tests.fakes.fake_bedrock import OWN_TAGS, FakeBedrock

CREATED = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    fake = FakeBedrock()
    fake.places: list[Any] = []

    def hook(conn_id: str, region: str, *, config: Any) -> FakeBedrock:
        assert config["retries"]["total_max_attempts"] <= 2
        fake.places.append((conn_id, region))
        return fake

    monkeypatch.setattr(module, "BedrockDistillHook", hook)
    module._hook.cache_clear()
    return fake


def add(bedrock: FakeBedrock, name: str, *, status: str = "InService", units: int = 1, **tags: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:provisioned-model/{name}"
    bedrock.throughputs[name] = Throughput(name, arn, status, CREATED, "model", units)
    bedrock.tags_of[arn] = {key.replace("_", "-"): value for key, value in {**OWN_TAGS, **tags}.items()}


def names(found: dict[str, Any], use_case: UseCase) -> list[str]:
    return [endpoint.name for endpoint in found[use_case.name]]


def test_an_endpoint_of_the_use_case_is_shown_with_its_price(bedrock: FakeBedrock, use_case: UseCase) -> None:
    add(bedrock, "two", units=2)
    ((endpoint,),) = billed_now([use_case]).values()
    price = load_prices().price(use_case.student, "throughput_per_hour")
    assert (endpoint.name, endpoint.created, endpoint.usd_per_hour) == ("two", CREATED, 2 * price)
    assert not endpoint.is_standing


def test_a_standing_endpoint_is_told_apart(bedrock: FakeBedrock, use_case: UseCase) -> None:
    add(bedrock, "standing", role="standing")
    assert [endpoint.is_standing for endpoint in billed_now([use_case])[use_case.name] or ()] == [True]


@pytest.mark.parametrize("tags", [{"project": "x"}, {"environment": "prod"}, {"use_case": "payroll"}])
def test_endpoints_of_others_are_not_shown(bedrock: FakeBedrock, use_case: UseCase, tags: dict[str, str]) -> None:
    add(bedrock, "theirs", **tags)
    assert billed_now([use_case]) == {use_case.name: []}


def test_a_failed_endpoint_is_not_billed_but_one_in_creation_is(bedrock: FakeBedrock, use_case: UseCase) -> None:
    add(bedrock, "failed", status="Failed")
    add(bedrock, "creating", status="Creating")
    assert names(billed_now([use_case]), use_case) == ["creating"]


def test_a_price_that_is_not_in_the_file_is_not_known(bedrock: FakeBedrock, use_case: UseCase) -> None:
    add(bedrock, "one")
    without = use_case.model_copy(update={"student": "not-in-the-file"})
    assert [endpoint.usd_per_hour for endpoint in billed_now([without])[use_case.name] or ()] == [None]


def test_an_endpoint_that_is_deleted_meanwhile_is_not_shown(
    bedrock: FakeBedrock, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(bedrock, "gone")

    def no_tags(_: str) -> dict[str, str]:
        raise NotFoundError("gone")

    monkeypatch.setattr(bedrock, "tags", no_tags)
    assert billed_now([use_case]) == {use_case.name: []}


def test_use_cases_with_the_same_connection_and_region_are_asked_once(bedrock: FakeBedrock, use_case: UseCase) -> None:
    add(bedrock, "one")
    other = use_case.model_copy(update={"name": "other"})
    found = billed_now([use_case, other])
    assert (names(found, use_case), found["other"]) == (["one"], [])
    assert bedrock.places == [(use_case.aws.conn_id, use_case.aws.region)]


def test_an_error_is_logged_and_the_endpoints_are_not_known(
    bedrock: FakeBedrock, use_case: UseCase, caplog: pytest.LogCaptureFixture
) -> None:
    bedrock.refuse["list_throughputs"] = RefusedError("role 123456789012")
    assert billed_now([use_case]) == {use_case.name: None}
    assert "role 123456789012" in caplog.text


def test_an_account_that_does_not_answer_in_time_is_not_waited_for(
    bedrock: FakeBedrock, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(bedrock, "list_throughputs", lambda: answered.wait(60) and [])
    try:
        assert billed_now([use_case]) == {use_case.name: None}
    finally:
        answered.set()


def test_without_use_cases_nothing_is_asked(bedrock: FakeBedrock) -> None:
    assert billed_now([]) == {}
